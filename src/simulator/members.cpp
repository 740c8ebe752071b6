// The loops of a run, as a server would make them, each with what it serves.
#include "base/native_codes.hpp"
#include "simulator/run.hpp"

namespace iocpp::simulator {

/// As `Server` does: each shard has a listener of its own, or one loop accepts for all.
void Run::make_members() {
  const bool shares = plan_.platform != Platform::iocp;
  const bool accept_loop = draft_.accept_loop || (draft_.shards > 1 && !shares);
  members_.reserve(draft_.shards + 1);
  for (unsigned number = 0; number < draft_.shards; ++number) make_member(number, !accept_loop, false);
  for (Member& member : members_) group_.loops.push_back(&member.shard->loop());
  if (accept_loop) {
    make_member(draft_.shards, true, true);
    group_.placing = true;
  }
  machine_.accepts_at_once = draft_.accepts_in_flight;
  machine_.accept_wait_max = stop_slack();
  for (unsigned number = accept_loop ? draft_.shards : 0; number < members_.size(); ++number)
    group_.acceptors.push_back(&members_[number].shard->loop());
}

HandlerHabits Run::habits_of(const Member& member, unsigned number) {
  HandlerHabits habits = draft_.handler;
  habits.known = member.inner == nullptr && plan_.shared_handler == nullptr;
  habits.by_mailbox = habits.by_mailbox && habits.known;
  habits.send_queue_bytes_high = draft_.core.pause_receive_above_high ? draft_.core.send_queue_bytes_high : SIZE_MAX;
  if (draft_.limits.connections_per_address != 0)
    habits.connections_per_address = draft_.limits.connections_per_address;
  habits.linger_bytes_max = draft_.core.linger_bytes_max;
  habits.receive_buffer = draft_.habits.network.receive_buffer;
  // While a callback is slow, io_uring goes on receiving into all the buffers that it has.
  if (plan_.platform == Platform::io_uring) habits.receive_buffer += config_of(number).backend.receive_ring_bytes_max;
  habits.writable_above = draft_.core.send_queue_bytes_high;
  habits.writable_below = draft_.core.send_queue_bytes_low;
  habits.send_queue_bytes_max = draft_.core.send_queue_bytes_max;
  habits.deadlines = draft_.core.deadlines;
  habits.total_capped = draft_.send_bytes_max_total != 0;
  habits.messages = habits.messages && habits.known;
  habits.message_bytes = habits.known && !habits.messages ? habits.message_bytes : 0;
  habits.timers = habits.timers && habits.known;
  return habits;
}

void Run::make_member(unsigned number, bool accepts, bool places) {
  engine::EngineConfig config = config_of(number);
  if (accepts) config.listeners = {machine_.network.listen()};
  if (places) config.placement = core::Placement::fewest_connections;
  Member& member = members_.emplace_back();
  member.shard = make_shard_(config, group_, machine_, number);
  if (plan_.handler && !places) member.inner = plan_.handler(number);
  if (draft_.scripted && places) member.inner = errors_to_shard();
  const HandlerHabits habits = habits_of(member, number);
  MailboxEcho* by_mailbox = nullptr;
  if (habits.by_mailbox) {
    auto echo = std::make_unique<MailboxEcho>(machine_, member.shard->loop().mailbox());
    by_mailbox = echo.get();
    member.inner = std::move(echo);
  }
  Handler* own = member.inner ? member.inner.get() : plan_.shared_handler;
  member.handler =
      std::make_unique<CheckedHandler>(machine_, number, own != nullptr ? *own : echo_, peers_.pattern(), habits);
  if (by_mailbox != nullptr) by_mailbox->is_watched_by(*member.handler);
  if (scripted_) member.handler->know(*scripted_);
  if (accepts && !places) member.handler->watch_reserves(group_.reserves_out);
}

engine::EngineConfig Run::config_of(unsigned number) {
  engine::EngineConfig config;
  config.core = draft_.core;
  config.core.shard = number;
  config.core.stages = stages_.get();
  config.mailbox_bytes_max = draft_.mailbox_bytes_max;
  config.backend.receive_ring_bytes = draft_.receive_ring_bytes;
  config.backend.receive_ring_bytes_max = draft_.receive_ring_bytes * 4;
  config.backend.posted_receive_bytes = draft_.posted_receive_bytes;
  config.accepts_in_flight = draft_.accepts_in_flight;
  config.lend_bytes_min = draft_.lend_bytes_min;
  config.reopen_listener = [this](std::size_t, int& error) { return reopen(error); };
  return config;
}

NativeHandle Run::reopen(int& error) {
  error = machine_.inject(Site::reopen);
  if (error != 0) return no_handle;
  const NativeHandle handle = machine_.network.listen();
  if (handle == no_handle) error = plan_.platform == Platform::iocp ? windows_error::wsaemfile : linux_errno::mfile;
  return handle;
}

}  // namespace iocpp::simulator
