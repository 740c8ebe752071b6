// Messages out of a stream of an enemy's, cut as the enemy likes: what comes out does not depend on how it was cut, and
// what is kept is bounded.
#include "iocpp/framing.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

using Bytes = std::span<const std::byte>;
constexpr std::size_t message_bytes_max = 40;

void require(bool holds) {
  if (!holds) std::abort();
}

iocpp::Framing framing_of(std::uint8_t choice) {
  using iocpp::Delimiter, iocpp::Framing, iocpp::LengthPrefix;
  if (choice % 2 == 0) {
    return Framing{LengthPrefix{.bytes = 1U << (choice / 2 % 4),
                                .order = choice / 8 % 2 == 0 ? std::endian::big : std::endian::little,
                                .counts_itself = choice / 16 % 2 == 0,
                                .message_bytes_max = message_bytes_max}};
  }
  constexpr const char* texts[]{"\n", "\r\n", "aab", "--aa--"};
  return Framing{Delimiter{.text = texts[choice / 2 % 4],
                           .drop_carriage_return = choice / 8 % 2 == 0,
                           .message_bytes_max = message_bytes_max}};
}

struct Outcome {
  std::vector<std::vector<std::byte>> messages;
  iocpp::FramingError error = iocpp::FramingError::none;
  std::vector<std::byte> kept;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// In pieces of 1 to `piece_most` bytes, which the stream's own bytes choose; 0: in one.
Outcome read(const iocpp::Framing& framing, Bytes stream, std::size_t piece_most) {
  Outcome outcome;
  iocpp::PartialMessage partial;
  for (std::size_t at = 0; at < stream.size() && outcome.error == iocpp::FramingError::none;) {
    const std::size_t chosen =
        piece_most == 0 ? stream.size() : 1 + (std::to_integer<std::size_t>(stream[at]) + at) % piece_most;
    const Bytes piece = stream.subspan(at, std::min(chosen, stream.size() - at));
    const iocpp::FramingResult result = framing.read(partial, piece, [&](Bytes message) {
      require(message.size() <= message_bytes_max);
      outcome.messages.emplace_back(message.begin(), message.end());
    });
    require(!result.stopped && result.consumed <= piece.size() && (!result || result.consumed == piece.size()));
    require(partial.bytes().size() < message_bytes_max + 8);
    outcome.error = result.error;
    at += piece.size();
  }
  outcome.kept.assign(partial.bytes().begin(), partial.bytes().end());
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const iocpp::Framing framing = framing_of(bytes[0]);
  const Bytes stream = std::as_bytes(std::span{bytes, size}.subspan(1));
  const Outcome whole = read(framing, stream, 0);
  require(whole == read(framing, stream, 1));
  require(whole == read(framing, stream, 9));
  return 0;
}
