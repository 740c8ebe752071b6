// Runs with one kind of trouble in place of a mix of all kinds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace iocpp::simulator {

enum class System : std::uint8_t;
struct Draft;

enum class Scenario : std::uint8_t {
  mixed,  ///< As the seed has it.
  calm,
  storm,
  slow_readers,
  shortage,
  drain,
  listener_lost,
  interruptions
};

struct ScenarioName {
  Scenario scenario;
  std::string_view name;
  std::string_view words;
};

std::span<const ScenarioName> scenarios() noexcept;
std::string_view to_string(Scenario scenario) noexcept;
std::optional<Scenario> scenario_named(std::string_view name) noexcept;

/// Makes of what a seed has drawn a run of that kind.
void apply(Scenario scenario, System system, Draft& draft);

}  // namespace iocpp::simulator
