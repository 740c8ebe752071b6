// `iocpp serve`: the server's command line.
#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

/// Adds the subcommand to `app`. When parsing finds it, it sets `chosen`.
void add_serve_command(CLI::App& app, Command& chosen);
