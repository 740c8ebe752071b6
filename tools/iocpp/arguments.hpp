// Options of the command line with units: how they are read, shown in --help and refused.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>

#include <CLI/CLI.hpp>

#include "program/figures.hpp"
#include "program/quantity.hpp"

namespace program {

/// A count between the limits; `100k` and `1M` are in powers of 1,000. The value is the default.
template <std::unsigned_integral Number>
CLI::Option* add_count(CLI::App& app, const std::string& name, Number& value, std::uint64_t least, std::uint64_t most,
                       const std::string& description);

/// A size in bytes between the limits; `64k` and `1M` are in powers of 1,024. The value is the default.
template <std::unsigned_integral Number>
CLI::Option* add_size(CLI::App& app, const std::string& name, Number& value, std::uint64_t least, std::uint64_t most,
                      const std::string& description);

/// A duration between the limits, such as `10s`, `500ms`, `2m`. The value is the default.
template <class Value>
CLI::Option* add_duration(CLI::App& app, const std::string& name, Value& value, std::chrono::nanoseconds least,
                          std::chrono::nanoseconds most, const std::string& description);

/// A number between 0 and 1. The value is the default.
CLI::Option* add_share(CLI::App& app, const std::string& name, double& value, const std::string& description);

// As a user would write them.
std::string count_argument(std::uint64_t count);
std::string size_argument(std::uint64_t bytes);
std::string duration_argument(std::chrono::nanoseconds duration);

[[noreturn]] void refuse(const std::string& name, const std::string& text, const std::string& wanted);
/// The same, in other words than "is not".
[[noreturn]] void object(const std::string& name, const std::string& text, const std::string& objection);

template <std::unsigned_integral Number>
CLI::Option* add_count(CLI::App& app, const std::string& name, Number& value, std::uint64_t least, std::uint64_t most,
                       const std::string& description) {
  const auto read = [&value, name, least, most](const std::string& text) {
    const auto count = parse_count(text);
    if (!count || *count < least || *count > most) {
      refuse(name, text, "a number from " + count_argument(least) + " to " + count_argument(most));
    }
    value = static_cast<Number>(*count);
  };
  return app.add_option_function<std::string>(name, read, description)
      ->type_name("N")
      ->default_str(count_argument(value));
}

template <std::unsigned_integral Number>
CLI::Option* add_size(CLI::App& app, const std::string& name, Number& value, std::uint64_t least, std::uint64_t most,
                      const std::string& description) {
  const auto read = [&value, name, least, most](const std::string& text) {
    const auto size = parse_size(text);
    if (!size || *size < least || *size > most) {
      refuse(name, text, "a size from " + size_argument(least) + " to " + size_argument(most) + " bytes");
    }
    value = static_cast<Number>(*size);
  };
  return app.add_option_function<std::string>(name, read, description)
      ->type_name("BYTES")
      ->default_str(size_argument(value));
}

template <class Value>
CLI::Option* add_duration(CLI::App& app, const std::string& name, Value& value, std::chrono::nanoseconds least,
                          std::chrono::nanoseconds most, const std::string& description) {
  const auto read = [&value, name, least, most](const std::string& text) {
    const auto duration = parse_duration(text);
    // A finer value than the option's unit would be rounded to something else than was asked for.
    const bool exact = duration && std::chrono::duration_cast<Value>(*duration) == *duration;
    if (!exact || *duration < least || *duration > most) {
      refuse(name, text,
             "a duration from " + duration_argument(least) + " to " + duration_argument(most) + ", in whole " +
                 (Value{1} < std::chrono::seconds{1} ? "milliseconds" : "seconds") + ", such as 10s");
    }
    value = std::chrono::duration_cast<Value>(*duration);
  };
  return app.add_option_function<std::string>(name, read, description)
      ->type_name("TIME")
      ->default_str(duration_argument(value));
}

}  // namespace program
