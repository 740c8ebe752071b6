#include "simulator/posting.hpp"

#include "iocpp/error.hpp"

namespace iocpp::simulator {

bool post(Machine& machine, engine::Mailbox& mailbox, std::unique_ptr<engine::Message> message, bool may_be_closed) {
  const std::size_t before = mailbox.bytes();
  const std::size_t weight = message->weight();
  const std::error_code refused = mailbox.put(message);
  if (!refused) return true;
  if (message == nullptr) machine.violate(10, "a message that was refused was kept");
  const bool full = refused == errc::would_block && before != 0 && before + weight > mailbox.bytes_max();
  if (!full && !(may_be_closed && refused == errc::closed)) machine.violate(14, "a mailbox with room takes no message");
  return false;
}

}  // namespace iocpp::simulator
