// What the program asks of the process it runs in. One source file per system.
#pragma once

#include <cstdint>
#include <string>

namespace program {

/// Raises the soft limit of open handles to the hard one, and returns what may be open now.
std::uint64_t raise_handle_limit();

/// Whether a person watches the error output.
bool stderr_is_terminal();

/// The system, its kernel and its processors: `Linux 6.18.5 x86_64, 2 processors`.
std::string machine_text();

}  // namespace program
