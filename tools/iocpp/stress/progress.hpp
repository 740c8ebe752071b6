// How far a long run is, on the error output.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "stress/clock.hpp"

namespace stress {

struct ProgressSample {
  std::string_view unit;  ///< `connections`, `messages`, ...
  std::uint64_t done = 0;
  std::uint64_t total = 0;  ///< 0: not known in advance; `share` says how far the run is then.
  double share = 0;         ///< 0 to 1; used where `total` is 0.
  std::uint64_t faults = 0;
  std::string_view fault = "error";  ///< What one of them is called.
  std::string note{};                ///< What else there is to say.
};

/// A live bar on a terminal; elsewhere a line every five seconds. One thread.
class ProgressDisplay {
 public:
  ProgressDisplay(std::ostream& out, bool terminal);

  void start(TimePoint now);
  /// Shows the sample when it is time to.
  void show(const ProgressSample& sample, TimePoint now);
  /// Leaves the terminal's line empty for what is printed next.
  void finish();

 private:
  std::ostream& out_;
  bool terminal_;
  TimePoint started_at_;
  TimePoint shown_at_;
};

/// `[=====>    ]  52% 52,000 of 100,000 connections, 31,000/s, ETA 2 s, 0 errors`; without the bar where `bar` is
/// false. The note comes last.
std::string progress_text(const ProgressSample& sample, Duration elapsed, bool bar);

}  // namespace stress
