// A file for a report, made before the work that it is about: hours of load must not end at a folder that is not there.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "program/page.hpp"

namespace program {

class ReportFile {
 public:
  /// Makes the file, or empties it; an empty path is none. Throws `std::system_error`, whose text has the path.
  explicit ReportFile(const std::string& path);

  explicit operator bool() const noexcept { return file_ != nullptr; }

  /// Once. Throws `std::system_error` where the page can't be written whole.
  void write(const Page& page);

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

/// What every report begins with: the command, the machine, and now as the time of its end.
Figures circumstances(const std::string& command);

/// The command line as it was typed, or nearly: words with anything but plain characters are quoted.
std::string command_text(int argc, const char* const* argv);

}  // namespace program
