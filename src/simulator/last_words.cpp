#include "simulator/last_words.hpp"

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

#include "simulator/crash_signals.hpp"
#include "simulator/machine.hpp"

namespace iocpp::simulator {
namespace {

constexpr std::size_t steps_said = 40;

thread_local const LastWords* current = nullptr;

std::string_view cause_of(std::string_view signal) noexcept {
  if (signal == "SIGABRT") return "what is said above";
  if (signal == "SIGFPE") return "a division by 0";
  if (signal == "SIGILL") return "code that is not to be reached";
  return "memory that is not there";
}

std::mutex counting;
unsigned living = 0;

}  // namespace

/// In the handler of a signal: prepared text and plain numbers only.
struct LastWordsSaid {
  static void say(std::string_view signal) noexcept {
    const LastWords* words = std::exchange(current, nullptr);
    if (words == nullptr) return;
    write_to_error_output("\nThe run that ");
    write_to_error_output(signal);
    write_to_error_output(" has ended (");
    write_to_error_output(cause_of(signal));
    write_to_error_output(", perhaps):\n  ");
    write_to_error_output(words->run_);
    if (const Trace* trace = Machine::trace_of_this_thread(); trace != nullptr && trace->count() != 0) {
      write_to_error_output("\n  the last steps:\n");
      trace->for_each_of_last(steps_said, [](const Record& record) {
        const Line line = line_of(record);
        write_to_error_output("    ");
        write_to_error_output(line.text());
        write_to_error_output("\n");
      });
    } else {
      write_to_error_output("\n");
    }
    if (words->then_ == LastWords::Then::exit_1) std::_Exit(1);
  }
};

LastWords::LastWords(std::string run, Then then)
    : run_{std::move(run)}, then_{then}, outer_{std::exchange(current, this)} {
  const std::lock_guard lock{counting};
  if (living++ == 0) catch_crashes(LastWordsSaid::say);
}

LastWords::~LastWords() {
  current = outer_;
  const std::lock_guard lock{counting};
  if (--living == 0) let_crashes_be();
}

}  // namespace iocpp::simulator
