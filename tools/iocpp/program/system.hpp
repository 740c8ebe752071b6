// What the program asks of the process it runs in. One source file per system.
#pragma once

#include <cstdint>

namespace program {

/// Raises the soft limit of open handles to the hard one, and returns what may be open now.
std::uint64_t raise_handle_limit();

/// Whether a person watches the error output.
bool stderr_is_terminal();

}  // namespace program
