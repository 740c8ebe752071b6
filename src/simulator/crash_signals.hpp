// The signals of a process that ends for what its own code did, and the one way to say something then.
#pragma once

#include <string_view>

namespace iocpp::simulator {

/// `say` is called in the handler, with the signal's name (`SIGSEGV`): it may call nothing that is not
/// async-signal-safe (signal-safety(7)). After it, what was in place before is, and ends the process or not. Not
/// thread-safe.
void catch_crashes(void (*say)(std::string_view signal) noexcept) noexcept;
/// As it was before.
void let_crashes_be() noexcept;

/// Async-signal-safe.
void write_to_error_output(std::string_view text) noexcept;

}  // namespace iocpp::simulator
