// Which backend the suites of the public API run on.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "iocpp/options.hpp"

namespace iocpp::tests {

/// CTest runs these suites once for each backend, and says so by an environment variable that processes which a test
/// starts inherit. Without it: the one that a server chooses by itself.
inline Backend backend_under_test() {
  const char* text = std::getenv("IOCPP_TEST_BACKEND");
  const std::string name = text == nullptr ? "automatic" : text;
  for (const Backend backend : {Backend::automatic, Backend::io_uring, Backend::epoll}) {
    if (name == to_string(backend)) return backend;
  }
  throw std::runtime_error("IOCPP_TEST_BACKEND: no backend has the name " + name);
}

}  // namespace iocpp::tests
