// What is wrong is found: systems that break their own rules, and ports and handlers that break the library's.
#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>
#include <utility>

#include "backend/epoll/port.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/iocp/port.hpp"
#include "base/native_codes.hpp"
#include "simulator/epoll_sys.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/iocp_sys.hpp"
#include "simulator/run.hpp"
#include "simulator/shard_over.hpp"
#include "support/seeds.hpp"

namespace iocpp::simulator {
namespace {

constexpr std::uint64_t seeds_of_a_hunt = 100;

/// The first violation among the seeds; one of 0 when there is none.
Outcome found(Plan plan, MakeShard make_shard, std::uint64_t seeds = seeds_of_a_hunt) {
  for (plan.seed = 1; plan.seed <= seeds; ++plan.seed) {
    const Outcome outcome = simulate(plan, make_shard);
    if (outcome.violated != 0) return outcome;
  }
  return {};
}

Plan on(Platform platform) {
  return {.platform = platform, .connections = 200, .faults = Level::light};
}

/// One entry in 200 never leaves the kernel.
class LosingIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    if (++count_ % 200 != 0) IoUringSys::complete(entry);
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_completion_that_is_lost_is_found) {
  const Outcome outcome = found(on(Platform::io_uring), make_shard_over<io_uring::Port, LosingIoUring>);
  EXPECT_NE(outcome.violated, 0U);
  EXPECT_FALSE(outcome.last_steps.empty());
}

class DoublingIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    IoUringSys::complete(entry);
    if (++count_ % 50 == 0) IoUringSys::complete(entry);
  }

 private:
  unsigned count_ = 0;
};

TEST(CheckerDeathTest, a_completion_that_comes_twice_is_found) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  // By an assertion of what ships, or by the checker.
  EXPECT_DEATH(
      {
        if (found(on(Platform::io_uring), make_shard_over<io_uring::Port, DoublingIoUring>).violated != 0) std::abort();
      },
      "");
}

/// Found by an assertion of what ships, or by the checker.
void expect_found(Platform platform, MakeShard make_shard) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        if (found(on(platform), make_shard).violated != 0) std::abort();
      },
      "");
}

/// One terminal entry of a send in 50 tells of a byte that was never posted.
class BoastingIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    Entry told = entry;
    const bool of_send = (entry.user >> 56) == 4;
    if (of_send && entry.result > 0 && ++count_ % 50 == 0) ++told.result;
    IoUringSys::complete(told);
  }

 private:
  unsigned count_ = 0;
};

TEST(CheckerDeathTest, a_completion_of_more_bytes_than_were_posted_is_found) {
  expect_found(Platform::io_uring, make_shard_over<io_uring::Port, BoastingIoUring>);
}

/// One terminal entry in 50 has the generation before its own.
class StaleIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    Entry told = entry;
    if ((entry.flags & io_uring::kernel::entry_more) == 0 && ++count_ % 50 == 0) --told.user;
    IoUringSys::complete(told);
  }

 private:
  unsigned count_ = 0;
};

TEST(CheckerDeathTest, a_completion_of_a_wrong_generation_is_found) {
  expect_found(Platform::io_uring, make_shard_over<io_uring::Port, StaleIoUring>);
}

/// One operation in 50 goes on after its terminal entry.
class TalkativeIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    IoUringSys::complete(entry);
    if ((entry.flags & io_uring::kernel::entry_more) != 0 || ++count_ % 50 != 0) return;
    Entry more = entry;
    more.flags |= io_uring::kernel::entry_more;
    IoUringSys::complete(more);
  }

 private:
  unsigned count_ = 0;
};

TEST(CheckerDeathTest, a_completion_after_the_terminal_one_is_found) {
  expect_found(Platform::io_uring, make_shard_over<io_uring::Port, TalkativeIoUring>);
}

/// One packet in 100 comes twice.
class DoublingIocp : public IocpSys {
 public:
  using IocpSys::IocpSys;

