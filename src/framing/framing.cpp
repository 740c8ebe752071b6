#include "iocpp/framing.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <stdexcept>
#include <system_error>

#include "iocpp/error.hpp"

namespace iocpp {
namespace {

using Bytes = std::span<const std::byte>;

void require(bool holds, const char* rule) {
  if (!holds) throw std::system_error(make_error_code(errc::invalid_argument), rule);
}

std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool fail(FramingError& error, FramingError found) noexcept {
  error = found;
  return false;
}

/// How long a message's number says that it is, the number not counted.
std::uint64_t length_in(const LengthPrefix& rule, Bytes number) noexcept {
  std::uint64_t length = 0;
  for (std::size_t at = 0; at < rule.bytes; ++at) {
    const std::size_t next = rule.order == std::endian::big ? at : rule.bytes - 1 - at;
    length = (length << 8) | std::to_integer<std::uint64_t>(number[next]);
  }
  return length;
}

/// `size` is that of number and message, once the number is there. False: an error.
bool read_size(const LengthPrefix& rule, Bytes number, std::size_t& size, FramingError& error) noexcept {
  std::uint64_t length = length_in(rule, number);
  if (rule.counts_itself) {
    if (length < rule.bytes) return fail(error, FramingError::bad_length);
    length -= rule.bytes;
  }
  if (length > rule.message_bytes_max) return fail(error, FramingError::too_long);
  size = rule.bytes + static_cast<std::size_t>(length);
  return true;
}

/// A delimiter that began in what is kept, and ends with the first bytes of `text`: how many of its bytes are kept. The
/// longest such beginning is the earliest end.
std::size_t begun_delimiter(std::string_view delimiter, std::string_view kept, std::string_view text) noexcept {
  for (std::size_t begun = std::min(kept.size(), delimiter.size() - 1); begun != 0; --begun) {
    if (kept.ends_with(delimiter.substr(0, begun)) && text.starts_with(delimiter.substr(begun))) return begun;
  }
  return 0;
}

Bytes without_carriage_return(const Delimiter& rule, Bytes message) noexcept {
  const bool drops = rule.drop_carriage_return && !message.empty() && message.back() == std::byte{'\r'};
  return message.first(message.size() - (drops ? 1 : 0));
}

constexpr std::size_t message_bytes_most = std::numeric_limits<std::size_t>::max() / 4;

}  // namespace

std::string_view to_string(FramingError error) noexcept {
  constexpr std::array<std::string_view, 3> names{"none", "too_long", "bad_length"};
  return names[static_cast<std::size_t>(error)];
}

Framing::Framing(LengthPrefix rule) : rule_{rule} {
  require(rule.bytes <= 8 && std::has_single_bit(rule.bytes), "LengthPrefix::bytes: 1, 2, 4 or 8");
  require(rule.message_bytes_max <= message_bytes_most,
          "LengthPrefix::message_bytes_max: at most a fourth of the address space");
}

Framing::Framing(Delimiter rule) : rule_{std::move(rule)} {
  const auto& made = std::get<Delimiter>(rule_);
  require(!made.text.empty() && made.text.size() <= 64, "Delimiter::text: 1 to 64 bytes");
  require(made.message_bytes_max <= message_bytes_most,
          "Delimiter::message_bytes_max: at most a fourth of the address space");
}

/// Moves the first `count` of `bytes` behind what is kept, which gets room for `bytes_most` at most.
void Framing::gather(PartialMessage& partial, Bytes& bytes, std::size_t count, std::size_t bytes_most) {
  constexpr std::size_t room_least = 64;
  if (count == 0) return;
  if (partial.kept_ == nullptr) partial.kept_ = std::make_unique<std::vector<std::byte>>();
  std::vector<std::byte>& kept = *partial.kept_;
  const std::size_t needed = kept.size() + count;
  assert(needed <= bytes_most);
  if (needed > kept.capacity())
    kept.reserve(std::max(needed, std::min(bytes_most, std::max(2 * kept.capacity(), room_least))));
  kept.insert(kept.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  bytes = bytes.subspan(count);
}

bool Framing::next(PartialMessage& partial, Bytes& bytes, Message& message, FramingError& error) const {
  const auto* by_length = std::get_if<LengthPrefix>(&rule_);
  const bool found = by_length != nullptr
                         ? next_by_length(*by_length, partial, bytes, message, error)
                         : next_by_delimiter(std::get<Delimiter>(rule_), partial, bytes, message, error);
  if (error != FramingError::none) partial.kept_.reset();
  return found;
}

bool Framing::next_by_length(const LengthPrefix& rule, PartialMessage& partial, Bytes& bytes, Message& message,
                             FramingError& error) const {
  std::size_t size = 0;
  if (partial.empty() && bytes.size() >= rule.bytes) {
    if (!read_size(rule, bytes, size, error)) return false;
    if (bytes.size() < size) {
      gather(partial, bytes, bytes.size(), size);
      return false;
    }
    message.bytes = bytes.subspan(rule.bytes, size - rule.bytes);
    bytes = bytes.subspan(size);
    return true;
  }
  if (bytes.empty()) return false;
  const std::size_t begun = partial.bytes().size();
  if (begun < rule.bytes) gather(partial, bytes, std::min(rule.bytes - begun, bytes.size()), rule.bytes);
  if (partial.bytes().size() < rule.bytes) return false;
  if (!read_size(rule, partial.bytes(), size, error)) return false;
  gather(partial, bytes, std::min(size - partial.bytes().size(), bytes.size()), size);
  if (partial.bytes().size() < size) return false;
  message.gathered = std::move(partial.kept_);
  message.bytes = Bytes{*message.gathered}.subspan(rule.bytes);
  return true;
}

bool Framing::next_by_delimiter(const Delimiter& rule, PartialMessage& partial, Bytes& bytes, Message& message,
                                FramingError& error) const {
  const std::size_t kept = partial.bytes().size();
  const std::size_t begun = begun_delimiter(rule.text, text_of(partial.bytes()), text_of(bytes));
  const std::size_t at = begun != 0 ? 0 : text_of(bytes).find(rule.text);
  if (at == std::string_view::npos) {
    // Its last bytes may be the beginning of the delimiter.
    const std::size_t bytes_most = rule.message_bytes_max + rule.text.size() - 1;
    if (kept + bytes.size() > bytes_most) return fail(error, FramingError::too_long);
    gather(partial, bytes, bytes.size(), bytes_most);
    return false;
  }
  const std::size_t size = kept - begun + at;
  if (size > rule.message_bytes_max) return fail(error, FramingError::too_long);
  if (partial.empty()) {
    message.bytes = bytes.first(size);
  } else {
    gather(partial, bytes, at, kept + at);
    message.gathered = std::move(partial.kept_);
    message.bytes = Bytes{*message.gathered}.first(size);
  }
  bytes = bytes.subspan((message.gathered ? 0 : at) + rule.text.size() - begun);
  message.bytes = without_carriage_return(rule, message.bytes);
  return true;
}

void Framing::append(std::vector<std::byte>& stream, Bytes message) const {
  if (const auto* by_delimiter = std::get_if<Delimiter>(&rule_)) {
    if (message.size() > by_delimiter->message_bytes_max) throw std::length_error("iocpp::Framing: a long message");
    stream.insert(stream.end(), message.begin(), message.end());
    const Bytes end = std::as_bytes(std::span{by_delimiter->text});
    stream.insert(stream.end(), end.begin(), end.end());
    return;
  }
  const auto& rule = std::get<LengthPrefix>(rule_);
  const std::uint64_t length = message.size() + (rule.counts_itself ? rule.bytes : 0);
  const bool fits = rule.bytes == 8 || length >> (8 * rule.bytes) == 0;
  if (message.size() > rule.message_bytes_max || !fits) throw std::length_error("iocpp::Framing: a long message");
  for (std::size_t at = 0; at < rule.bytes; ++at) {
    const std::size_t place = rule.order == std::endian::big ? rule.bytes - 1 - at : at;
    stream.push_back(static_cast<std::byte>(length >> (8 * place)));
  }
  stream.insert(stream.end(), message.begin(), message.end());
}

}  // namespace iocpp
