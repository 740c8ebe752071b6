#include "program/report_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "program/system.hpp"

namespace program {
namespace {

[[noreturn]] void fail(int number, const std::string& path) {
  throw std::system_error{number, std::generic_category(), "--report " + path};
}

std::string now_text() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{now - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

std::string quoted(const std::string& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,[]@%+\\";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char character : word) text += character == '\'' ? std::string{"'\\''"} : std::string{character};
  return text + "'";
}

}  // namespace

ReportFile::ReportFile(const std::string& path) : path_{path} {
  if (path.empty()) return;
  file_.reset(std::fopen(path.c_str(), "wb"));
  if (!file_) fail(errno, path);
}

void ReportFile::write(const Page& page) {
  const std::string text = page.text();
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) fail(errno, path_);
  if (std::fclose(file_.release()) != 0) fail(errno, path_);
}

Figures circumstances(const std::string& command) {
  return {{"command", command}, {"machine", machine_text()}, {"ended", now_text()}};
}

std::string command_text(int argc, const char* const* argv) {
  std::string text = "iocpp";
  for (int word = 1; word < argc; ++word) text += " " + quoted(argv[word]);
  return text;
}

}  // namespace program
