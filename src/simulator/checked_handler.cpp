#include "simulator/checked_handler.hpp"

#include <algorithm>

#include "base/native_codes.hpp"

namespace iocpp::simulator {

CheckedHandler::Witness& CheckedHandler::witness(Connection connection) {
  const std::uint32_t slot = connection.id().slot();
  if (slot >= witnesses_.size()) witnesses_.resize(std::max<std::size_t>(slot + 1, witnesses_.size() * 2));
  return witnesses_[slot];
}

/// Before and after each call; exceptions go on to the library, as they would.
template <class Call>
void CheckedHandler::call(Connection connection, What what, std::uint64_t value, Call&& inner_call) {
  const ConnectionId id = connection.id();
  machine_.note(what, id.slot(), value);
  if (closed_) machine_.violate(11, "a callback after on_server_close");
  const Witness& known = witness(connection);
  if (!known.live || known.id != id)
    machine_.violate(11, "a callback for a connection before on_connect or after on_disconnect");
  if (depth_ != 0) machine_.violate(13, "a callback inside another callback");
  if (connection.send_queue_bytes() > habits_.send_queue_bytes_max)
    machine_.violate(16, "a send queue is above its cap");
  if (habits_.slow_max.count() != 0 && one_in(machine_.streams.scheduler, 256))
    machine_.schedule.spend(delay(machine_.streams.scheduler, habits_.slow_max));
  struct Depth {
    unsigned& depth;
    ~Depth() { --depth; }
  };
  const Depth inside{++depth_};
  inner_call();
}

void CheckedHandler::on_connect(Connection connection) {
  Witness& known = witness(connection);
  if (known.live) machine_.violate(11, "on_connect for a slot whose connection has not ended");
  known = {.id = connection.id(), .live = true};
  ++live_;
  if (const Socket* socket = machine_.network.find(connection.native_handle());
      socket != nullptr && socket->kind == Socket::Kind::stream) {
    Link& link = machine_.network.link_of(*socket);
    link.served = true;
    known.number = link.number;
    known.link = socket->link;
    known.link_generation = link.generation;
  } else {
    machine_.violate(6, "a connection was made of a handle that names no connection");
  }
  call(connection, What::on_connect, known.number, [&] { inner_.on_connect(connection); });
}

void CheckedHandler::on_receive(Connection connection, std::span<const std::byte> bytes) {
  Witness& known = witness(connection);
  if (known.ended) machine_.violate(8, "bytes after the end of the peer's stream");
  if (bytes.empty()) machine_.violate(8, "on_receive without a byte");
  if (!pattern_.matches(known.number, known.received, bytes))
    machine_.violate(8, "a connection received bytes that its peer did not send, or out of order");
  known.received += bytes.size();
  call(connection, What::on_receive, bytes.size(), [&] { inner_.on_receive(connection, bytes); });
}

void CheckedHandler::on_sent(Connection connection, std::size_t bytes) {
  witness(connection).sent += bytes;
  call(connection, What::on_sent, bytes, [&] { inner_.on_sent(connection, bytes); });
}

void CheckedHandler::on_writable(Connection connection) {
  call(connection, What::on_writable, 0, [&] { inner_.on_writable(connection); });
}

void CheckedHandler::on_peer_shutdown(Connection connection) {
  Witness& known = witness(connection);
  if (known.ended) machine_.violate(11, "on_peer_shutdown twice");
  known.ended = true;
  call(connection, What::on_peer_shutdown, 0, [&] { inner_.on_peer_shutdown(connection); });
}

void CheckedHandler::on_disconnect(Connection connection, const Disconnect& how) {
  call(connection, What::on_disconnect, static_cast<std::uint64_t>(how.reason),
       [&] { inner_.on_disconnect(connection, how); });
  Witness& known = witness(connection);
  known.live = false;
  --live_;
}

void CheckedHandler::on_send_failed(ConnectionId id, std::vector<std::byte> bytes, std::error_code error) {
  ++sends_failed_;
  inner_.on_send_failed(id, std::move(bytes), error);
}

void CheckedHandler::on_server_error(const ServerError& error) {
  machine_.note(What::on_server_error, loop_, static_cast<std::uint64_t>(error.kind));
  if (depth_ != 0) machine_.violate(13, "on_server_error inside another callback");
  inner_.on_server_error(error);
}

void CheckedHandler::on_server_close() {
  machine_.note(What::on_server_close, loop_);
  if (closed_) machine_.violate(11, "on_server_close twice");
  if (live_ != 0) machine_.violate(11, "on_server_close before the last on_disconnect");
  closed_ = true;
  inner_.on_server_close();
}

ConnectionId CheckedHandler::some(std::uint32_t nth) const noexcept {
  if (witnesses_.empty()) return {};
  const Witness& known = witnesses_[nth % witnesses_.size()];
  return known.live ? known.id : ConnectionId{};
}

/// Null: the connection's end of it is gone.
Link* CheckedHandler::link_of(ConnectionId id) noexcept {
  const Witness& known = witnesses_[id.slot()];
  Link& link = machine_.network.link(known.link);
  return link.generation == known.link_generation ? &link : nullptr;
}

void CheckedHandler::spoil(ConnectionId id) noexcept {
  if (Link* link = link_of(id)) link->spoiled = true;
}

void CheckedHandler::reset(ConnectionId id) {
  if (link_of(id) == nullptr) return;
  const bool windows = machine_.system == System::iocp;
  machine_.network.reset_by_fault(witnesses_[id.slot()].link,
                                  windows ? windows_error::wsaeconnreset : linux_errno::connreset);
}

}  // namespace iocpp::simulator
