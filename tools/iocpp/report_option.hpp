// `--report FILE.html`, as all commands that have a result take it.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "program/report_file.hpp"

void add_report(CLI::App& app, std::string& path);

/// Makes the file, before the work begins; an empty path is none. Throws `WrongArgument` where it can't be made.
program::ReportFile report_file(const std::string& path);
