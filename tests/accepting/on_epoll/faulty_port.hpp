// The port that the accept suite of this program runs on.
#pragma once

#include "backend/epoll/port.hpp"
#include "support/faulty_epoll.hpp"

namespace iocpp::tests {

using FaultyPort = epoll::Port<FaultyEpollSys>;

}  // namespace iocpp::tests
