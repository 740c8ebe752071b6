#include "program/figures.hpp"

#include <array>
#include <cstdio>
#include <iomanip>

namespace program {
namespace {

std::string three_figures(double number, const char* unit) {
  std::array<char, 64> text{};
  const int decimals = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f %s", decimals, number, unit);
  return text.data();
}

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, 1, ',');
  return text;
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto nanoseconds = static_cast<double>(duration.count());
  if (nanoseconds >= 1e9) return three_figures(nanoseconds / 1e9, "s");
  if (nanoseconds >= 1e6) return three_figures(nanoseconds / 1e6, "ms");
  return three_figures(nanoseconds / 1e3, "us");
}

std::string bytes_text(double bytes) {
  if (bytes >= 1e9) return three_figures(bytes / 1e9, "GB");
  if (bytes >= 1e6) return three_figures(bytes / 1e6, "MB");
  if (bytes >= 1e3) return three_figures(bytes / 1e3, "kB");
  return with_commas(static_cast<std::uint64_t>(bytes)) + " B";
}

std::string plural(std::uint64_t number, const std::string& noun) {
  return with_commas(number) + " " + noun + (number == 1 ? "" : "s");
}

void line(std::ostream& out, std::string_view label, const std::string& text) {
  constexpr int label_width = 34;
  out << "  " << std::left << std::setw(label_width) << label << text << '\n';
}

}  // namespace program
