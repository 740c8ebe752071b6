// Which of a run's faults happen: for a run that is made smaller.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iocpp::simulator {

/// First and last numbers, ascending, of the faults that chance would have, counted from 0. None: all of them happen.
using FaultRanges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

std::uint64_t count_of(const FaultRanges& ranges) noexcept;

/// "3,17-20", and back; nothing where it is no such text.
std::string to_text(const FaultRanges& ranges);
std::optional<FaultRanges> fault_ranges_in(std::string_view text);

/// Fewer of the faults of a failing run, for which `fails` said true. `drawn`: how many there were in it. Parts are
/// taken out, ever smaller ones, until no single one can go; never the last one.
FaultRanges fewer_faults(const FaultRanges& failing, std::uint64_t drawn,
                         const std::function<bool(const FaultRanges&)>& fails);

}  // namespace iocpp::simulator
