// A run's name, as text that a person can copy from a failure into the environment.
#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "simulator/user/user_simulation.hpp"

namespace iocpp::simulator {
namespace {

[[noreturn]] void refuse(const std::string& word) {
  throw std::invalid_argument("IOCPP_SIMULATE: \"" + word + "\" is not known: write what a failing run has printed, " +
                              "test=NAME seed=NUMBER system=io_uring|epoll|iocp faults=none|light|heavy ...");
}

std::uint64_t number_in(std::string_view text, const std::string& word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) refuse(word);
  return number;
}

std::uint32_t small_number_in(std::string_view text, const std::string& word) {
  const std::uint64_t number = number_in(text, word);
  if (number > std::numeric_limits<std::uint32_t>::max()) refuse(word);
  return static_cast<std::uint32_t>(number);
}

std::vector<std::uint32_t> numbers_in(std::string_view text, const std::string& word) {
  std::vector<std::uint32_t> numbers;
  for (;;) {
    const std::size_t comma = text.find(',');
    numbers.push_back(small_number_in(text.substr(0, comma), word));
    if (comma == std::string_view::npos) return numbers;
    text.remove_prefix(comma + 1);
  }
}

template <class Value>
Value named_in(std::string_view text, const std::string& word, std::initializer_list<Value> values) {
  const auto found = std::ranges::find_if(values, [text](Value value) { return to_string(value) == text; });
  if (found == values.end()) refuse(word);
  return *found;
}

constexpr std::string_view name_before = "test=";

void change(SimulationOptions& options, const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) refuse(word);
  const std::string_view name = std::string_view{word}.substr(0, equals);
  const std::string_view value = std::string_view{word}.substr(equals + 1);
  if (name == "system") {
    // Automatic: of a test that failed before it had drawn one.
    options.server.backend =
        named_in(value, word, {Backend::automatic, Backend::io_uring, Backend::epoll, Backend::iocp});
  } else if (name == "faults") {
    options.faults = named_in(value, word, {FaultRate::none, FaultRate::light, FaultRate::heavy});
  } else if (name == "absent") {
    options.absent_peers = numbers_in(value, word);
  } else if (name == "seed") {
    options.seed = number_in(value, word);
  } else if (name == "random_peers") {
    options.random_peers = small_number_in(value, word);
  } else if (name == "only_faults") {
    const auto ranges = fault_ranges_in(value);
    if (!ranges) refuse(word);
    options.only_faults = *ranges;
  } else {
    refuse(word);
  }
}

}  // namespace

std::string word_of(std::string_view name) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/";
  std::string word{name};
  for (char& letter : word) {
    if (allowed.find(letter) == std::string_view::npos) letter = '_';
  }
  return word;
}

std::string name_in(const std::string& text) {
  std::istringstream words{text};
  std::string word;
  while (words >> word) {
    if (word.starts_with(name_before)) return word.substr(name_before.size());
  }
  return {};
}

std::string replay_of(const SimulationOptions& options) {
  std::string text = options.name.empty() ? "" : std::string{name_before} + word_of(options.name) + " ";
  text += "seed=" + std::to_string(options.seed) + " system=" + std::string{to_string(options.server.backend)} +
          " faults=" + std::string{to_string(options.faults)};
  if (options.random_peers != 0) text += " random_peers=" + std::to_string(options.random_peers);
  if (!options.only_faults.empty()) text += " only_faults=" + to_text(options.only_faults);
  for (std::size_t at = 0; at < options.absent_peers.size(); ++at)
    text += (at == 0 ? " absent=" : ",") + std::to_string(options.absent_peers[at]);
  return text;
}

SimulationOptions replayed(SimulationOptions options, const std::string& text) {
  std::istringstream words{text};
  std::string word;
  while (words >> word) {
    if (!word.starts_with(name_before)) change(options, word);
  }
  return options;
}

}  // namespace iocpp::simulator