 protected:
  void complete(const Packet& packet) override {
    IocpSys::complete(packet);
    if (++count_ % 100 == 0) IocpSys::complete(packet);
  }

 private:
  unsigned count_ = 0;
};

TEST(CheckerDeathTest, a_packet_that_comes_twice_is_found) {
  expect_found(Platform::iocp, make_shard_over<iocp::Port, DoublingIocp>);
}

/// One packet of a send in 50 tells of a byte more than there was.
class BoastingIocp : public IocpSys {
 public:
  using IocpSys::IocpSys;

 protected:
  void complete(const Packet& packet) override {
    Packet told = packet;
    if (packet.bytes != 0 && ++count_ % 50 == 0) ++told.bytes;
    IocpSys::complete(told);
  }

 private:
  unsigned count_ = 0;
};

TEST(CheckerDeathTest, a_packet_of_more_bytes_than_were_posted_is_found) {
  expect_found(Platform::iocp, make_shard_over<iocp::Port, BoastingIocp>);
}

class LosingEpoll : public EpollSys {
 public:
  using EpollSys::EpollSys;

 protected:
  bool tells(const epoll::kernel::Event&) override { return ++count_ % 50 != 0; }

 private:
  unsigned count_ = 0;
};

TEST(Checker, an_edge_that_is_lost_is_found) {
  EXPECT_NE(found(on(Platform::epoll), make_shard_over<epoll::Port, LosingEpoll>).violated, 0U);
}

class LosingIocp : public IocpSys {
 public:
  using IocpSys::IocpSys;

 protected:
  void complete(const Packet& packet) override {
    if (++count_ % 200 != 0) IocpSys::complete(packet);
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_packet_that_is_lost_is_found) {
  EXPECT_NE(found(on(Platform::iocp), make_shard_over<iocp::Port, LosingIocp>).violated, 0U);
}

/// Says that an accept is posted, and posts none after the fifth.
template <class Sys>
class DeafPort : public io_uring::Port<Sys> {
 public:
  using io_uring::Port<Sys>::Port;
  bool accept(engine::ListenerRef listener, bool multishot) {
    return ++count_ > 5 || io_uring::Port<Sys>::accept(listener, multishot);
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_port_that_stops_accepting_is_found) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Plan plan = on(Platform::io_uring);
    plan.seed = seed;
    plan.faults = Level::heavy;
    EXPECT_EQ(found(plan, make_shard_over<DeafPort, IoUringSys>).violated, 3U) << "seed " << seed;
  }
}

/// Its sends are not its own: it writes to them when the kernel has them.
class ScribblingIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;
  bool send(int socket, const void* bytes, std::size_t size, io_uring::kernel::SendWay way, std::uint64_t user) {
    last_ = const_cast<std::byte*>(static_cast<const std::byte*>(bytes));
    return IoUringSys::send(socket, bytes, size, way, user);
  }
  int submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) {
    submit();
    if (std::byte* last = std::exchange(last_, nullptr)) *last ^= std::byte{1};
    return IoUringSys::submit_and_wait(timeout);
  }

 private:
  std::byte* last_ = nullptr;
};

TEST(Checker, bytes_that_change_under_a_send_are_found) {
  Plan plan = on(Platform::io_uring);
  plan.faults = Level::none;
  EXPECT_EQ(found(plan, make_shard_over<io_uring::Port, ScribblingIoUring>).violated, 2U);
}

