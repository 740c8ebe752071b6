// What framing allocates. A part of core_test, which counts allocations.
#include <gtest/gtest.h>

#include <string>

#include "core/allocations.hpp"
#include "iocpp/framing.hpp"

namespace iocpp {
namespace {

using Bytes = std::span<const std::byte>;

TEST(FramingMemory, messages_in_one_buffer_allocate_nothing) {
  const Framing lengths{LengthPrefix{.bytes = 1}};
  const Framing lines{Delimiter{}};
  PartialMessage partial;
  std::size_t messages = 0;
  const auto count = [&](Bytes) { ++messages; };
  const std::uint64_t before = core::allocations();
  EXPECT_TRUE(lengths.read(partial, std::as_bytes(std::span{"\3abc\2de", 7}), count));
  EXPECT_TRUE(lines.read(partial, std::as_bytes(std::span{"abc\nde\n", 7}), count));
  EXPECT_EQ(core::allocations(), before);
  EXPECT_EQ(messages, 4U);
}

/// A peer that announces much and sends little must not cost what it has announced.
TEST(FramingMemory, a_message_costs_what_has_come_of_it) {
  const Framing framing{LengthPrefix{.message_bytes_max = 16U << 20}};
  PartialMessage partial;
  const std::string announced{"\0\xff\xff\xff", 4};
  const std::string part(1'000, 'x');
  const std::uint64_t before = core::allocated_bytes();
  EXPECT_TRUE(framing.read(partial, std::as_bytes(std::span{announced}), [](Bytes) {}));
  EXPECT_TRUE(framing.read(partial, std::as_bytes(std::span{part}), [](Bytes) {}));
  EXPECT_EQ(partial.bytes().size(), 1'004U);
  EXPECT_LE(core::allocated_bytes() - before, 2'500U);
}

}  // namespace
}  // namespace iocpp
