// A command line's way from its arguments to an exit code.
#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

/// Reads the arguments and runs the command that parsing has put into `chosen`; what went wrong is said on the error
/// output. Exit code 1: it failed; 2: a wrong argument.
int run_command_line(CLI::App& app, const Command& chosen, int argc, char** argv);
