// What a run says that its process does not survive.
#pragma once

#include <string>

namespace iocpp::simulator {

/// While it lives, an assertion, `std::abort`, an exception that nobody catches, or memory that is not there, on this
/// thread, writes to the error output: which run it was (`run`: its name, and how to have it again) and the last steps
/// of it. Then happens what would have happened without it, or the process ends with code 1. Whatever handled these
/// signals before does so again when the last one of the process is gone. A stack that has overflown says nothing:
/// there is no room left for it to be said on.
class LastWords {
 public:
  enum class Then : bool { as_before, exit_1 };

  explicit LastWords(std::string run, Then then = Then::as_before);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  friend struct LastWordsSaid;

  std::string run_;
  Then then_;
  const LastWords* outer_;
};

}  // namespace iocpp::simulator
