// Messages out of a stream: by a length in front of each, or by a delimiter behind it.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <iocpp/connection.hpp>
#include <iocpp/export.hpp>

namespace iocpp {

/// A message is a number, its length in bytes, and so many bytes. An empty one is a message too.
struct LengthPrefix {
  unsigned bytes = 4;                        ///< The number's: 1, 2, 4 or 8.
  std::endian order = std::endian::big;      ///< Its order; big is that of the network (RFC 1700).
  bool counts_itself = false;                ///< The length is that of number and message together.
  std::size_t message_bytes_max = 1U << 20;  ///< Without the number. A longer one is `FramingError::too_long`.
};

/// A message is everything up to a delimiter, which is not part of it.
struct Delimiter {
  std::string text = "\n";  ///< 1 to 64 bytes.
  /// A `\r` before the delimiter is not part of the message either: with "\n", lines that end with "\r\n" or "\n".
  bool drop_carriage_return = false;
  std::size_t message_bytes_max = 64U << 10;  ///< A `\r` counted. A longer one is `FramingError::too_long`.
};

/// Why a stream can't be read any further.
enum class FramingError : std::uint8_t {
  none,
  too_long,    ///< A message of more than `message_bytes_max`: told when that is known, not when it has come.
  bad_length,  ///< A length that counts itself, and is less than its own bytes.
};

/// `none`, `too_long`, `bad_length`.
IOCPP_EXPORT std::string_view to_string(FramingError error) noexcept;

/// What became of the bytes that were read. True: no error.
struct [[nodiscard]] FramingResult {
  FramingError error = FramingError::none;  ///< `none`: all is well.
  bool stopped = false;                     ///< By the callback, or since it has ended the connection.
  std::size_t consumed = 0;                 ///< All bytes; where it stopped, those up to the end of the last message.
  /// No error.
  explicit operator bool() const noexcept { return error == FramingError::none; }
};

/// The beginning of a message whose rest has not come: the state of one stream, made with its connection (as its
/// context, or in it). It holds memory only while a message is incomplete; without one it is a pointer. Moved, not
/// copied.
class PartialMessage {
 public:
  /// No message is incomplete.
  bool empty() const noexcept { return kept_ == nullptr; }
  /// What has come of it, with its length. Valid until the next read. At the end of a stream: what was cut off.
  std::span<const std::byte> bytes() const noexcept {
    return kept_ == nullptr ? std::span<const std::byte>{} : std::span<const std::byte>{*kept_};
  }

 private:
  friend class Framing;
  std::unique_ptr<std::vector<std::byte>> kept_;
};

/// Reads messages out of what `Handler::on_receive` is lent: one rule for any number of connections.
///
///     iocpp::Framing lines_{iocpp::Delimiter{.text = "\r\n", .message_bytes_max = 1'000}};
///
///     void on_connect(iocpp::Connection connection) override { connection.emplace_context<iocpp::PartialMessage>(); }
///     void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
///       auto& partial = *connection.context<iocpp::PartialMessage>();
///       const auto answer = [&](std::span<const std::byte> line) { connection.send(line); };
///       if (!lines_.read(connection, partial, bytes, answer)) connection.abort();
///     }
///
/// A message that lies in the bytes is lent from there: nothing is copied or allocated, and what is sent of it may be
/// sent from there too. One that came in parts is gathered, in memory that grows with what has come of it, at most to
/// twice of that and to the longest message; it is freed after the callback.
class Framing {
 public:
  /// Throws `std::system_error` (`errc::invalid_argument`) for a rule that is out of its range.
  IOCPP_EXPORT explicit Framing(LengthPrefix rule);
  /// The same, by a delimiter.
  IOCPP_EXPORT explicit Framing(Delimiter rule);

