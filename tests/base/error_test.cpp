#include "iocpp/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace iocpp {
namespace {

TEST(Error, a_native_zero_is_success) {
  EXPECT_FALSE(native_error(0));
  EXPECT_EQ(native_error(0), std::error_code{});
}

TEST(Error, success_equals_every_code_that_says_success) {
  EXPECT_TRUE(native_error(0) == errc::success);
  EXPECT_TRUE(std::error_code{} == errc::success);
  EXPECT_TRUE(make_error_code(errc::success) == errc::success);
  EXPECT_FALSE(make_error_code(errc::success));
  EXPECT_FALSE(native_error(ECONNRESET) == errc::success);
  EXPECT_FALSE(make_error_code(errc::closed) == errc::success);
}

TEST(Error, a_native_error_keeps_its_number) {
  const std::error_code error = native_error(ECONNRESET);
  EXPECT_EQ(error.value(), ECONNRESET);
  EXPECT_EQ(&error.category(), &native_category());
  EXPECT_STREQ(error.category().name(), "iocpp.native");
}

TEST(Error, a_native_message_has_the_systems_text_and_the_number) {
  const std::string message = native_error(ECONNRESET).message();
  EXPECT_EQ(message, std::system_category().message(ECONNRESET) + " (" + std::to_string(ECONNRESET) + ")");
}

TEST(Error, an_unknown_number_still_has_a_message_and_compares_as_network) {
  const std::error_code error = native_error(31337);
  EXPECT_NE(error.message().find("31337"), std::string::npos);
  EXPECT_TRUE(error == errc::network);
}

struct Meaning {
  int native;
  errc own;
};

class NativeMeaning : public testing::TestWithParam<Meaning> {};

TEST_P(NativeMeaning, equals_one_enumerator_and_no_other) {
  const std::error_code error = native_error(GetParam().native);
  for (int value = 0; value <= static_cast<int>(errc::network); ++value) {
    const auto candidate = static_cast<errc>(value);
    EXPECT_EQ(error == candidate, candidate == GetParam().own) << error.message() << " and errc " << value;
  }
}

#ifndef _WIN32
INSTANTIATE_TEST_SUITE_P(
    Linux, NativeMeaning,
    testing::Values(Meaning{EAGAIN, errc::would_block}, Meaning{ETIMEDOUT, errc::timed_out},
                    Meaning{ECANCELED, errc::cancelled}, Meaning{ECONNRESET, errc::connection_reset},
                    Meaning{EPIPE, errc::connection_reset}, Meaning{ECONNABORTED, errc::connection_aborted},
                    Meaning{ENOTCONN, errc::not_connected}, Meaning{EADDRINUSE, errc::address_in_use},
                    Meaning{EADDRNOTAVAIL, errc::address_not_available}, Meaning{EACCES, errc::permission_denied},
                    Meaning{EPERM, errc::permission_denied}, Meaning{EMFILE, errc::too_many_handles},
                    Meaning{ENFILE, errc::too_many_handles}, Meaning{ENOBUFS, errc::no_resources},
                    Meaning{ENOMEM, errc::no_resources}, Meaning{ENOSYS, errc::not_supported},
                    Meaning{EOPNOTSUPP, errc::not_supported}, Meaning{EAFNOSUPPORT, errc::not_supported},
                    Meaning{EBADF, errc::bad_handle}, Meaning{ENOTSOCK, errc::bad_handle},
                    Meaning{EINVAL, errc::invalid_argument}, Meaning{EHOSTUNREACH, errc::network},
                    Meaning{ENETDOWN, errc::network}));
#endif

TEST(Error, a_native_error_equals_the_standards_condition_too) {
  EXPECT_TRUE(native_error(ECONNRESET) == std::errc::connection_reset);
  EXPECT_TRUE(native_error(EPIPE) == std::errc::broken_pipe);
  EXPECT_TRUE(native_error(ENOTCONN) == std::errc::not_connected);
  EXPECT_TRUE(native_error(EMFILE) == std::errc::too_many_files_open);
  EXPECT_FALSE(native_error(ECONNRESET) == std::errc::broken_pipe);
  EXPECT_FALSE(native_error(ECONNRESET) == std::errc::not_connected);
}

TEST(Error, an_own_error_equals_its_enumerator_only) {
  const std::error_code closed = make_error_code(errc::closed);
  EXPECT_TRUE(closed);
  EXPECT_TRUE(closed == errc::closed);
  EXPECT_FALSE(closed == errc::would_block);
  EXPECT_EQ(&closed.category(), &category());
  EXPECT_STREQ(closed.category().name(), "iocpp");
}

TEST(Error, an_own_error_and_a_native_one_of_the_same_meaning_share_the_enumerator_but_are_not_the_same_code) {
  EXPECT_TRUE(native_error(EAGAIN) == errc::would_block);
  EXPECT_TRUE(make_error_code(errc::would_block) == errc::would_block);
  EXPECT_NE(native_error(EAGAIN), make_error_code(errc::would_block));
}

TEST(Error, every_enumerator_has_a_text_of_its_own) {
  std::set<std::string> texts;
  for (int value = 0; value <= static_cast<int>(errc::network); ++value) {
    texts.insert(make_error_code(static_cast<errc>(value)).message());
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(errc::network) + 1);
  EXPECT_FALSE(texts.contains("unknown error"));
  EXPECT_EQ(std::error_code(9999, category()).message(), "unknown error");
}

TEST(Error, an_enumerator_becomes_a_condition_by_itself) {
  const std::error_condition condition = errc::address_in_use;
  EXPECT_EQ(condition, make_error_condition(errc::address_in_use));
  EXPECT_TRUE(native_error(EADDRINUSE) == condition);
}

}  // namespace
}  // namespace iocpp
