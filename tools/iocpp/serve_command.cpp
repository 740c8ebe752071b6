#include "serve_command.hpp"

#include <climits>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "program/host_port.hpp"
#include "serve.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds longest = 24h;
constexpr std::uint64_t bytes_most = std::uint64_t{1} << 40;

struct Serve {
  ServeOptions options;
  bool ipv6_only = false;
  unsigned unix_permissions = iocpp::Listen{}.unix_permissions;
};

void add_listeners(CLI::App& app, Serve& serve) {
  auto& listen = serve.options.server.listen;
  listen = {{.host = "127.0.0.1", .port = 50000}};
  auto& systemd = serve.options.systemd;
  const auto read = [&listen, &systemd](const std::vector<std::string>& texts) {
    listen.clear();
    systemd = ServeOptions::Systemd::left;
    for (const std::string& text : texts) {
      if (text.starts_with("unix:")) {
        listen.push_back({.host = text});
        continue;
      }
      if (text == "systemd") {
        systemd = ServeOptions::Systemd::asked;
        continue;
      }
      const auto address = program::parse_host_port(text);
      if (!address) {
        program::object("--listen", text,
                        program::objection(text, 0,
                                           "HOST:PORT, unix:PATH or systemd, such as 127.0.0.1:50000, [::1]:50000, "
                                           "localhost:0, :50000 or unix:/run/echo"));
      }
      listen.push_back({.host = address->host, .port = address->port});
    }
  };
  app.add_option_function<std::vector<std::string>>("--listen", read,
                                                    "Address to listen on; may be given several times. Port 0 takes a "
                                                    "free one; without a host, every address, IPv6 and "
                                                    "IPv4. unix:PATH is a Unix socket, unix:@NAME an abstract one. "
                                                    "systemd: the sockets of its .socket unit, which are also taken "
                                                    "where it gives some and no address is given")
      ->type_name("HOST:PORT|unix:PATH|systemd")
      ->default_str("127.0.0.1:50000")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--take-over", serve.options.server.hand_over_path,
                 "Take over from the server that runs with the same path, if there is one, and be there for the next: "
                 "no client is lost (docs/DRAIN.md)")
      ->type_name("PATH")
      ->default_str("none");
  app.add_flag("--ipv6-only", serve.ipv6_only, "IPv6 addresses refuse IPv4 clients");
  const auto permissions = [&serve](const std::string& text) {
    const bool octal = !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == std::string::npos;
    if (!octal) program::refuse("--unix-permissions", text, "permissions such as 0600");
    serve.unix_permissions = static_cast<unsigned>(std::stoul(text, nullptr, 8)) & 0777U;
  };
  app.add_option_function<std::string>("--unix-permissions", permissions, "Who may connect to a Unix socket")
      ->type_name("MODE")
      ->default_str("0600");
}

void add_shards(CLI::App& app, iocpp::Options& options) {
  program::add_count(app, "--threads", options.shards, 0, 255, "Shards: threads that serve connections. 0: one a core");
  const auto read_backend = [&options](const std::string& text) {
    if (text == "auto") {
      options.backend = iocpp::Backend::automatic;
    } else if (text == "io_uring") {
      options.backend = iocpp::Backend::io_uring;
    } else if (text == "epoll") {
      options.backend = iocpp::Backend::epoll;
    } else if (text == "iocp") {
      options.backend = iocpp::Backend::iocp;
    } else {
      program::refuse("--backend", text, "auto, io_uring, epoll or iocp");
    }
  };
  app.add_option_function<std::string>(
         "--backend", read_backend,
         "The system's completion mechanism; auto says on stderr which one it takes, and why")
      ->type_name("auto|io_uring|epoll|iocp")
      ->default_str("auto");
  app.add_flag("--accept-thread", options.accept_thread,
               "A thread of its own accepts, and places each connection on the shard with the fewest");
}

void add_address_limits(CLI::App& app, iocpp::Limits& limits) {
  constexpr std::uint64_t rate_most = 1'000'000;
  program::add_count(app, "--connections-per-address", limits.connections_per_address, 0, (1U << 24) - 1,
                     "Open connections of one address; more are refused. 0: any number");
  program::add_count(app, "--accepts-per-second-per-address", limits.accepts_per_second_per_address, 0, rate_most,
                     "Accepts a second of one address, on average. 0: any number");
  program::add_count(app, "--accepts-burst-per-address", limits.accepts_burst_per_address, 0, rate_most,
                     "... and at once, after a quiet time. 0: a second's worth");
  program::add_count(app, "--ipv4-prefix", limits.ipv4_prefix, 1, 32,
                     "Bits of an IPv4 address that count as one address");
  program::add_count(app, "--ipv6-prefix", limits.ipv6_prefix, 1, 128, "... of an IPv6 address");
  program::add_count(app, "--addresses-max", limits.addresses_max, 1'024, 1U << 24,
                     "Addresses that are remembered, 16 bytes each");
  app.add_flag("--loopback-too", limits.loopback_too, "The limits of an address are for loopback addresses too");
}

