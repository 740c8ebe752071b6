// How user code is called for a connection.
#pragma once

#include "core/core.hpp"

namespace iocpp::core {

/// An exception ends the connection that it came from, and nothing else.
template <class Call>
void Core::call_handler(Slot& slot, Call&& call) {
  try {
    call(*handlers_[slot.listener]);
  } catch (...) {
    counters_.handler_exceptions.add();
    end(slot, DisconnectReason::handler_threw, 0, true);
  }
}

}  // namespace iocpp::core
