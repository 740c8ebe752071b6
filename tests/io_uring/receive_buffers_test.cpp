// The receive buffers of io_uring's port: which are given back to the kernel, and when.
#include "backend/io_uring/receive_buffers.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace iocpp::io_uring {
namespace {

using Ids = std::vector<std::uint16_t>;

/// A kernel that notes which buffers it gets.
struct NotingSys {
  int register_buffers(unsigned, std::uint16_t, bool incremental) {
    return incremental && !knows_incremental ? -22 : 0;
  }
  void provide_buffer(std::byte*, std::size_t, std::uint16_t id, unsigned position) {
    EXPECT_EQ(position, provided.size());
    provided.push_back(id);
  }
  void publish_buffers(unsigned count) {
    EXPECT_EQ(count, provided.size());
    published = std::exchange(provided, {});
  }

  bool knows_incremental = true;
  Ids provided;
  Ids published;
};

class ReceiveBuffersOf : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    sys_.knows_incremental = GetParam();
    ASSERT_EQ(buffers_.open(sys_, 4 * bytes, 8 * bytes), 0);
    ASSERT_EQ(sys_.published, (Ids{0, 1, 2, 3}));
  }

  /// A receive uses up the buffer.
  void use_up(std::uint16_t id) {
    const std::uint32_t flags = kernel::entry_has_buffer | (std::uint32_t{id} << kernel::entry_buffer_shift);
    EXPECT_EQ(buffers_.take({0, 100, flags}).size(), 100U);
  }
  /// What is given back now.
  Ids recycled() {
    sys_.published.clear();
    buffers_.recycle(sys_);
    return sys_.published;
  }

  static constexpr std::size_t bytes = 8U << 10;
  NotingSys sys_;
  ReceiveBuffers<NotingSys> buffers_;
};

TEST_P(ReceiveBuffersOf, gives_back_what_is_used_up) {
  EXPECT_EQ(recycled(), Ids{});
  use_up(2);
  use_up(0);
  EXPECT_EQ(recycled(), (Ids{2, 0}));
  EXPECT_EQ(recycled(), Ids{});
}

TEST_P(ReceiveBuffersOf, keeps_what_a_send_reads_from_until_the_last_of_them_has_ended) {
  use_up(1);
  use_up(2);
  ASSERT_TRUE(buffers_.hold(1, 70));
  ASSERT_TRUE(buffers_.hold(1, 3));
  EXPECT_EQ(recycled(), (Ids{2}));
  buffers_.let_go(70);
  EXPECT_EQ(recycled(), Ids{});
  buffers_.let_go(3);
  EXPECT_EQ(recycled(), (Ids{1}));
}

TEST_P(ReceiveBuffersOf, keeps_one_that_is_used_up_while_a_send_reads_from_it) {
  ASSERT_TRUE(buffers_.hold(1, 0));
  EXPECT_EQ(recycled(), Ids{});
  use_up(1);
  EXPECT_EQ(recycled(), Ids{});
  buffers_.let_go(0);
  EXPECT_EQ(recycled(), (Ids{1}));
}

INSTANTIATE_TEST_SUITE_P(Rings, ReceiveBuffersOf, testing::Values(true, false),
                         [](const auto& ring) { return ring.param ? "incremental" : "classic"; });

}  // namespace
}  // namespace iocpp::io_uring
