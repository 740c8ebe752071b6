// The IOCP port in the conformance suite: on Linux over completion ports that are made of its own sockets, on Windows
// over the system's.
#pragma once

#include "backend/iocp/port.hpp"
#include "conformance/world.hpp"
#ifdef _WIN32
#include "backend/iocp/sys.hpp"
#else
#include "support/iocp_on_linux.hpp"
#endif

namespace iocpp::tests {

#ifdef _WIN32
using RealIocp = RealWorld<iocp::Port<iocp::Sys>>;
#else
/// Whether operations complete in the posting call, and whether that posts a packet, is the system's choice.
template <bool at_once, bool skips_packets>
class IocpWithHabits : public IocpOnLinux {
 public:
  IocpWithHabits() : IocpOnLinux{{.at_once = at_once, .skips_packets = skips_packets}} {}
};

using IocpLater = RealWorld<iocp::Port<IocpWithHabits<false, false>>>;
using IocpAtOnce = RealWorld<iocp::Port<IocpWithHabits<true, false>>>;
using IocpAtOnceWithoutPacket = RealWorld<iocp::Port<IocpWithHabits<true, true>>>;
#endif

}  // namespace iocpp::tests