void add_gate(CLI::App& app, iocpp::Limits& limits) {
  program::add_count(app, "--connections-max", limits.connections_max, 0, 1U << 24,
                     "Open connections over all shards. 0: half of the handle limit");
  program::add_count(app, "--accepts-per-second", limits.accepts_per_second, 0, 1'000'000,
                     "Accepts a second over all shards, on average. 0: any number");
  program::add_count(app, "--accepts-burst", limits.accepts_burst, 0, 1'000'000,
                     "... and at once, after a quiet time. 0: a second's worth");
  const auto read = [&limits](const std::string& text) {
    for (const iocpp::WhenFull each : {iocpp::WhenFull::pause, iocpp::WhenFull::close, iocpp::WhenFull::reset}) {
      if (text != iocpp::to_string(each)) continue;
      limits.when_full = each;
      return;
    }
    program::refuse("--when-full", text, "pause, close or reset");
  };
  app.add_option_function<std::string>("--when-full", read,
                                       "Clients beyond these two limits wait in the backlog, or are closed, or reset")
      ->type_name("pause|close|reset")
      ->default_str("reset");
  add_address_limits(app, limits);
}

void add_limits(CLI::App& app, iocpp::Options& options) {
  const auto backlog = [&options](const std::string& text) {
    const auto count = program::parse_count(text);
    if (!count || *count == 0 || *count > INT_MAX) program::refuse("--backlog", text, "a number over 0");
    options.backlog = static_cast<int>(*count);
  };
  app.add_option_function<std::string>("--backlog", backlog,
                                       "Clients that may wait to be accepted; the system caps it (net.core.somaxconn)")
      ->type_name("N")
      ->default_str(std::to_string(options.backlog));
  program::add_count(app, "--accepts-in-flight", options.accepts_in_flight, 1, 1024,
                     "Accepts posted at once where the system has no multishot accept");
  add_gate(app, options.limits);
}

void add_proxy_protocol(CLI::App& app, iocpp::ProxyProtocol& proxy) {
  app.add_option_function<std::vector<std::string>>(
         "--proxy-protocol", [&proxy](const std::vector<std::string>& networks) { proxy.trusted = networks; },
         "A network of proxies that begin each connection with the PROXY protocol's header (HAProxy's send-proxy or "
         "send-proxy-v2), such as 10.0.0.0/8 or ::1; may be given several times")
      ->type_name("NETWORK")
      ->default_str("none")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  const auto untrusted = [&proxy](const std::string& text) {
    if (text != "refuse" && text != "serve") program::refuse("--proxy-untrusted", text, "refuse or serve");
    proxy.untrusted = text == "serve" ? iocpp::UntrustedPeer::serve : iocpp::UntrustedPeer::refuse;
  };
  app.add_option_function<std::string>("--proxy-untrusted", untrusted,
                                       "Peers from elsewhere are refused, or served as clients without a proxy")
      ->type_name("refuse|serve")
      ->default_str("refuse");
  program::add_duration(app, "--proxy-timeout", proxy.timeout, 1ms, longest,
                        "A connection whose header is not complete by then is reset");
  program::add_size(app, "--proxy-header-bytes-max", proxy.header_bytes_max, 232, 65'551,
                    "The longest header of version 2");
}

void add_sockets(CLI::App& app, iocpp::Options& options) {
  app.add_flag("--tcp-nodelay,!--no-tcp-nodelay", options.tcp_nodelay,
               "Send small messages at once (the default), or not");
  program::add_duration(app, "--keepalive", options.keepalive, 0s, longest,
                        "Idle time before the system probes the peer. 0: never");
  program::add_size(app, "--socket-receive-buffer", options.socket_receive_buffer, 0, INT_MAX,
                    "SO_RCVBUF. 0: the system's own tuning");
  program::add_size(app, "--socket-send-buffer", options.socket_send_buffer, 0, INT_MAX,
                    "SO_SNDBUF. 0: the system's own tuning");
}

void add_buffers(CLI::App& app, iocpp::Options& options) {
  program::add_size(app, "--receive-ring-bytes", options.receive_ring_bytes, 64U << 10, 1U << 30,
                    "Receive buffers that a shard's connections share, at start");
  program::add_size(app, "--receive-ring-bytes-max", options.receive_ring_bytes_max, 64U << 10, 1U << 30,
                    "They grow up to this when they run out");
  program::add_size(app, "--posted-receive-bytes", options.posted_receive_bytes, 0, 64U << 10,
                    "Windows: the buffer with which each connection waits for bytes. 0: none");
  program::add_size(app, "--send-queue-bytes-high", options.send_queue_bytes_high, 1, bytes_most,
                    "A connection's send queue is full above this: its input is not read");
  program::add_size(app, "--send-queue-bytes-low", options.send_queue_bytes_low, 0, bytes_most,
                    "... and has room again at this or below");
  program::add_size(app, "--send-queue-bytes-max", options.send_queue_bytes_max, 1, bytes_most,
                    "A connection that would queue more is ended");
  app.add_flag("--pause-receive-above-high,!--no-pause-receive-above-high", options.pause_receive_above_high,
               "Do not read from a peer that does not read (the default), or do");
  program::add_size(app, "--mailbox-bytes-max", options.mailbox_bytes_max, 1, bytes_most,
                    "Bytes on their way to a shard from other threads");
}

