#include "program/quantity.hpp"

#include <charconv>
#include <cmath>

namespace program {
namespace {

struct Quantity {
  double number;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
  // from_chars would take "inf", "nan" and signs.
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  double number = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  return Quantity{number, {rest, static_cast<std::size_t>(end - rest)}};
}

/// Up to 2^53 a double is exact; nothing on a command line needs more.
std::optional<std::uint64_t> whole(double number) {
  if (number > 9007199254740992.0) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(number));
}

std::optional<std::uint64_t> scaled(const Quantity& quantity, double thousand) {
  if (quantity.unit.empty()) {
    // "1.5" connections or bytes is a slip of the pen.
    if (quantity.number != std::floor(quantity.number)) return std::nullopt;
    return whole(quantity.number);
  }
  if (quantity.unit == "k" || quantity.unit == "K") return whole(quantity.number * thousand);
  if (quantity.unit == "M") return whole(quantity.number * thousand * thousand);
  if (quantity.unit == "G") return whole(quantity.number * thousand * thousand * thousand);
  return std::nullopt;
}

bool remove_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  double unit_nanoseconds = 0;
  if (quantity->unit == "us") {
    unit_nanoseconds = 1e3;
  } else if (quantity->unit == "ms") {
    unit_nanoseconds = 1e6;
  } else if (quantity->unit == "s") {
    unit_nanoseconds = 1e9;
  } else if (quantity->unit == "m") {
    unit_nanoseconds = 60e9;
  } else if (quantity->unit == "h") {
    unit_nanoseconds = 3600e9;
  } else if (!quantity->unit.empty() || quantity->number != 0) {
    return std::nullopt;
  }
  const auto nanoseconds = whole(quantity->number * unit_nanoseconds);
  if (!nanoseconds) return std::nullopt;
  return std::chrono::nanoseconds{*nanoseconds};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (!remove_suffix(text, "iB")) remove_suffix(text, "B");
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  return scaled(*quantity, 1024);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  return scaled(*quantity, 1000);
}

}  // namespace program
