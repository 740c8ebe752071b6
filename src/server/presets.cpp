// Options for two kinds of networks; the reasons are in the comments of what they set.
#include "iocpp/options.hpp"

namespace iocpp {

Options Options::public_internet() {
  Options options;
  // Some hundred people may share an IPv4 address (RFC 6269): as many as open pages at once, not as one machine can.
  options.limits.connections_per_address = 256;
  options.limits.accepts_per_second_per_address = 100;
  options.limits.accepts_burst_per_address = 512;
  // What a core can accept and serve briefly; beyond, those who are connected would be served late.
  options.limits.accepts_per_second = 20'000;
  return options;
}

}  // namespace iocpp
