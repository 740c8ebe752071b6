// What is found out about io_uring before it is used, on kernels that refuse one thing each.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>

#include "backend/io_uring/probe.hpp"

namespace iocpp::io_uring {
namespace {

struct Kernel {
  int setup_error = 0;
  bool can_be_asked = true;
  int missing_operation = -1;
  int buffers_error = 0;
  int enter_error = 0;
  int rings = 0;

  int setup(unsigned, unsigned, unsigned) {
    rings += setup_error == 0 ? 1 : 0;
    return -setup_error;
  }
  void teardown() { --rings; }
  template <class Operations, class Each>
  bool ask_for(const Operations& operations, Each&& each) {
    for (const int operation : operations) each(operation != missing_operation);
    return can_be_asked;
  }
  int register_buffers(unsigned, std::uint16_t, bool) const { return -buffers_error; }
  int submit_and_wait(std::optional<std::chrono::nanoseconds>) const { return -enter_error; }
};

std::string said_of(Kernel kernel) {
  const Probe outcome = probe(kernel);
  EXPECT_EQ(kernel.rings, 0) << "the ring of the probe must be gone";
  return describe(outcome);
}

TEST(IoUringProbe, finds_what_works) {
  Kernel kernel;
  EXPECT_TRUE(probe(kernel).usable());
  EXPECT_EQ(said_of({}), "io_uring has all that is needed");
}

TEST(IoUringProbe, names_what_bars_each_call) {
  const std::string barred = "io_uring barred (EPERM: seccomp or kernel.io_uring_disabled)";
  EXPECT_EQ(said_of({.setup_error = EPERM}), barred);
  EXPECT_EQ(said_of({.buffers_error = EPERM}), barred);
  EXPECT_EQ(said_of({.enter_error = EPERM}), barred);
  EXPECT_EQ(said_of({.setup_error = EACCES}), "io_uring barred (EACCES: a security policy)");
}

TEST(IoUringProbe, names_what_an_old_kernel_lacks) {
  EXPECT_EQ(said_of({.setup_error = ENOSYS}), "kernel without io_uring, or a filter that hides it (ENOSYS)");
  EXPECT_EQ(said_of({.buffers_error = EINVAL}), "io_uring lacks provided buffer rings (kernel before 5.19)");
  EXPECT_EQ(said_of({.missing_operation = kernel::operation_accept}),
            "io_uring lacks operations that are needed (kernel before 5.19)");
  // A kernel that can't be asked may still have all.
  EXPECT_EQ(said_of({.can_be_asked = false}), "io_uring has all that is needed");
}

TEST(IoUringProbe, tells_shortage_from_absence) {
  Kernel no_handles{.setup_error = EMFILE};
  EXPECT_TRUE(probe(no_handles).no_handle());
  Kernel no_memory{.setup_error = ENOMEM};
  EXPECT_FALSE(probe(no_memory).no_handle());
  EXPECT_NE(said_of({.setup_error = ENOMEM}).find("ENOMEM"), std::string::npos);
}

}  // namespace
}  // namespace iocpp::io_uring
