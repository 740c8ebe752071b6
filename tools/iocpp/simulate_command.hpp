// `iocpp simulate`: the simulator's command line.
#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

/// Adds the subcommand to `app`. When parsing finds it, it sets `chosen`.
void add_simulate_command(CLI::App& app, Command& chosen);
