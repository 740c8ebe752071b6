// Whose error numbers this thread's native errors are: this system's own, or those of one that is simulated.
#pragma once

#include <cstdint>

namespace iocpp {

enum class NativeSystem : std::uint8_t { own, linux_os, windows };

/// For its life and on its thread, `native_category` reads numbers as that system's: of several, as the newest's,
/// whichever ends first. An error that outlives them is read as one of this system's own again.
class NativeSystemScope {
 public:
  explicit NativeSystemScope(NativeSystem system) noexcept;
  ~NativeSystemScope();
  NativeSystemScope(const NativeSystemScope&) = delete;
  NativeSystemScope& operator=(const NativeSystemScope&) = delete;

 private:
  NativeSystem system_;
  NativeSystemScope* outer_;
};

}  // namespace iocpp
