#include "server/check_options.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <system_error>

#include "backend/listening.hpp"
#include "iocpp/error.hpp"

namespace iocpp::server {
namespace {

void require(bool holds, const char* rule) {
  if (!holds) throw std::system_error(make_error_code(errc::invalid_argument), std::string{"Options::"} + rule);
}

[[noreturn]] void refuse(const std::string& what) {
  throw std::system_error(make_error_code(errc::invalid_argument), what);
}

/// `of`: whose member it is. A port that is written behind the host would be overlooked, or the whole taken for no
/// address at all.
void check_host(const std::string& of, const std::string& host, std::uint16_t port) {
  if (backend::is_unix({.host = host})) {
    if (port != 0) refuse(of + "::host '" + host + "': a Unix socket has no port: leave " + of + "::port alone");
    return;
  }
  const bool one_colon = host.find(':') != std::string::npos && host.find(':') == host.rfind(':');
  if (one_colon || host.find_first_of("[]") != std::string::npos) {
    refuse(of + "::host '" + host + "': not a numeric address: without brackets and port; the port is " + of +
           "::port");
  }
}

/// The system would say that somebody listens there already.
void check_no_two_are_one(const std::vector<Listen>& listeners) {
  for (std::size_t one = 0; one < listeners.size(); ++one) {
    const Listen& listen = listeners[one];
    if (!listen.inherited.empty() || (listen.port == 0 && !backend::is_unix(listen))) continue;
    for (std::size_t other = one + 1; other < listeners.size(); ++other) {
      if (listeners[other].port != listen.port || listeners[other].host != listen.host) continue;
      const std::string port = backend::is_unix(listen) ? "" : " port " + std::to_string(listen.port);
      refuse("Options::listen: " + std::to_string(one) + " and " + std::to_string(other) + " are both '" + listen.host +
             "'" + port);
    }
  }
}

void check_listeners(const Options& options) {
  require(options.listen.empty() || (options.port == 0 && options.host.empty()),
          "listen: with it, leave port and host alone");
  require(options.listen.size() <= 1'000, "listen: at most 1,000");
  check_host("Options", options.host, options.port);
  check_no_two_are_one(options.listen);
  for (const Listen& listen : options.listen) {
    check_host("Listen", listen.host, listen.port);
    require(listen.handler == nullptr || options.shards <= 1,
            "listen: a listener's own handler works with one shard only");
    require(options.hand_over_path.empty() || !backend::is_unix(listen),
            "hand_over_path: a Unix socket can't be handed over; its successor listens on another path");
    require(listen.inherited.empty() || (listen.host.empty() && listen.port == 0),
            "listen: with inherited sockets, leave host and port alone");
  }
}

void check_sizes(const Options& options) {
  constexpr std::size_t ring_least = 64U << 10;
  constexpr std::size_t ring_most = 1U << 30;
  require(options.receive_ring_bytes >= ring_least && options.receive_ring_bytes <= ring_most,
          "receive_ring_bytes: 64 KiB to 1 GiB");
  require(options.receive_ring_bytes_max >= options.receive_ring_bytes && options.receive_ring_bytes_max <= ring_most,
          "receive_ring_bytes_max: receive_ring_bytes to 1 GiB");
  require(options.posted_receive_bytes <= ring_least, "posted_receive_bytes: 0 to 64 KiB");
  require(options.send_queue_bytes_low <= options.send_queue_bytes_high,
          "send_queue_bytes_low: at most send_queue_bytes_high");
  require(options.send_queue_bytes_max >= 1, "send_queue_bytes_max: at least 1");
  // Whoever stops at the high watermark must have room for the send that passed it.
  require(options.send_queue_bytes_high < options.send_queue_bytes_max,
          "send_queue_bytes_high: below send_queue_bytes_max, by the size of a send");
  const std::size_t total = options.send_queue_bytes_max_total;
  require(total == 0 || total >= options.send_queue_bytes_max,
          "send_queue_bytes_max_total: at least send_queue_bytes_max, or 0");
  require(options.mailbox_bytes_max >= 1, "mailbox_bytes_max: at least 1");
  constexpr std::size_t socket_buffer_most = 1U << 30;
  require(options.socket_receive_buffer <= socket_buffer_most, "socket_receive_buffer: at most 1 GiB");
  require(options.socket_send_buffer <= socket_buffer_most, "socket_send_buffer: at most 1 GiB");
}

void check_limits(const Limits& limits) {
  require(limits.ipv4_prefix >= 1 && limits.ipv4_prefix <= 32, "limits.ipv4_prefix: 1 to 32");
  require(limits.ipv6_prefix >= 1 && limits.ipv6_prefix <= 128, "limits.ipv6_prefix: 1 to 128");
  require(limits.addresses_max >= 1'024 && limits.addresses_max <= 16'777'216,
          "limits.addresses_max: 1,024 to 16,777,216");
  require(limits.connections_per_address < 16'777'216, "limits.connections_per_address: below 16,777,216");
  constexpr std::uint32_t most = 1'000'000;
  require(limits.accepts_per_second <= most, "limits.accepts_per_second: at most 1,000,000");
  require(limits.accepts_burst <= most, "limits.accepts_burst: at most 1,000,000");
  require(limits.accepts_per_second_per_address <= most, "limits.accepts_per_second_per_address: at most 1,000,000");
  require(limits.accepts_burst_per_address <= most, "limits.accepts_burst_per_address: at most 1,000,000");
  require(limits.accepts_per_second != 0 || limits.accepts_burst == 0,
          "limits.accepts_burst: needs accepts_per_second");
  require(limits.accepts_per_second_per_address != 0 || limits.accepts_burst_per_address == 0,
          "limits.accepts_burst_per_address: needs accepts_per_second_per_address");
}

void check_times(const Options& options) {
  require(options.keepalive.count() >= 0 && options.keepalive.count() <= 32'767, "keepalive: 0 to 32,767 seconds");
  // Within what a clock of nanoseconds can count.
  constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 365};
  require(options.linger_bytes_max <= UINT32_MAX - 1, "linger_bytes_max: below 4 GiB");
  require(options.linger_timeout.count() >= 1 && options.linger_timeout <= longest, "linger_timeout: 1 ms to a year");
  require(options.drain_timeout.count() >= 0, "drain_timeout: not negative");
}

void check_proxy_protocol(const ProxyProtocol& proxy) {
  require(proxy.timeout.count() >= 1 && proxy.timeout <= std::chrono::hours{24},
          "proxy_protocol.timeout: 1 ms to a day");
  require(proxy.header_bytes_max >= 232 && proxy.header_bytes_max <= 65'551,
          "proxy_protocol.header_bytes_max: 232 to 65,551");
}

void check_deadlines(const Deadlines& deadlines) {
  const auto require_span = [](std::chrono::milliseconds span, std::chrono::milliseconds longest, const char* rule) {
    require(span.count() >= 0 && span <= longest, rule);
  };
  // core::Watch measures with 32 bits.
  constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 20};
  require_span(deadlines.first_byte, longest, "deadlines.first_byte: 0 to 20 days");
  require_span(deadlines.idle_receive, longest, "deadlines.idle_receive: 0 to 20 days");
  require_span(deadlines.idle_send, longest, "deadlines.idle_send: 0 to 20 days");
  require_span(deadlines.idle, longest, "deadlines.idle: 0 to 20 days");
  require_span(deadlines.write, longest, "deadlines.write: 0 to 20 days");
  require_span(deadlines.lifetime, std::chrono::hours{24 * 365}, "deadlines.lifetime: 0 to a year");
  require_span(deadlines.min_rate_grace, longest, "deadlines.min_rate_grace: 1 ms to 20 days");
  require(deadlines.min_rate_grace.count() >= 1, "deadlines.min_rate_grace: 1 ms to 20 days");
}

}  // namespace

Options checked(Options options, unsigned default_shards) {
  if (options.shards == 0) options.shards = std::clamp(default_shards, 1U, 255U);
  require(options.shards <= 255, "shards: at most 255");
  require(options.backlog >= 1, "backlog: at least 1");
  require(options.accepts_in_flight >= 1 && options.accepts_in_flight <= 1'024, "accepts_in_flight: 1 to 1,024");
  check_listeners(options);
  check_sizes(options);
  check_times(options);
  check_proxy_protocol(options.proxy_protocol);
  check_deadlines(options.deadlines);
  check_limits(options.limits);
  if (options.listen.empty()) options.listen.push_back({.host = options.host, .port = options.port});
  std::size_t& connections_max = options.limits.connections_max;
  if (connections_max == 0) connections_max = std::max<std::size_t>(backend::handle_limit() / 2, 1);
  return options;
}

}  // namespace iocpp::server
