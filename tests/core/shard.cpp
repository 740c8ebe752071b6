#include "core/shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

namespace iocpp::core {
namespace {

int port_is_handle(NativeHandle handle, Address& address) noexcept {
  address = {.family = Address::Family::ipv4, .port = static_cast<std::uint16_t>(handle)};
  return 0;
}

CoreConfig of_this_system(CoreConfig config) {
  config.platform = tests::native::platform;
  if (config.peer_name == nullptr) config.peer_name = port_is_handle;
  return config;
}

}  // namespace

Shard::Shard(Handler& handler, const CoreConfig& config, std::size_t connections_max)
    : gate_{{.connections_max = connections_max}}, core_{of_this_system(config), gate_, *this} {
  core_.begin({&handler}, now_);
}

Shard::~Shard() {
  room = ~0U;
  core_.begin_drain();
  core_.cut_drain();
  turn();
  run_out();
  EXPECT_EQ(core_.connections(), 0U) << "a connection that cannot be ended";
  EXPECT_EQ(core_.counters().connections_open.get(), 0U);
  for (const auto& [id, wire] : wires_) EXPECT_TRUE(wire.closed) << "a handle that was never closed";
}

Connection Shard::connect() {
  const NativeHandle handle = next_handle_;
  EXPECT_TRUE(try_connect());
  return core_.connection(by_handle_.at(handle));
}

bool Shard::try_connect() {
  const bool adopted = try_adopt(next_handle_++);
  end_turn();
  return adopted;
}

bool Shard::try_adopt(NativeHandle handle) {
  const Admission admission = gate_.admit(now_);
  if (admission.refused) return false;
  if (core_.adopt(handle, 0, admission.place)) return true;
  gate_.give_back(admission.place);
  return false;
}

Completion Shard::completion_of(Operation operation, Connection connection) const {
  Completion completion{};
  completion.operation = operation;
  completion.target = connection.id().slot();
  completion.generation = connection.id().generation();
  return completion;
}

void Shard::arrives(Connection connection, std::string_view bytes, bool more) {
  ASSERT_TRUE(wire(connection).receiving) << "nobody receives";
  wire(connection).receiving = more;
  // A copy that dies with the turn, as the system's buffer does.
  const std::uint16_t buffer = next_buffer_++;
  const auto& lent = buffers_[buffer] = std::make_unique<std::byte[]>(bytes.size());
  std::ranges::copy(std::as_bytes(std::span{bytes}), lent.get());
  Completion received = completion_of(Operation::receive, connection);
  received.more = more;
  received.bytes = static_cast<std::uint32_t>(bytes.size());
  received.received = lent.get();
  received.buffer = buffer;
  core_.on_receive(received);
  end_turn();
}

void Shard::peer_ends(Connection connection) {
  ASSERT_TRUE(wire(connection).receiving) << "nobody receives";
  wire(connection).receiving = false;
  core_.on_receive(completion_of(Operation::receive, connection));
  end_turn();
}

void Shard::receive_fails(Connection connection, int error, bool more) {
  ASSERT_TRUE(wire(connection).receiving) << "nobody receives";
  wire(connection).receiving = more;
  Completion failed = completion_of(Operation::receive, connection);
  failed.more = more;
  failed.error = error;
  core_.on_receive(failed);
  end_turn();
}

void Shard::sent(Connection connection, std::size_t bytes) {
  end_send(connection, 0, bytes);
}

void Shard::send_fails(Connection connection, int error, std::size_t bytes) {
  end_send(connection, error, bytes);
}

void Shard::end_send(Connection connection, int error, std::size_t bytes) {
  Wire& ended = wire(connection);
  ASSERT_TRUE(ended.sending) << "nothing is being sent";
  ended.sending = false;
  std::string bytes_now;
  for (const Buffer& buffer : ended.in_flight) {
    bytes_now.append(reinterpret_cast<const char*>(buffer.bytes), buffer.size);
  }
  EXPECT_EQ(bytes_now, ended.in_flight_bytes) << "bytes changed while the system was reading them";
  ASSERT_LE(bytes, bytes_now.size());
  ended.sent += bytes_now.substr(0, bytes);
  Completion done = completion_of(Operation::send, connection);
  done.error = error;
  done.bytes = static_cast<std::uint32_t>(bytes);
  ended.lent_from.reset();  // the bytes stay until the end of this turn
  core_.on_send(done);
  end_turn();
}

void Shard::sent_all(Connection connection) {
  for (int sends = 0; wire(connection).sending; ++sends) {
    ASSERT_LT(sends, 10'000);
    sent(connection, wire(connection).in_flight_bytes.size());
  }
}

void Shard::cancels_end() {
  for (auto& [id, wire] : wires_) {
    const Connection connection = core_.connection(ConnectionId::from_value(id));
    if (wire.receiving && wire.receive_cancelled) receive_fails(connection, cancelled);
    if (wire.sending && wire.send_cancelled) send_fails(connection, cancelled);
  }
}

void Shard::closes_end() {
  for (auto& [id, wire] : wires_) {
    if (!wire.closing) continue;
    wire.closing = false;
    wire.closed = true;
    core_.on_close(completion_of(Operation::close, core_.connection(ConnectionId::from_value(id))));
    end_turn();
  }
}

void Shard::run_out() {
  const auto pending = [this] {
    return std::ranges::any_of(wires_, [](const auto& entry) {
      const Wire& wire = entry.second;
      return (wire.receiving && wire.receive_cancelled) || (wire.sending && wire.send_cancelled) || wire.closing;
    });
  };
  for (int rounds = 0; pending(); ++rounds) {
    ASSERT_LT(rounds, 1000);
    cancels_end();
    closes_end();
  }
}

void Shard::stale(Operation operation, Connection connection) {
  const Completion late = completion_of(operation, connection);
  if (operation == Operation::receive) core_.on_receive(late);
  if (operation == Operation::send) core_.on_send(late);
  if (operation == Operation::close) core_.on_close(late);
  end_turn();
}

void Shard::in_one_turn(const std::function<void()>& events) {
  in_turn_ = true;
  events();
  in_turn_ = false;
  flush();
}

void Shard::turn() {
  flush();
}

void Shard::end_turn() {
  if (!in_turn_) flush();
}

void Shard::pass(std::chrono::nanoseconds span) {
  const TimePoint until = now_ + span;
  while (core_.next_deadline() && *core_.next_deadline() <= until) {
    if (*core_.next_deadline() > now_) {
      now_ = *core_.next_deadline();
      posts_at_this_instant = 0;
    }
    core_.timers().expire(now_, [this](Timer& timer) { core_.on_timer(timer); });
    flush();
  }
  if (until > now_) posts_at_this_instant = 0;
  now_ = until;
}

Wire& Shard::wire(Connection connection) {
  return wires_[connection.id().value()];
}

unsigned Shard::lent_posted() const {
  unsigned posted = 0;
  for (const auto& [id, wire] : wires_) posted += wire.lent_posted;
  return posted;
}

/// What the engine does at the end of a turn.
void Shard::flush() {
  room_left_ = room;
  while (Slot* slot = core_.next_dirty()) {
    ASSERT_NE(slot->state, SlotState::free) << "a slot that nobody uses is marked";
    const ConnectionId id{0, slot->index, slot->generation};
    by_handle_.try_emplace(slot->handle, id);
    core_.settle(*slot);
    if (post(*slot)) continue;
    core_.mark_dirty(*slot);
    core_.keep_lent();
    break;
  }
  recycle();
}

/// What was received is gone now, but where a send reads it.
void Shard::recycle() {
  std::erase_if(buffers_, [this](const auto& buffer) {
    return std::ranges::none_of(wires_, [&](const auto& wire) { return wire.second.lent_from == buffer.first; });
  });
}

bool Shard::has_room() {
  if (room_left_ == 0) return false;
  --room_left_;
  return true;
}

bool Shard::post(Slot& slot) {
  Wire& wire = wires_[ConnectionId{0, slot.index, slot.generation}.value()];
  EXPECT_FALSE(wire.closed || wire.closing) << "a closed connection is marked";
  if (slot.wants_receive_cancel()) {
    if (!has_room()) return false;
    slot.receive_cancelling = wire.receive_cancelled = true;
  }
  if (slot.wants_send_cancel()) {
    if (!has_room()) return false;
    slot.send_cancelling = wire.send_cancelled = true;
  }
  if (slot.wants_send()) {
    if (!has_room()) return false;
    post_send(slot, wire);
  }
  if (slot.wants_end()) {
    EXPECT_FALSE(wire.stream_ended);
    slot.end_sent = wire.stream_ended = true;
  }
  if (slot.wants_receive()) {
    if (!has_room()) return false;
    EXPECT_FALSE(wire.receiving);
    wire.receiving = true;
    wire.receive_cancelled = false;
    ++wire.receives_posted;
    ++posts_at_this_instant;
    slot.receive_posted();
  }
  if (slot.wants_close()) {
    if (!has_room()) return false;
    EXPECT_FALSE(wire.receiving || wire.sending);
    wire.closing = true;
    wire.reset = slot.reset;
    slot.close_posted();
  }
  return true;
}

void Shard::post_send(Slot& slot, Wire& wire) {
  EXPECT_FALSE(wire.sending);
  EXPECT_FALSE(wire.stream_ended) << "bytes after the end of the stream";
  std::array<Buffer, 64> buffers;
  const std::size_t count = slot.send_queue.gather(buffers);
  wire.in_flight.assign(buffers.begin(), buffers.begin() + static_cast<std::ptrdiff_t>(count));
  wire.in_flight_bytes.clear();
  for (const Buffer& buffer : wire.in_flight) {
    wire.in_flight_bytes.append(reinterpret_cast<const char*>(buffer.bytes), buffer.size);
  }
  wire.sending = true;
  wire.send_cancelled = false;
  if (slot.lent) {
    wire.lent_from = slot.send_queue.lent()->buffer;
    ASSERT_TRUE(buffers_.contains(*wire.lent_from)) << "lent bytes that are gone";
    ++wire.lent_posted;
  }
  ++wire.sends_posted;
  ++posts_at_this_instant;
  slot.send_posted(wire.in_flight_bytes.size());
  if (count != 1 || !core_.may_send_quietly(slot, wire.in_flight_bytes.size())) return;
  core_.quiet_send_posted(slot);
  ++wire.quiet_posted;
}

}  // namespace iocpp::core
