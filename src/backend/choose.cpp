#include "backend/choose.hpp"

namespace iocpp {

std::string_view to_string(Backend backend) noexcept {
  switch (backend) {
    case Backend::automatic:
      return "automatic";
    case Backend::io_uring:
      return "io_uring";
    case Backend::epoll:
      return "epoll";
    case Backend::iocp:
      return "iocp";
  }
  return "";
}

}  // namespace iocpp
