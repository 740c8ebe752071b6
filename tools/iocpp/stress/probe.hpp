// New connections that must be served.
#pragma once

#include "stress/dialer.hpp"
#include "stress/storm.hpp"

namespace stress {

/// Makes `options.probes` connections, one after another, from echo to end, and stops at the first that is not served.
ProbeResult probe(const Dialer& dialer, const StormOptions& options);

}  // namespace stress
