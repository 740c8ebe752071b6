// The simulated kernels in the conformance suite: what they do not do as the real ones, they prove nothing about.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "backend/epoll/port.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/iocp/port.hpp"
#include "conformance/world.hpp"
#include "simulator/epoll_sys.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/iocp_sys.hpp"
#include "simulator/machine.hpp"

namespace iocpp::tests {

/// Lets the machine go on. False: nothing is left to happen.
using Step = std::function<bool()>;

/// A client in the simulated network, with the members of `Peer`: each call goes on until it is done.
class SimulatedPeer {
 public:
  SimulatedPeer(simulator::Machine& machine, Step step)
      : network_{&machine.network}, step_{std::move(step)}, link_{network_->connect(0)} {
    until([this] { return link().was_established || link().reset_at_peer; });
    if (link().reset_at_peer) throw std::runtime_error("can't connect");
  }

  void send(std::string_view text) {
    std::span<const std::byte> bytes = std::as_bytes(std::span{text});
    until([&] {
      bytes = bytes.subspan(network_->peer_write(link_, bytes));
      return bytes.empty();
    });
  }

  std::string receive(std::size_t size) {
    std::string text;
    until([&] {
      take(text, size - text.size());
      return text.size() == size || over();
    });
    return text;
  }

  int end() {
    std::string discarded;
    until([&] {
      take(discarded, SIZE_MAX);
      return over();
    });
    return link().to_peer.drained() ? 0 : error_reset;
  }

  void end_stream() { network_->peer_end(link_); }
  void close() { network_->peer_close(link_); }
  void reset() { network_->peer_reset(link_); }

 private:
  simulator::Link& link() { return network_->link(link_); }
  bool over() { return link().to_peer.drained() || (link().reset_at_peer && link().to_peer.arrived == 0); }

  void take(std::string& text, std::size_t most) {
    std::byte bytes[4096];
    while (const std::size_t count = network_->peer_read(link_, bytes, std::min(most, sizeof bytes))) {
      text.append(reinterpret_cast<const char*>(bytes), count);
      most -= count;
    }
  }

  template <class Done>
  void until(Done&& done) {
    while (!done()) {
      if (!step_()) throw std::runtime_error("the simulated network has nothing left to do");
    }
  }

  simulator::Network* network_;
  Step step_;
  std::uint32_t link_;
};

/// One loop's port over a simulated kernel. A wait lets virtual time pass inside the call.
template <template <class> class PortTemplate, class Sys, simulator::System system, class HabitsOf>
class SimulatedWorld : private simulator::Threads {
 public:
  using Port = PortTemplate<Sys>;
  using Peer = SimulatedPeer;

  explicit SimulatedWorld(std::size_t ring_bytes = 2U << 20, std::size_t ring_bytes_max = 16U << 20,
                          std::size_t posted_receive_bytes = 0)
      : machine_{system, 1, simulator::Level::none, HabitsOf{}(), *this},
        port_{machine_, 0U},
        listener_{machine_.network.listen()} {
    engine::BackendConfig config;
    config.posted_receive_bytes = posted_receive_bytes;
    config.receive_ring_bytes = ring_bytes;
    config.receive_ring_bytes_max = ring_bytes_max;
    config.counters = &counters_;
    open_error_ = port_.open(config);
  }
  ~SimulatedWorld() override {
    if (open_error_ == 0) port_.stop();
    EXPECT_FALSE(machine_.violation()) << machine_.violation()->words;
    EXPECT_EQ(port_.sys().in_flight(), 0U);
  }
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  /// The simulator has one thread: what another one would do has been done before the next call.
  struct Done {
    void join() const noexcept {}
  };
  static Done elsewhere(const std::function<void()>& task) {
    task();
    return {};
  }

  Port& port() noexcept { return port_; }
  int open_error() const noexcept { return open_error_; }
  engine::ListenerRef listener() const noexcept { return {0, 1, listener_}; }
  Peer connect() {
    return {machine_, [this] { return step(); }};
  }
  core::ShardCounters& counters() noexcept { return counters_; }

  bool until(const std::function<bool()>& enough) { return until_enough(*this, enough); }
  std::size_t collect(std::optional<std::chrono::nanoseconds> timeout) {
    pass(std::chrono::microseconds{100});
    return collect_once(*this, timeout);
  }

  std::vector<Event> events;

 private:
  /// What a turn takes.
  void pass(std::chrono::nanoseconds time) {
    const TimePoint end = machine_.now() + time;
    while (!machine_.schedule.empty() && machine_.schedule.next_time() <= end) step();
    machine_.schedule.advance_to(end);
  }

  bool step() {
    if (machine_.schedule.empty()) return false;
    machine_.dispatch(machine_.schedule.next());
    return true;
  }

  bool sleep(unsigned, TimePoint until) override {
    // A test's other threads are real, and wake for real.
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!port_.sys().has_something()) {
      if (!machine_.schedule.empty() && machine_.schedule.next_time() <= until) {
        step();
      } else if (until != TimePoint::max()) {
        machine_.schedule.advance_to(until);
        return true;
      } else {
        if (std::chrono::steady_clock::now() >= give_up) return false;
        std::this_thread::yield();
      }
    }
    return true;
  }
  void wake(unsigned) override {}

  core::ShardCounters counters_;
  simulator::Machine machine_;
  Port port_;
  NativeHandle listener_;
  int open_error_ = 0;
};

/// What the suite sends at once arrives at once, as on loopback.
struct UsualHabits {
  simulator::Habits operator()() const {
    simulator::Habits habits;
    habits.network.splits = false;
    return habits;
  }
};

/// Everything later, nothing in the call; and rings that are far too small.
struct SlowHabits {
  simulator::Habits operator()() const {
    simulator::Habits habits = UsualHabits{}();
    habits.inline_of_8 = 0;
    habits.submission_entries_max = 2;
    habits.completion_entries_max = 4;
    habits.system_handles = false;
    habits.precise_waits = false;
    return habits;
  }
};

struct OldHabits {
  simulator::Habits operator()() const {
    simulator::Habits habits = UsualHabits{}();
    habits.taskrun_flags = habits.incremental_buffers = false;
    habits.multishot_accept = habits.multishot_receive = false;
    return habits;
  }
};

using simulator::System;
template <class Habits>
using SimulatedIoUring = SimulatedWorld<io_uring::Port, simulator::IoUringSys, System::io_uring, Habits>;
template <class Habits>
using SimulatedEpoll = SimulatedWorld<epoll::Port, simulator::EpollSys, System::epoll, Habits>;
template <class Habits>
using SimulatedIocp = SimulatedWorld<iocp::Port, simulator::IocpSys, System::iocp, Habits>;

}  // namespace iocpp::tests
