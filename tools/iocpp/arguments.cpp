#include "arguments.hpp"

#include <array>
#include <cstdio>

namespace program {
namespace {

/// The number with the largest unit that leaves it whole.
std::string with_unit(std::uint64_t number, std::uint64_t thousand) {
  static constexpr std::array<const char*, 4> units{"", "k", "M", "G"};
  std::size_t unit = 0;
  while (unit + 1 < units.size() && number >= thousand && number % thousand == 0) {
    number /= thousand;
    ++unit;
  }
  return std::to_string(number) + units[unit];
}

}  // namespace

std::string count_argument(std::uint64_t count) {
  return std::to_string(count);
}
std::string size_argument(std::uint64_t bytes) {
  return with_unit(bytes, 1024);
}

std::string duration_argument(std::chrono::nanoseconds duration) {
  const auto nanoseconds = duration.count();
  if (nanoseconds % 1'000'000'000 == 0) return std::to_string(nanoseconds / 1'000'000'000) + "s";
  if (nanoseconds % 1'000'000 == 0) return std::to_string(nanoseconds / 1'000'000) + "ms";
  return std::to_string(nanoseconds / 1'000) + "us";
}

void refuse(const std::string& name, const std::string& text, const std::string& wanted) {
  object(name, text, "is not " + wanted);
}

void object(const std::string& name, const std::string& text, const std::string& objection) {
  throw CLI::ValidationError(name, "'" + text + "' " + objection);
}

CLI::Option* add_share(CLI::App& app, const std::string& name, double& value, const std::string& description) {
  std::array<char, 16> shown{};
  std::snprintf(shown.data(), shown.size(), "%g", value);
  const auto read = [&value, name](const std::string& text) {
    double share = -1;
    if (!CLI::detail::lexical_cast(text, share) || !(share >= 0 && share <= 1)) {
      refuse(name, text, "a share from 0 to 1");
    }
    value = share;
  };
  return app.add_option_function<std::string>(name, read, description)->type_name("SHARE")->default_str(shown.data());
}

}  // namespace program
