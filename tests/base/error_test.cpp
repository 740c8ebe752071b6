#include "iocpp/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "base/native_codes.hpp"
#include "base/native_system.hpp"
#include "support/native_errors.hpp"

namespace iocpp {
namespace {

namespace native = tests::native;

TEST(Error, a_native_zero_is_success) {
  EXPECT_FALSE(native_error(0));
  EXPECT_EQ(native_error(0), std::error_code{});
}

TEST(Error, success_equals_every_code_that_says_success) {
  EXPECT_TRUE(native_error(0) == errc::success);
  EXPECT_TRUE(std::error_code{} == errc::success);
  EXPECT_TRUE(make_error_code(errc::success) == errc::success);
  EXPECT_FALSE(make_error_code(errc::success));
  EXPECT_FALSE(native_error(native::connection_reset) == errc::success);
  EXPECT_FALSE(make_error_code(errc::closed) == errc::success);
}

TEST(Error, a_native_error_keeps_its_number) {
  const std::error_code error = native_error(native::connection_reset);
  EXPECT_EQ(error.value(), native::connection_reset);
  EXPECT_EQ(&error.category(), &native_category());
  EXPECT_STREQ(error.category().name(), "iocpp.native");
}

TEST(Error, a_native_message_has_the_systems_text_and_the_number) {
  const std::string message = native_error(native::connection_reset).message();
  EXPECT_EQ(message, std::system_category().message(native::connection_reset) + " (" +
                         std::to_string(native::connection_reset) + ")");
}

TEST(Error, every_native_error_with_a_meaning_has_a_text) {
  // Wine has no text for this one, and libstdc++ says "Unknown error code" then.
  const std::string message = native_error(native::address_in_use).message();
  EXPECT_EQ(message.find("Unknown"), std::string::npos) << message;
  EXPECT_TRUE(message.ends_with(" (" + std::to_string(native::address_in_use) + ")")) << message;
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

#ifdef _WIN32
using namespace windows_error;
INSTANTIATE_TEST_SUITE_P(
    Windows, NativeMeaning,
    testing::Values(Meaning{wsaewouldblock, errc::would_block}, Meaning{wsaetimedout, errc::timed_out},
                    Meaning{sem_timeout, errc::timed_out}, Meaning{operation_aborted, errc::cancelled},
                    Meaning{wsaeconnreset, errc::connection_reset}, Meaning{netname_deleted, errc::connection_reset},
                    Meaning{unexp_net_err, errc::connection_reset}, Meaning{connection_aborted, errc::connection_reset},
                    Meaning{wsaeconnaborted, errc::connection_aborted}, Meaning{wsaenotconn, errc::not_connected},
                    Meaning{wsaeaddrinuse, errc::address_in_use},
                    Meaning{wsaeaddrnotavail, errc::address_not_available}, Meaning{wsaeacces, errc::permission_denied},
                    Meaning{access_denied, errc::permission_denied}, Meaning{wsaemfile, errc::too_many_handles},
                    Meaning{wsaenobufs, errc::no_resources}, Meaning{not_enough_memory, errc::no_resources},
                    Meaning{no_system_resources, errc::no_resources}, Meaning{wsaeopnotsupp, errc::not_supported},
                    Meaning{wsaeafnosupport, errc::not_supported}, Meaning{wsaenotsock, errc::bad_handle},
                    Meaning{invalid_handle, errc::bad_handle}, Meaning{wsaeinval, errc::invalid_argument},
                    Meaning{wsaenetdown, errc::network}));
#else
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
  EXPECT_TRUE(native_error(native::connection_reset) == std::errc::connection_reset);
  EXPECT_TRUE(native_error(native::not_connected) == std::errc::not_connected);
  EXPECT_TRUE(native_error(native::too_many_handles) == std::errc::too_many_files_open);
  EXPECT_FALSE(native_error(native::connection_reset) == std::errc::broken_pipe);
  EXPECT_FALSE(native_error(native::connection_reset) == std::errc::not_connected);
#ifdef _WIN32
  EXPECT_TRUE(native_error(windows_error::netname_deleted) == std::errc::connection_reset);
  EXPECT_FALSE(native_error(windows_error::netname_deleted) == std::errc::no_such_file_or_directory);
#else
  EXPECT_TRUE(native_error(EPIPE) == std::errc::broken_pipe);
#endif
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
  EXPECT_TRUE(native_error(native::would_block) == errc::would_block);
  EXPECT_TRUE(make_error_code(errc::would_block) == errc::would_block);
  EXPECT_NE(native_error(native::would_block), make_error_code(errc::would_block));
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
  EXPECT_TRUE(native_error(native::address_in_use) == condition);
}

TEST(Error, numbers_of_a_simulated_system_are_read_as_that_systems) {
  const std::error_code reset = native_error(windows_error::netname_deleted);
  {
    const NativeSystemScope windows{NativeSystem::windows};
    EXPECT_TRUE(reset == errc::connection_reset);
    EXPECT_TRUE(reset == std::errc::connection_reset);
    EXPECT_NE(reset.message().find("64)"), std::string::npos);
    const NativeSystemScope linux_os{NativeSystem::linux_os};
    EXPECT_FALSE(reset == errc::connection_reset);
    EXPECT_TRUE(native_error(linux_errno::connreset) == errc::connection_reset);
  }
  EXPECT_TRUE(native_error(native::connection_reset) == errc::connection_reset);
}

}  // namespace
}  // namespace iocpp
