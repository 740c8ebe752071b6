// Clients behind a proxy: the header that a connection begins with, good or bad, in any split, or never whole.
#include <algorithm>
#include <array>

#include "simulator/peers.hpp"
#include "simulator/proxy_headers.hpp"

namespace iocpp::simulator {
namespace {

std::string good_header(Prng& chance, const Address& client, bool& names_client) {
  Address server = client;
  server.port = 50'000;
  const std::uint64_t kind = chance.below(names_client ? 4 : 7);
  names_client = kind < 4;
  switch (kind) {
    case 0:
      return proxy_line(client, server);
    case 1:
      return proxy_block(client, server);
    case 2:
      return proxy_block(client, server, tlv(0xe0, std::string(chance.below(64), 'v')));
    case 3:
      return proxy_block_with_checksum(client, server, tlv(0x05, "id"));
    case 4:
      return "PROXY UNKNOWN\r\n";
    case 5:
      return proxy_block(0x20, 0x00, "");
    default:
      return proxy_block(0x21, 0x31, std::string(216, 'u'));
  }
}

/// Wrong in one place, so that it can never become a header; or without its end, so that it never becomes one.
std::string bad_header(Prng& chance, const Address& client) {
  std::string line = proxy_line(client, client);
  std::string block = proxy_block_with_checksum(client, client);
  switch (chance.below(6)) {
    case 0:
      return "GET / HTTP/1.1\r\n\r\n";
    case 1:
      line[line.size() - 3] = 'x';
      return line;
    case 2:
      block.back() = static_cast<char>(block.back() ^ 1);
      return block;
    case 3:
      return proxy_block(client, client, std::string{"\x01\x00\x09h2", 5}) + std::string(64, 'p');
    case 4:
      return line.substr(0, chance.below(line.size()));
    default:
      return block.substr(0, chance.below(block.size()));
  }
}

}  // namespace

void Peers::draw_header(Peer& peer, bool must_be_good) {
  Prng& chance = machine_.streams.peers;
  Link& link = machine_.network.link(peer.link);
  const Address client = machine_.network.client_address(link);
  peer.bad_header = !must_be_good && one_in(chance, 8);
  bool names_client = habits_.names_all_clients;
  peer.header = peer.bad_header ? bad_header(chance, client) : good_header(chance, client, names_client);
  peer.header_sent = 0;
  link.header = std::max<std::uint32_t>(static_cast<std::uint32_t>(peer.header.size()), 1);
  link.header_is_good = !peer.bad_header;
  link.client = names_client ? client : Address{};
}

/// True: it is a good one, and all of it was written. With a bad one a client stays until the server ends it.
bool Peers::send_header(std::uint32_t index, Peer& peer) {
  const std::size_t rest = peer.header.size() - peer.header_sent;
  if (rest == 0) return !peer.bad_header;
  Prng& chance = machine_.streams.peers;
  const std::size_t part = one_in(chance, 3) ? between(chance, 1, rest) : rest;
  const std::span<const char> bytes{peer.header.data() + peer.header_sent, part};
  const std::size_t written = machine_.network.peer_write(peer.link, std::as_bytes(bytes));
  peer.header_sent += written;
  if (written != rest && written != 0) wake(index, delay(chance, habits_.pause_max));
  return written == rest && !peer.bad_header;
}

/// The server has ended it.
void Peers::check_header_time(const Peer& peer) {
  const Link& link = machine_.network.link(peer.link);
  if (!habits_.by_proxy || !peer.bad_header || link.accepted_at == TimePoint{}) return;
  if (machine_.now() - link.accepted_at > habits_.header_time)
    machine_.violate(12, "a connection without a header was kept for longer than it may be");
}

}  // namespace iocpp::simulator
