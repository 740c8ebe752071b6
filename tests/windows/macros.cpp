// No public name is one of the macros of Windows: the public headers compile before its own headers, and after them.
// It compiles, or it fails.
#ifdef IOCPP_FIRST
#include <iocpp/iocpp.hpp>
#endif
#undef WIN32_LEAN_AND_MEAN
#include <winsock2.h>
// Only after it.
#include <windows.h>
// The standard headers of mingw-w64 do not bear the two macros that Microsoft's windows.h defines without NOMINMAX.
#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#include <iocpp/iocpp.hpp>

namespace {

struct Everything : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

}  // namespace

int main() {
  Everything handler;
  iocpp::Server server({.host = "127.0.0.1"}, handler);
  return server.port() == 0 ? 1 : 0;
}
