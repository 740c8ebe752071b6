// Options out of their range: refused by the constructor, by name.
#include <gtest/gtest.h>

#include "server/footprint.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

struct BadOption {
  const char* name;
  std::function<void(Options&)> set;

  friend std::ostream& operator<<(std::ostream& out, const BadOption& bad) { return out << bad.name; }
};

Handler listeners_own;

class BadOptions : public ::testing::TestWithParam<BadOption> {};

TEST_P(BadOptions, are_refused_by_name) {
  const Footprint before = Footprint::now();
  Options options{.host = "127.0.0.1"};
  GetParam().set(options);
  Handler handler;
  try {
    Server server(options, handler);
    FAIL() << "the constructor did not throw";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
    EXPECT_NE(std::string{error.what()}.find(GetParam().name), std::string::npos) << error.what();
  }
  EXPECT_EQ(footprint_after(before), before);
}

template <auto Member, class Value>
BadOption bad(const char* name, Value value) {
  return {name, [value](Options& options) { options.*Member = value; }};
}

constexpr std::size_t kib = 1024;

INSTANTIATE_TEST_SUITE_P(
    Options, BadOptions,
    ::testing::Values(bad<&Options::shards>("shards", 256U), bad<&Options::backlog>("backlog", 0), bad<&Options::backlog>("backlog", -1),
                      bad<&Options::accepts_in_flight>("accepts_in_flight", 0U),
                      bad<&Options::accepts_in_flight>("accepts_in_flight", 1'025U),
                      bad<&Options::keepalive>("keepalive", std::chrono::seconds{-1}),
                      bad<&Options::keepalive>("keepalive", std::chrono::seconds{32'768}),
                      bad<&Options::socket_receive_buffer>("socket_receive_buffer", std::size_t{1} << 31),
                      bad<&Options::socket_send_buffer>("socket_send_buffer", std::size_t{1} << 31),
                      bad<&Options::receive_ring_bytes>("receive_ring_bytes", 64 * kib - 1),
                      bad<&Options::receive_ring_bytes_max>("receive_ring_bytes_max", 64 * kib),
                      bad<&Options::receive_ring_bytes_max>("receive_ring_bytes_max", (std::size_t{1} << 30) + 1),
                      bad<&Options::posted_receive_bytes>("posted_receive_bytes", 64 * kib + 1),
                      bad<&Options::send_queue_bytes_low>("send_queue_bytes_low", std::size_t{2} << 20),
                      bad<&Options::send_queue_bytes_high>("send_queue_bytes_high", std::size_t{64} << 20),
                      bad<&Options::linger_bytes_max>("linger_bytes_max", std::size_t{1} << 32),
                      bad<&Options::mailbox_bytes_max>("mailbox_bytes_max", 0U),
                      bad<&Options::linger_timeout>("linger_timeout", std::chrono::milliseconds{0}),
                      bad<&Options::linger_timeout>("linger_timeout", std::chrono::milliseconds{-5}),
                      bad<&Options::linger_timeout>("linger_timeout", std::chrono::milliseconds::max()),
                      bad<&Options::drain_timeout>("drain_timeout", std::chrono::milliseconds{-1}),
                      bad<&Options::listen>("listen", std::vector<Listen>{{.host = "127.0.0.1"}}),
                      BadOption{"send_queue_bytes_max",
                                [](Options& options) {
                                  options.send_queue_bytes_low = options.send_queue_bytes_high = options.send_queue_bytes_max = 0;
                                }},
                      bad<&Options::send_queue_bytes_max_total>("send_queue_bytes_max_total", 64 * kib),
                      bad<&Options::deadlines>("deadlines.first_byte", Deadlines{.first_byte = std::chrono::milliseconds{-1}}),
                      bad<&Options::deadlines>("deadlines.idle_receive", Deadlines{.idle_receive = std::chrono::hours{481}}),
                      bad<&Options::deadlines>("deadlines.idle_send", Deadlines{.idle_send = std::chrono::hours{481}}),
                      bad<&Options::deadlines>("deadlines.idle", Deadlines{.idle = std::chrono::hours{481}}),
                      bad<&Options::deadlines>("deadlines.write", Deadlines{.write = std::chrono::milliseconds::max()}),
                      bad<&Options::deadlines>("deadlines.lifetime", Deadlines{.lifetime = std::chrono::hours{8'761}}),
                      bad<&Options::deadlines>("deadlines.min_rate_grace",
                                               Deadlines{.min_rate_grace = std::chrono::milliseconds{0}}),
                      bad<&Options::limits>("limits.ipv4_prefix", Limits{.ipv4_prefix = 0}),
                      bad<&Options::limits>("limits.ipv4_prefix", Limits{.ipv4_prefix = 33}),
                      bad<&Options::limits>("limits.ipv6_prefix", Limits{.ipv6_prefix = 129}),
                      bad<&Options::limits>("limits.addresses_max", Limits{.addresses_max = 1'023}),
                      bad<&Options::limits>("limits.connections_per_address", Limits{.connections_per_address = 1U << 24}),
                      bad<&Options::limits>("limits.accepts_per_second", Limits{.accepts_per_second = 1'000'001}),
                      bad<&Options::limits>("limits.accepts_burst", Limits{.accepts_burst = 1}),
                      bad<&Options::limits>("limits.accepts_burst_per_address", Limits{.accepts_burst_per_address = 1}),
                      BadOption{"listen",
                                [](Options& options) {
                                  options.host.clear();
                                  options.listen.assign(1'001, {.host = "127.0.0.1"});
                                }},
                      BadOption{"listen", [](Options& options) {
                                  options.host.clear();
                                  options.shards = 2;
                                  options.listen = {{.host = "127.0.0.1", .handler = &listeners_own}};
                                }}));

TEST(Options, at_the_ends_of_their_ranges_are_taken) {
  Journal journal;
  journal.received = echo;
  Options options;
  options.backlog = 1;
  options.accepts_in_flight = 1'024;
  options.limits.connections_max = 1;
  options.keepalive = std::chrono::seconds{32'767};
  options.receive_ring_bytes = options.receive_ring_bytes_max = 64 * kib;
  options.send_queue_bytes_low = options.send_queue_bytes_high = 0;
  options.send_queue_bytes_max = 1 * kib;
  options.linger_timeout = std::chrono::milliseconds{1};
  options.linger_bytes_max = 0;
  options.drain_timeout = std::chrono::milliseconds::max();
  options.mailbox_bytes_max = 1;
  LiveServer server{journal, options};
  Client client = server.connect();
  EXPECT_EQ(client.echo("one"), "one");
  EXPECT_EQ(client.echo("two"), "two");
}

}  // namespace
}  // namespace iocpp::tests
