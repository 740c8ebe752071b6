// Where the conformance suite runs: a completion port, a listener, and peers.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/backend.hpp"
#include "support/peer.hpp"
#ifndef _WIN32
#include "backend/epoll/port.hpp"
#include "backend/epoll/sys.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/io_uring/sys.hpp"
#include "support/faulty_sys.hpp"
#endif

namespace iocpp::tests {

/// A completion, with a copy of the bytes that were lent with it.
struct Event {
  engine::Completion completion;
  std::string bytes;
};

/// One wait of a world.
template <class World>
std::size_t collect_once(World& world, std::optional<std::chrono::nanoseconds> timeout) {
  const auto completions = world.port().wait(timeout);
  for (const engine::Completion& completion : completions) {
    Event event{completion, {}};
    if (completion.operation == core::Operation::receive && completion.bytes != 0) {
      event.bytes.assign(reinterpret_cast<const char*>(completion.received), completion.bytes);
    }
    world.events.push_back(std::move(event));
  }
  return completions.size();
}

/// Waits until `enough()`, at most 20 s of the port's time, and keeps what completed. False: it never was.
template <class World>
bool until_enough(World& world, const std::function<bool()>& enough) {
  const TimePoint give_up = world.port().now() + std::chrono::seconds{20};
  while (!enough()) {
    if (world.port().now() >= give_up) return false;
    world.collect(std::chrono::milliseconds{100});
  }
  return true;
}

/// The real kernel's loopback. A world of a simulated kernel has the same members.
template <class PortType>
class RealWorld {
 public:
  using Port = PortType;
  using Peer = tests::Peer;

  explicit RealWorld(std::size_t ring_bytes = 2U << 20, std::size_t ring_bytes_max = 16U << 20,
                     std::size_t posted_receive_bytes = 0)
      : listener_{listen_on_loopback()} {
    engine::BackendConfig config;
    config.posted_receive_bytes = posted_receive_bytes;
    config.receive_ring_bytes = ring_bytes;
    config.receive_ring_bytes_max = ring_bytes_max;
    config.counters = &counters_;
    open_error_ = port_.open(config);
  }
  ~RealWorld() {
    if (open_error_ == 0) port_.stop();
  }

  /// Another thread.
  static std::thread elsewhere(std::function<void()> task) { return std::thread{std::move(task)}; }

  Port& port() noexcept { return port_; }
  int open_error() const noexcept { return open_error_; }
  engine::ListenerRef listener() const noexcept { return {0, 1, static_cast<NativeHandle>(listener_.get())}; }
  Peer connect() { return Peer{port_of(listener_.get())}; }
  core::ShardCounters& counters() noexcept { return counters_; }

  bool until(const std::function<bool()>& enough) { return until_enough(*this, enough); }
  std::size_t collect(std::optional<std::chrono::nanoseconds> timeout) { return collect_once(*this, timeout); }

  std::vector<Event> events;

 private:
  core::ShardCounters counters_;
  Descriptor listener_;
  Port port_;
  int open_error_ = 0;
};

/// Receives with a buffer of their own, small enough to be filled.
template <class World>
class PostedBuffers : public World {
 public:
  explicit PostedBuffers(std::size_t ring_bytes = 2U << 20, std::size_t ring_bytes_max = 16U << 20)
      : World{ring_bytes, ring_bytes_max, 4096} {}
};

#ifndef _WIN32
using RealEpoll = RealWorld<epoll::Port<epoll::Sys>>;
using RealIoUring = RealWorld<io_uring::Port<io_uring::Sys>>;
using RealOldIoUring = RealWorld<io_uring::Port<OldSys>>;
#endif

}  // namespace iocpp::tests
