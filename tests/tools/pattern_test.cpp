#include "stress/pattern.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using stress::Pattern;

std::vector<std::byte> made(std::uint64_t connection, std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  Pattern{connection}.fill(offset, bytes);
  return bytes;
}

TEST(Pattern, any_part_is_a_part_of_the_same_stream) {
  const auto whole = made(7, 0, 64);
  for (std::size_t offset = 0; offset < whole.size(); ++offset) {
    for (std::size_t size = 0; size <= whole.size() - offset; ++size) {
      const auto part = made(7, offset, size);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)));
      EXPECT_TRUE(Pattern{7}.matches(offset, part));
    }
  }
}

TEST(Pattern, one_flipped_bit_does_not_match) {
  for (std::size_t offset = 0; offset < 8; ++offset) {
    for (std::size_t size = 1; size <= 40; ++size) {
      for (std::size_t wrong = 0; wrong < size; ++wrong) {
        auto bytes = made(3, offset, size);
        bytes[wrong] ^= std::byte{0x10};
        EXPECT_FALSE(Pattern{3}.matches(offset, bytes)) << offset << ' ' << size << ' ' << wrong;
      }
    }
  }
}

TEST(Pattern, lost_moved_and_foreign_bytes_do_not_match) {
  const auto bytes = made(5, 100, 64);
  EXPECT_FALSE(Pattern{5}.matches(101, bytes));
  EXPECT_FALSE(Pattern{5}.matches(108, bytes));
  EXPECT_FALSE(Pattern{6}.matches(100, bytes));
}

TEST(Pattern, offsets_beyond_32_bits_go_on) {
  const std::uint64_t offset = (std::uint64_t{1} << 40) + 5;
  const auto bytes = made(1, offset, 33);
  EXPECT_TRUE(Pattern{1}.matches(offset, bytes));
  EXPECT_FALSE(Pattern{1}.matches(5, bytes));
}

}  // namespace
