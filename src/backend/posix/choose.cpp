#include "backend/choose.hpp"

#include <system_error>
#include <thread>

#include "backend/epoll/port.hpp"
#include "backend/epoll/sys.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/io_uring/probe.hpp"
#include "backend/io_uring/sys.hpp"
#include "backend/posix/handles.hpp"
#include "engine/engine.hpp"
#include "iocpp/error.hpp"

namespace iocpp::backend {
namespace {

using IoUringPort = io_uring::Port<io_uring::Sys>;
using EpollPort = epoll::Port<epoll::Sys>;

/// On a thread of its own: a ring's end is told to the thread that made it by a signal of the kernel's, which would end
/// the caller's next system call with EINTR (measured: in every second run of a test whose client reads meanwhile).
io_uring::Probe probe_io_uring() {
  io_uring::Sys sys;
  io_uring::Probe outcome;
  std::thread{[&] { outcome = io_uring::probe(sys); }}.join();
  return outcome;
}

[[noreturn]] void fail(const io_uring::Probe& probe) {
  throw std::system_error(native_error(probe.error), "Options::backend: " + io_uring::describe(probe));
}

Choice io_uring_or_fail() {
  const io_uring::Probe probe = probe_io_uring();
  if (!probe.usable()) fail(probe);
  return {Backend::io_uring, "asked for"};
}

Choice best() {
  const io_uring::Probe probe = probe_io_uring();
  // Said of this moment, not of the system; and epoll needs a handle too.
  if (probe.no_handle()) fail(probe);
  const Backend backend = probe.usable() ? Backend::io_uring : Backend::epoll;
  return {backend, io_uring::describe(probe) + ": using " + std::string{to_string(backend)}};
}

}  // namespace

Choice choose(Backend wanted) {
  switch (wanted) {
    case Backend::automatic:
      return best();
    case Backend::io_uring:
      return io_uring_or_fail();
    case Backend::epoll:
      return {Backend::epoll, "asked for"};
    case Backend::iocp:
      break;
  }
  throw std::system_error(make_error_code(errc::not_supported),
                          "Options::backend: " + std::string{to_string(wanted)} + " is not of this system");
}

bool shares_port(Backend) noexcept {
  static_assert(IoUringPort::capabilities.shares_port && EpollPort::capabilities.shares_port);
  return true;
}

std::unique_ptr<engine::Loop> make_loop(Backend backend, const engine::EngineConfig& config, engine::Group& group) {
  if (backend == Backend::epoll) return std::make_unique<engine::Engine<EpollPort>>(config, group);
  return std::make_unique<engine::Engine<IoUringPort>>(config, group);
}

void set_platform(core::CoreConfig& config) noexcept {
  static_assert(EpollPort::capabilities.platform == IoUringPort::capabilities.platform);
  config.platform = IoUringPort::capabilities.platform;
  config.peer_name = IoUringPort::peer_name;
  config.peer_credentials = posix::peer_credentials;
}

}  // namespace iocpp::backend
