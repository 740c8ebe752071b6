// The port that the accept suite of this program runs on.
#pragma once

#include "backend/io_uring/port.hpp"
#include "support/faulty_sys.hpp"

namespace iocpp::tests {

using FaultyPort = io_uring::Port<FaultySys>;

}  // namespace iocpp::tests
