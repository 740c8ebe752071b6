#include "stress/progress.hpp"

#include <algorithm>
#include <cmath>

#include "program/figures.hpp"

namespace stress {
namespace {

constexpr int bar_width = 30;
constexpr Duration line_every = std::chrono::seconds{5};
constexpr std::string_view erase_line = "\r\x1b[K";

double share_of(const ProgressSample& sample) {
  const double share =
      sample.total == 0 ? sample.share : static_cast<double>(sample.done) / static_cast<double>(sample.total);
  return std::clamp(share, 0.0, 1.0);
}

std::string bar_of(double share) {
  const auto filled = static_cast<std::size_t>(share * bar_width);
  std::string bar(filled, '=');
  if (filled < bar_width) bar += '>';
  bar.resize(bar_width, ' ');
  return "[" + bar + "] ";
}

std::string percent_of(double share) {
  const std::string percent = std::to_string(static_cast<int>(share * 100));
  return std::string(3 - percent.size(), ' ') + percent + "% ";
}

}  // namespace

std::string progress_text(const ProgressSample& sample, Duration elapsed, bool bar) {
  const double share = share_of(sample);
  const double seconds = std::chrono::duration<double>(elapsed).count();
  std::string text = (bar ? bar_of(share) : std::string{}) + percent_of(share) + program::with_commas(sample.done);
  if (sample.total != 0) text += " of " + program::with_commas(sample.total);
  text += " " + std::string{sample.unit};
  if (seconds > 0) {
    text += ", " + program::with_commas(static_cast<std::uint64_t>(static_cast<double>(sample.done) / seconds)) + "/s";
  }
  if (share > 0 && share < 1) {
    text += ", ETA " + std::to_string(std::llround(std::ceil(seconds * (1 - share) / share))) + " s";
  }
  text += ", " + program::plural(sample.faults, std::string{sample.fault});
  return sample.note.empty() ? text : text + ", " + sample.note;
}

ProgressDisplay::ProgressDisplay(std::ostream& out, bool terminal) : out_{out}, terminal_{terminal} {}

void ProgressDisplay::start(TimePoint now) {
  started_at_ = now;
  shown_at_ = now;
}

void ProgressDisplay::show(const ProgressSample& sample, TimePoint now) {
  if (terminal_) {
    out_ << erase_line << progress_text(sample, now - started_at_, true) << std::flush;
  } else if (now - shown_at_ >= line_every) {
    shown_at_ = now;
    out_ << progress_text(sample, now - started_at_, false) << std::endl;
  }
}

void ProgressDisplay::finish() {
  if (terminal_) out_ << erase_line << std::flush;
}

}  // namespace stress
