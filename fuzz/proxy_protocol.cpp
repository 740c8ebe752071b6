// The header of the PROXY protocol from bytes of an enemy: no byte past the end is read, what is answered holds
// together, and the answer does not depend on how the bytes came.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "stage/proxy_protocol.hpp"

namespace {

using iocpp::ProxyFailure;
using iocpp::ProxyHeader;
using namespace iocpp::stage;

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const ProxyHeader& one, const ProxyHeader& other) {
  return one.version == other.version && one.local == other.local && one.source == other.source &&
         one.destination == other.destination && one.tlvs.data() == other.tlvs.data() &&
         one.tlvs.size() == other.tlvs.size();
}

void check_whole(std::span<const std::byte> bytes, std::size_t bytes_max, const WholeHeader& whole) {
  require(whole.bytes <= bytes.size() && whole.bytes <= (whole.header.version == 1 ? line_bytes_max : bytes_max));
  const std::span<const std::byte> tlvs = whole.header.tlvs;
  require(tlvs.empty() || tlvs.data() + tlvs.size() == bytes.data() + whole.bytes);
  for (unsigned type = 0; type < 256; ++type) {
    const auto value = whole.header.tlv(static_cast<std::uint8_t>(type));
    require(!value || (value->data() >= tlvs.data() && value->data() + value->size() <= tlvs.data() + tlvs.size()));
  }
  const ReadHeader alone = read_proxy_header(bytes.first(whole.bytes), bytes_max);
  require(std::holds_alternative<WholeHeader>(alone) && same(std::get<WholeHeader>(alone).header, whole.header));
}

/// A header is incomplete until its last byte; a failure is the same one from its byte on.
void check_growth(std::span<const std::byte> bytes, std::size_t bytes_max, const ReadHeader& last) {
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const ReadHeader read = read_proxy_header(bytes.first(size), bytes_max);
    if (std::holds_alternative<MoreNeeded>(read)) continue;
    require(read.index() == last.index());
    if (const auto* failure = std::get_if<ProxyFailure>(&read)) require(*failure == std::get<ProxyFailure>(last));
    if (const auto* whole = std::get_if<WholeHeader>(&read)) {
      require(whole->bytes == size && same(whole->header, std::get<WholeHeader>(last).header));
    }
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t bytes_max = 512;
  const std::span<const std::byte> input = std::as_bytes(std::span{bytes, size});
  const ReadHeader read = read_proxy_header(input, bytes_max);
  if (std::holds_alternative<MoreNeeded>(read)) require(size < bytes_max);
  if (const auto* whole = std::get_if<WholeHeader>(&read)) check_whole(input, bytes_max, *whole);
  check_growth(input, bytes_max, read);
  return 0;
}
