// Messages from other threads, and what a mailbox may say of them.
#pragma once

#include <memory>

#include "engine/mailbox.hpp"
#include "simulator/machine.hpp"

namespace iocpp::simulator {

/// Puts the message, as another thread would. False: the mailbox did not take it; that it had no right to is a
/// violation. `may_be_closed`: the loop may have drained.
bool post(Machine& machine, engine::Mailbox& mailbox, std::unique_ptr<engine::Message> message, bool may_be_closed);

}  // namespace iocpp::simulator
