// Options for two kinds of networks; the reasons are in the comments of what they set.
#include "iocpp/options.hpp"

namespace iocpp {

Options Options::trusted_network() {
  return {};
}

Options Options::public_internet() {
  using std::chrono::hours;
  using std::chrono::seconds;
  Options options;
  options.deadlines = {.idle = seconds{60},
                       .write = seconds{30},
                       .lifetime = hours{24},
                       .min_rate_bytes = 500,
                       .min_rate_grace = seconds{20}};
  options.send_queue_bytes_high = 256U << 10;
  options.send_queue_bytes_low = 64U << 10;
  options.send_queue_bytes_max = 4U << 20;
  options.send_queue_bytes_max_total = 256U << 20;
  // Some hundred people may share an IPv4 address (RFC 6269): as many as open pages at once, not as one machine can.
  options.limits.connections_per_address = 256;
  options.limits.accepts_per_second_per_address = 100;
  options.limits.accepts_burst_per_address = 512;
  // For the whole server, whatever its cores: below what one core accepts and serves briefly, so that those who are
  // connected are not served late.
  options.limits.accepts_per_second = 20'000;
  return options;
}

}  // namespace iocpp
