// The simulated network: handles, streams, resets, and what is left of them.
#include "simulator/network.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "simulator/machine.hpp"
#include "simulator/posix_calls.hpp"

namespace iocpp::simulator {
namespace {

class Net : public ::testing::Test, private Threads {
 protected:
  Network& network() { return machine_.network; }
  void settle() {
    while (!machine_.schedule.empty()) machine_.dispatch(machine_.schedule.next());
  }
  /// A link whose server's end was accepted.
  std::uint32_t connected() {
    const std::uint32_t link = network().connect(0);
    settle();
    handle_ = network().accept(network().index_of(listener_));
    return link;
  }
  std::string read_at_server(std::uint32_t link) {
    std::string text(100, '\0');
    text.resize(network().read(network().link(link), reinterpret_cast<std::byte*>(text.data()), text.size()));
    return text;
  }
  static std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

  bool sleep(unsigned, TimePoint) override { return false; }
  void wake(unsigned) override {}

  Machine machine_{System::io_uring, 1, Level::none, {}, *this};
  NativeHandle listener_ = machine_.network.listen();
  NativeHandle handle_ = no_handle;
};

TEST_F(Net, the_lowest_free_handle_is_given_out_again_at_once) {
  const NativeHandle first = network().open_other(Socket::Kind::other);
  const NativeHandle second = network().open_other(Socket::Kind::other);
  EXPECT_EQ(second, first + 1);
  network().close(first);
  EXPECT_EQ(network().open_other(Socket::Kind::other), first);
}

TEST_F(Net, at_the_limit_there_is_no_handle) {
  network().handles().set_limit(1);
  EXPECT_EQ(network().open_other(Socket::Kind::other), no_handle);
}

TEST_F(Net, bytes_arrive_in_order_then_the_end) {
  const std::uint32_t link = connected();
  network().peer_write(link, bytes("first "));
  network().peer_write(link, bytes("second"));
  network().peer_end(link);
  settle();
  EXPECT_FALSE(network().link(link).to_server.drained());
  EXPECT_EQ(read_at_server(link), "first second");
  EXPECT_TRUE(network().link(link).to_server.drained());
}

TEST_F(Net, a_full_pipe_takes_no_more_until_it_is_read) {
  const std::uint32_t link = connected();
  const std::vector<std::byte> much(1U << 20);
  const std::size_t taken = network().peer_write(link, much);
  EXPECT_LT(taken, much.size());
  EXPECT_EQ(network().peer_write(link, much), 0U);
  settle();
  read_at_server(link);
  EXPECT_EQ(network().peer_write(link, much), 100U);
}

TEST_F(Net, a_reset_reaches_the_server_and_linux_keeps_what_came_before) {
  const std::uint32_t link = connected();
  network().peer_write(link, bytes("before"));
  settle();
  network().peer_reset(link);
  settle();
  EXPECT_TRUE(network().link(link).reset_at_server);
  EXPECT_EQ(read_at_server(link), "before");
}

TEST_F(Net, closing_with_unread_input_resets_and_without_it_ends) {
  const std::uint32_t unread = connected();
  network().peer_write(unread, bytes("nobody reads this"));
  settle();
  network().close(handle_);
  const std::uint32_t read = connected();
  network().close(handle_);
  settle();
  EXPECT_TRUE(network().link(unread).reset_at_peer);
  EXPECT_FALSE(network().link(read).reset_at_peer);
  EXPECT_TRUE(network().link(read).to_peer.drained());
}

TEST_F(Net, a_held_socket_outlives_its_handle) {
  const std::uint32_t link = connected();
  const std::uint32_t socket = network().index_of(handle_);
  network().hold(socket);
  network().close(handle_);
  settle();
  EXPECT_FALSE(network().link(link).to_peer.end_arrived) << "an operation still has it: no end (catalogue row 33)";
  network().let_go(socket);
  settle();
  EXPECT_TRUE(network().link(link).to_peer.end_arrived);
}

TEST_F(Net, a_backlog_that_is_full_or_gone_refuses) {
  network().close(listener_);
  const std::uint32_t link = network().connect(0);
  settle();
  EXPECT_TRUE(network().link(link).reset_at_peer);
  network().peer_close(link);
  EXPECT_EQ(network().links_in_use(), 0U);
}

TEST_F(Net, when_both_ends_have_gone_nothing_is_left) {
  const std::uint32_t link = connected();
  network().peer_close(link);
  settle();
  EXPECT_EQ(network().links_in_use(), 1U);
  network().close(handle_);
  settle();
  EXPECT_EQ(network().links_in_use(), 0U);
  network().close(listener_);
  EXPECT_EQ(network().sockets_in_use(), 0U);
  EXPECT_EQ(network().handles().live(), 0U);
}

/// The calls of a loop that has no more than them.
struct Calls : PosixCalls {
  explicit Calls(Machine& machine) : PosixCalls{machine, 0} {}
  using PosixCalls::receive_from;
  using PosixCalls::send_to;
};

void force_for_ever(Machine& machine, Site site) {
  for (std::size_t cell = 0; cell < fault_cells().size(); ++cell) {
    if (fault_cells()[cell].site == site) machine.faults.force(cell, 0, UINT64_MAX);
  }
}

// They were counted where there was one byte, or less room than chance had left.
TEST_F(Net, a_short_receive_is_one_that_is_short_and_no_other_is_counted) {
  const std::uint32_t link = connected();
  Calls calls{machine_};
  force_for_ever(machine_, Site::receive_short);
  std::byte room[100];
  network().peer_write(link, bytes("a"));
  settle();
  EXPECT_EQ(calls.receive_from(network().link(link), room, sizeof room), 1);
  EXPECT_EQ(machine_.faults.injected(), 0U);
  network().peer_write(link, bytes("bc"));
  settle();
  EXPECT_EQ(calls.receive_from(network().link(link), room, sizeof room), 1);
  EXPECT_EQ(machine_.faults.injected(), 1U);
}

TEST_F(Net, a_short_send_is_one_that_is_short_and_no_other_is_counted) {
  const std::uint32_t link = connected();
  Calls calls{machine_};
  force_for_ever(machine_, Site::send_short);
  EXPECT_EQ(calls.send_to(link, bytes("a")), 1);
  EXPECT_EQ(machine_.faults.injected(), 0U);
  EXPECT_EQ(calls.send_to(link, bytes("bc")), 1);
  EXPECT_EQ(machine_.faults.injected(), 1U);
}

}  // namespace
}  // namespace iocpp::simulator