  /// Calls `on_message(std::span<const std::byte>)` with each message that is complete, in order, and keeps the
  /// beginning of the last one in `partial`. The message is lent until the callback returns. Where that returns a bool,
  /// false stops: the rest of `bytes` is left to the caller, and `partial` is not touched any more, so that the
  /// callback may replace it (another protocol begins). It may send, close, abort and throw; once the connection has
  /// ended, that is a stop too. `pause_receive` is none: what has come is handed over.
  ///
  /// While a message is incomplete it has begun (`Connection::begin_message`): `Deadlines::min_rate_bytes` is for it,
  /// and `close_after_message`, so a drain too, waits for its end. That ends a message that you have begun: where a
  /// request is several of these, read them without a connection, and begin and end the request yourself.
  ///
  /// After an error nothing more can be read of the stream: answer and close, or abort. What was complete before has
  /// been handed over; nothing is kept. Throws what the callback throws (the rest of `bytes` is lost then), and
  /// `std::bad_alloc`.
  template <class OnMessage>
  FramingResult read(Connection connection, PartialMessage& partial, std::span<const std::byte> bytes,
                     OnMessage&& on_message) const;

  /// The same for a stream that is no connection's.
  template <class OnMessage>
  FramingResult read(PartialMessage& partial, std::span<const std::byte> bytes, OnMessage&& on_message) const;

  /// Appends `message` with its length, or its delimiter: what another `read` gets. Throws `std::length_error` where it
  /// is longer than `message_bytes_max`, or than its length can say. A delimiter inside `message` is not looked for.
  IOCPP_EXPORT void append(std::vector<std::byte>& stream, std::span<const std::byte> message) const;

 private:
  /// A message, and its memory where it was gathered.
  struct Message {
    std::span<const std::byte> bytes;
    std::unique_ptr<std::vector<std::byte>> gathered;
  };

  /// Takes the next message off the front of `bytes`. False: there is none that is complete, or an error.
  IOCPP_EXPORT bool next(PartialMessage& partial, std::span<const std::byte>& bytes, Message& message,
                         FramingError& error) const;
  IOCPP_EXPORT bool next_by_length(const LengthPrefix& rule, PartialMessage& partial, std::span<const std::byte>& bytes,
                                   Message& message, FramingError& error) const;
  IOCPP_EXPORT bool next_by_delimiter(const Delimiter& rule, PartialMessage& partial, std::span<const std::byte>& bytes,
                                      Message& message, FramingError& error) const;
  IOCPP_EXPORT static void gather(PartialMessage& partial, std::span<const std::byte>& bytes, std::size_t count,
                                  std::size_t bytes_most);

  template <class OnMessage>
  static bool goes_on(OnMessage& on_message, std::span<const std::byte> message) {
    using Result = std::invoke_result_t<OnMessage&, std::span<const std::byte>>;
    static_assert(std::same_as<Result, void> || std::same_as<Result, bool>, "on_message returns nothing, or a bool");
    if constexpr (std::same_as<Result, void>) {
      on_message(message);
      return true;
    } else {
      return on_message(message);
    }
  }

  std::variant<LengthPrefix, Delimiter> rule_;
};

template <class OnMessage>
FramingResult Framing::read(PartialMessage& partial, std::span<const std::byte> bytes, OnMessage&& on_message) const {
  FramingResult result;
  std::span<const std::byte> rest = bytes;
  Message message;
  while (!result.stopped && next(partial, rest, message, result.error)) {
    result.stopped = !goes_on(on_message, message.bytes);
    message.gathered.reset();
  }
  result.consumed = bytes.size() - rest.size();
  return result;
}

template <class OnMessage>
FramingResult Framing::read(Connection connection, PartialMessage& partial, std::span<const std::byte> bytes,
                            OnMessage&& on_message) const {
  const bool had_begun = !partial.empty();
  bool any = false;
  FramingResult result;
  try {
    result = read(partial, bytes, [&](std::span<const std::byte> message) {
      any = true;
      return goes_on(on_message, message) && connection.is_open();
    });
  } catch (...) {
    if (had_begun) connection.end_message();
    throw;
  }
  const bool has_begun = !result.stopped && !partial.empty();
  if (has_begun && (any || !had_begun)) connection.begin_message();
  if (!has_begun && had_begun) connection.end_message();
  return result;
}

}  // namespace iocpp
