// `iocpp stress`: the load client's command line.
#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

/// Adds the subcommand to `app`. When parsing finds it, it sets `chosen`. `command_line`: what reports show.
void add_stress_command(CLI::App& app, Command& chosen, const std::string& command_line);
