// Durations, sizes and counts as a user writes them on a command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace program {

/// `10s`, `1.5s`, `500ms`, `100us`, `2m`, `1h`; a plain `0` needs no unit. Nothing for anything else.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Bytes: `65536`, `64k`, `1M`, `2G`, in powers of 1,024; `64KiB` and `64kB` are the same. Nothing for anything else.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// A number of things, or of things a second: `100000`, `100k`, `1M`, in powers of 1,000. Nothing for anything else.
std::optional<std::uint64_t> parse_count(std::string_view text);

}  // namespace program
