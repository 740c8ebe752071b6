// Numbers as a reader wants to see them.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace program {

/// `1,234,567`
std::string with_commas(std::uint64_t number);

/// Three figures and a unit: `12.3 ms`, `4.56 s`, `789 us`.
std::string duration_text(std::chrono::nanoseconds duration);

/// Three figures and a decimal unit, as networks are measured: `3.21 MB`, `64 B`.
std::string bytes_text(double bytes);

/// `1 shard`, `2 shards`, `1,000 shards`.
std::string plural(std::uint64_t number, const std::string& noun);

/// One line of a report: what it is, and how much.
struct Figure {
  std::string label;  ///< Indented where it is a part of the one above.
  std::string text;
};
using Figures = std::vector<Figure>;

/// A figure as a line on a terminal.
void line(std::ostream& out, std::string_view label, const std::string& text);

}  // namespace program
