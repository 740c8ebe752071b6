// `iocpp simulate`: the simulator's command line.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "command.hpp"

/// Adds the subcommand to `app`. When parsing finds it, it sets `chosen`. `command_line`: what reports show.
/// `mutant`: the name of the bug that this
/// program has built in on purpose; none in one that is released.
void add_simulate_command(CLI::App& app, Command& chosen, const std::string& command_line,
                          const std::string& mutant = {});