void add_deadlines(CLI::App& app, iocpp::Options& options) {
  program::add_size(app, "--send-queue-bytes-max-total", options.send_queue_bytes_max_total, 0, bytes_most,
                    "Memory of all send queues together: a connection that would queue more is ended. 0: no such cap");
  constexpr std::chrono::nanoseconds longest_deadline = std::chrono::hours{24 * 20};
  const auto add = [&app, longest_deadline](const char* name, std::chrono::milliseconds& deadline, const char* what) {
    program::add_duration(app, name, deadline, 0ms, longest_deadline, what);
  };
  iocpp::Deadlines& deadlines = options.deadlines;
  add("--first-byte", deadlines.first_byte,
      "A client must have sent its first byte after this. 0, here and below: off");
  add("--idle-receive", deadlines.idle_receive, "A connection that has received nothing for so long is ended");
  add("--idle-send", deadlines.idle_send, "... that has sent nothing for so long");
  add("--idle", deadlines.idle, "... that has neither received nor sent anything for so long");
  add("--write", deadlines.write, "... whose peer takes nothing of what is queued for so long");
  add("--lifetime", deadlines.lifetime, "... that is older than this");
  program::add_size(
      app, "--min-rate-bytes", deadlines.min_rate_bytes, 0, bytes_most,
      "Bytes a second that a peer must read while anything is queued for it (and send, see --message-bytes)");
  program::add_duration(app, "--min-rate-grace", deadlines.min_rate_grace, 1ms, longest_deadline,
                        "... counted in periods of this");
  program::add_duration(app, "--linger-timeout", options.linger_timeout, 1ms, longest,
                        "A closing connection without progress for this long is cut off");
  program::add_size(app, "--linger-bytes-max", options.linger_bytes_max, 0, UINT32_MAX - 1,
                    "Input that a closing connection discards while it waits for the peer's end");
  program::add_duration(app, "--drain-timeout", options.drain_timeout, 0ms, longest,
                        "How long a drain may take before the rest is reset");
}

/// First of all options: the others are taken as changes of it, wherever they stand on the command line.
void add_preset(CLI::App& app, iocpp::Options& options) {
  const auto read = [&options](const std::string& text) {
    const std::vector<iocpp::Listen> listen = options.listen;
    if (text == "public-internet") {
      options = iocpp::Options::public_internet();
    } else if (text == "trusted-network") {
      options = iocpp::Options::trusted_network();
    } else {
      program::refuse("--preset", text, "public-internet or trusted-network");
    }
    options.listen = listen;
  };
  app.add_option_function<std::string>("--preset", read,
                                       "public-internet: deadlines and caps for a port that anybody can reach")
      ->type_name("NAME")
      ->default_str("trusted-network");
}

void add_service(CLI::App& serve_app, Service service, const std::string& description, Command& chosen) {
  CLI::App& app = *serve_app.add_subcommand(to_string(service), description);
  auto serve_it = std::make_shared<Serve>();
  iocpp::Options& options = serve_it->options.server;
  serve_it->options.service = service;
  add_preset(app, options);
  add_listeners(app, *serve_it);
  add_shards(app, options);
  add_limits(app, options);
  add_proxy_protocol(app, options.proxy_protocol);
  add_sockets(app, options);
  add_buffers(app, options);
  add_deadlines(app, options);
  if (service == Service::echo) {
    program::add_size(
        app, "--message-bytes", serve_it->options.message_bytes, 0, bytes_most,
        "A client's messages are so long: one that has begun must come at --min-rate-bytes. 0: no messages");
  }
  app.add_flag(
      "--json", serve_it->options.json,
      "Print the result as one JSON object on stdout, and nothing else there; the listening line goes to stderr");
  app.callback([serve_it, &chosen] {
    for (iocpp::Listen& listen : serve_it->options.server.listen) {
      listen.ipv6_only = serve_it->ipv6_only;
      listen.unix_permissions = serve_it->unix_permissions;
    }
    chosen = [serve_it] { return serve(serve_it->options); };
  });
}

}  // namespace

void add_serve_command(CLI::App& app, Command& chosen) {
  CLI::App& serve_app = *app.add_subcommand("serve",
                                            "Run a server. It prints one line when it listens, drains on SIGINT, "
                                            "SIGTERM (a second one ends the drain at once), says "
                                            "what it served, and exits with 0. It exits with 2 when it can't listen");
  serve_app.require_subcommand(1);
  add_service(serve_app, Service::echo, "Send back what arrives (RFC 862)", chosen);
  add_service(serve_app, Service::discard, "Throw away what arrives (RFC 863)", chosen);
  add_service(serve_app, Service::chargen,
              "Send lines of characters without end, as fast as the client reads (RFC 864)", chosen);
  add_service(serve_app, Service::whoami, "Send the client's address, and behind a proxy the proxy's", chosen);
}
