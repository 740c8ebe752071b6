// What the simulator's own handlers do besides what is asked of them.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "simulator/checked_handler.hpp"

namespace iocpp::simulator {

/// What handlers do now and then: pause, throw, close when they have answered, end their own stream.
void CheckedHandler::whims(Connection connection) {
  if (!habits_.known || calm_ || habits_.whim_of == 0) return;
  Prng& chance = machine_.streams.scheduler;
  const std::uint64_t drawn = chance.below(habits_.whim_of);
  if (habits_.timers) start_timers(connection, drawn);
  // Of what is in the mailbox when it closes nobody knows how much goes out.
  if (drawn > (habits_.by_mailbox ? 1U : 5U)) return;
  Witness& known = witness(connection);
  Link* link = link_of(known.id);
  if (drawn <= 1) {
    known.paused = true;
    known.times.held();
    paused_.push_back(connection);
    return connection.pause_receive();
  }
  if (link == nullptr) return;
  if (drawn == 2) {
    link->spoiled = known.threw = true;
    throw std::runtime_error{"a handler's own exception"};
  }
  // Its client gets what was accepted until now, and then the end: whatever else it sends is not answered.
  if (!link->promised) link->promised = known.received;
  if (drawn == 3) {
    known.shut = true;
    return connection.shutdown_send();
  }
  known.closed = link->closed_on = true;
  known.has_timer = false;
  // A deadline counts from here, however late in the turn it is.
  if (habits_.slow_max.count() != 0) machine_.schedule.spend(delay(chance, habits_.slow_max));
  connection.close();
}

void CheckedHandler::resume_paused() {
  for (const Connection connection : std::exchange(paused_, {})) {
    Witness& known = witness(connection);
    if (known.live && known.id == connection.id()) known.paused = false;
    connection.resume_receive();
  }
}

}  // namespace iocpp::simulator
