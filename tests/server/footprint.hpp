// What this process holds of the system: its descriptors and threads.
#pragma once

#ifdef _WIN32
#include <windows.h>

#include <tlhelp32.h>
#endif

#include <algorithm>
#include <compare>
#include <cstddef>
#include <filesystem>
#include <ostream>
#include <thread>

#include "server/eventually.hpp"

namespace iocpp::tests {

struct Footprint {
  std::ptrdiff_t descriptors = 0;
  std::ptrdiff_t threads = 0;

#ifdef _WIN32
  /// Threads only: the number of handles is not ours alone there (Winsock keeps some for itself), and 0 in Wine.
  static Footprint now() {
    Footprint footprint;
    const HANDLE threads = ::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 thread{};
    thread.dwSize = sizeof thread;
    for (BOOL more = ::Thread32First(threads, &thread); more != 0; more = ::Thread32Next(threads, &thread)) {
      if (thread.th32OwnerProcessID == ::GetCurrentProcessId()) ++footprint.threads;
    }
    ::CloseHandle(threads);
    return footprint;
  }
#else
  static Footprint now() {
    // A sanitizer starts a thread of its own when the program starts its first one.
    [[maybe_unused]] static const bool started_one = [] {
      std::thread{[] {}}.join();
      return true;
    }();
    const auto entries = [](const char* folder) {
      return std::distance(std::filesystem::directory_iterator{folder}, std::filesystem::directory_iterator{});
    };
    return {.descriptors = entries("/proc/self/fd"), .threads = entries("/proc/self/task")};
  }
#endif

  friend bool operator==(const Footprint&, const Footprint&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Footprint& footprint) {
    return out << footprint.descriptors << " descriptors, " << footprint.threads << " threads";
  }
};

/// The footprint now, or as soon as it is `before`: the kernel takes a thread out of /proc a little after it was
/// joined.
inline Footprint footprint_after(const Footprint& before) {
  [[maybe_unused]] const bool same = eventually([&] { return Footprint::now() == before; });
  return Footprint::now();
}

}  // namespace iocpp::tests
