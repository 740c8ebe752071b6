#include "iocpp/systemd.hpp"

namespace iocpp {

std::vector<Listen> listeners_from_systemd() {
  return {};
}

}  // namespace iocpp
