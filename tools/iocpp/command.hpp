// What a subcommand hands to `main`.
#pragma once

#include <functional>
#include <stdexcept>

/// The chosen command, its arguments read: runs it and returns the exit code.
using Command = std::function<int()>;

/// The command can't be run as it was asked for; the text says why and what to do. Exit code 2.
struct WrongArgument : std::runtime_error {
  using std::runtime_error::runtime_error;
};
