// A file below the folder that is served, and what HTTP wants to know of it.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// A descriptor, closed with it.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_{number} {}
  Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

/// `%41` is A. Nothing where it is wrong, or where a byte 0 comes of it.
inline std::optional<std::string> decoded(std::string_view text) {
  const auto digit = [](char character) {
    if (character >= '0' && character <= '9') return character - '0';
    const char lower = static_cast<char>(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char character = text[at];
    if (character == '%') {
      if (text.size() - at < 3 || digit(text[at + 1]) < 0 || digit(text[at + 2]) < 0) return std::nullopt;
      character = static_cast<char>(digit(text[at + 1]) * 16 + digit(text[at + 2]));
      at += 2;
    }
    if (character == '\0') return std::nullopt;
    plain += character;
  }
  return plain;
}

class Document {
 public:
  /// Below `folder` and nowhere else: the system itself refuses "..", and links that lead out of it
  /// (RESOLVE_BENEATH of openat2(2)). Nothing where there is no such regular file; throws where that can't be found out
  /// (no handles, no memory), which ends the connection: "404" would be a lie that caches believe.
  static std::optional<Document> open(int folder, std::string_view target) {
    std::optional<std::string> path = decoded(target.substr(0, target.find_first_of("?#")));
    if (!path || path->empty() || path->front() != '/') return std::nullopt;
    if (path->back() == '/') *path += "index.html";
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a pipe would make us wait
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long number = ::syscall(SYS_openat2, folder, path->c_str() + path->find_first_not_of('/'), &how, sizeof how);
    if (number < 0 && !is_absence(errno)) throw std::system_error{errno, std::generic_category(), "openat2"};
    if (number < 0) return std::nullopt;
    Document document{Descriptor{static_cast<int>(number)}};
    struct stat status {};
    if (::fstat(document.file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    document.size = static_cast<std::uint64_t>(status.st_size);
    const auto changed = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000U +
                         static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
    document.etag = '"' + std::to_string(changed) + '-' + std::to_string(document.size) + '"';
    document.type = type_of(*path);
    return document;
  }

  Descriptor file;
  std::uint64_t size = 0;
  std::string etag{};
  std::string_view type{};

 private:
  explicit Document(Descriptor opened) : file{std::move(opened)} {}

  static bool is_absence(int error) {
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV || error == EACCES ||
           error == ENAMETOOLONG || error == ENXIO;
  }

  static std::string_view type_of(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> types{{{".html", "text/html; charset=utf-8"},
                                                                                  {".css", "text/css"},
                                                                                  {".js", "text/javascript"},
                                                                                  {".json", "application/json"},
                                                                                  {".svg", "image/svg+xml"},
                                                                                  {".png", "image/png"},
                                                                                  {".jpg", "image/jpeg"},
                                                                                  {".txt", "text/plain; charset=utf-8"},
                                                                                  {".pdf", "application/pdf"}}};
    for (const auto& [end, type] : types)
      if (path.ends_with(end)) return type;
    return "application/octet-stream";
  }
};