class SilentWake : public EpollSys {
 public:
  using EpollSys::EpollSys;
  void wake() noexcept {
    if (++count_ % 4 != 0) EpollSys::wake();
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_wake_that_is_lost_is_found) {
#ifdef _WIN32
  GTEST_SKIP() << "225,000 blocks at once, each two mappings in the guard-page heap: over Linux' vm.max_map_count";
#endif
  EXPECT_NE(found(on(Platform::epoll), make_shard_over<epoll::Port, SilentWake>).violated, 0U);
}

class LeakingIocp : public IocpSys {
 public:
  using IocpSys::IocpSys;
  void close_now(NativeHandle socket) {
    if (++count_ % 100 != 0) IocpSys::close_now(socket);
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_handle_that_is_not_closed_is_found) {
  EXPECT_NE(found(on(Platform::iocp), make_shard_over<iocp::Port, LeakingIocp>).violated, 0U);
}

/// The ancestor's bug: a socket whose context can't be set ends the chain.
template <class Sys>
class EarlyReturn : public iocp::Port<Sys> {
 public:
  using iocp::Port<Sys>::Port;
  bool accept(engine::ListenerRef listener, bool multishot) {
    if (broken_) return true;
    return iocp::Port<Sys>::accept(listener, multishot);
  }
  std::span<const core::Completion> wait(std::optional<std::chrono::nanoseconds> timeout) {
    const auto completions = iocp::Port<Sys>::wait(timeout);
    for (const core::Completion& completion : completions)
      broken_ = broken_ ||
                (completion.operation == core::Operation::accept && completion.error == windows_error::wsaenotconn);
    return completions;
  }

 private:
  bool broken_ = false;
};

TEST(Checker, an_accept_chain_that_ends_with_a_client_that_left_is_found_by_99_of_100_seeds) {
  std::uint64_t finds = 0;
  for (std::uint64_t seed = 1; seed <= seeds_of_a_hunt; ++seed) {
    Plan plan = on(Platform::iocp);
    plan.seed = seed;
    plan.connections = 1000;
    const Outcome outcome = simulate(plan, make_shard_over<EarlyReturn, IocpSys>);
    finds += outcome.violated != 0 ? 1U : 0U;
    if (outcome.violated == 0) std::cout << "not found by seed " << seed << '\n';
  }
  EXPECT_GE(finds, 99U);
}

/// Sends back something else now and then.
class WrongEcho final : public Handler {
 public:
  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    std::vector<std::byte> copy{bytes.begin(), bytes.end()};
    if (++count_ % 100 == 0) copy[0] ^= std::byte{1};
    connection.send(std::move(copy));
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_wrong_byte_is_found) {
  Plan plan = on(Platform::epoll);
  plan.handler = [](unsigned) { return std::make_unique<WrongEcho>(); };
  EXPECT_EQ(found(plan, shipped_shard(Platform::epoll)).violated, 9U);
}

/// Closes instead of answering, at times: its clients are owed an answer.
class RudeEcho final : public Handler {
 public:
  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    if (++count_ % 100 == 0) return connection.close();
    connection.send(bytes);
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, an_answer_that_is_owed_and_not_given_is_found) {
  Plan plan = on(Platform::iocp);
  plan.handler = [](unsigned) { return std::make_unique<RudeEcho>(); };
  EXPECT_EQ(found(plan, shipped_shard(Platform::iocp)).violated, 10U);
}

/// A user's handler that throws ends its own connection, and nothing else.
class ThrowingEcho final : public Handler {
 public:
  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    if (++count_ % 20 == 0) throw std::runtime_error("on purpose");
    connection.send(bytes);
  }

 private:
  unsigned count_ = 0;
};

TEST(Checker, a_handler_that_throws_violates_nothing) {
  for (const Platform platform : {Platform::io_uring, Platform::epoll, Platform::iocp}) {
    Plan plan = on(platform);
    plan.expects_echo = false;
    plan.handler = [](unsigned) { return std::make_unique<ThrowingEcho>(); };
    const Outcome outcome = found(plan, shipped_shard(platform), tests::seeds(100));
    EXPECT_EQ(outcome.violated, 0U) << to_string(platform) << ", seed " << outcome.seed << ": " << outcome.detail;
  }
}

}  // namespace
}  // namespace iocpp::simulator
