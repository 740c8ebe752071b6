#include "simulator/fault_ranges.hpp"

#include <algorithm>
#include <charconv>

namespace iocpp::simulator {
namespace {

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Without `count` of them, the first `before` of which stay.
FaultRanges without(const FaultRanges& ranges, std::uint64_t before, std::uint64_t count) {
  FaultRanges rest;
  std::uint64_t passed = 0;
  for (const auto& [first, last] : ranges) {
    const std::uint64_t size = last - first + 1;
    // Of this range, what is taken out: [begin, end).
    const std::uint64_t begin = std::clamp(before, passed, passed + size) - passed;
    const std::uint64_t end = std::clamp(before + count, passed, passed + size) - passed;
    if (begin == end) {
      rest.emplace_back(first, last);
    } else {
      if (begin != 0) rest.emplace_back(first, first + begin - 1);
      if (end != size) rest.emplace_back(first + end, last);
    }
    passed += size;
  }
  return rest;
}

}  // namespace

std::uint64_t count_of(const FaultRanges& ranges) noexcept {
  std::uint64_t count = 0;
  for (const auto& [first, last] : ranges) count += last - first + 1;
  return count;
}

std::string to_text(const FaultRanges& ranges) {
  std::string text;
  for (const auto& [first, last] : ranges) {
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (last != first) text += '-' + std::to_string(last);
  }
  return text;
}

std::optional<FaultRanges> fault_ranges_in(std::string_view text) {
  FaultRanges ranges;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    const auto first = number_in(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_in(part.substr(dash + 1));
    const bool ascends = first && last && *first <= *last && (ranges.empty() || ranges.back().second < *first);
    if (!ascends) return std::nullopt;
    ranges.emplace_back(*first, *last);
    if (comma == std::string_view::npos) return ranges;
    text.remove_prefix(comma + 1);
  }
}

FaultRanges fewer_faults(const FaultRanges& failing, std::uint64_t drawn,
                         const std::function<bool(const FaultRanges&)>& fails) {
  if (failing.empty() && drawn == 0) return failing;
  FaultRanges left = failing.empty() ? FaultRanges{{0, drawn - 1}} : failing;
  for (std::uint64_t part = (count_of(left) + 1) / 2; part != 0;) {
    bool smaller = false;
    for (std::uint64_t at = 0; at < count_of(left) && count_of(left) > part;) {
      FaultRanges fewer = without(left, at, part);
      if (fails(fewer)) {
        left = std::move(fewer);
        smaller = true;
      } else {
        at += part;
      }
    }
    if (part == 1 && !smaller) break;
    part = part == 1 ? 1 : (part + 1) / 2;
  }
  return left;
}

}  // namespace iocpp::simulator
