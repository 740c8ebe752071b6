#include "stress/exchange.hpp"

#include <array>
#include <cassert>

#include "stress/pattern.hpp"

namespace stress {
namespace {

constexpr unsigned size_min = 16;
constexpr unsigned size_max = 64;

}  // namespace

void Exchange::begin(const Dialer& dialer, std::uint64_t connection, Kind kind) {
  assert(finished());
  connection_ = connection;
  kind_ = kind;
  fault_.reset();
  wrong_answer_ = {};
  size_ = size_min + static_cast<unsigned>(mix(connection) % (size_max - size_min + 1));
  sent_ = 0;
  received_ = 0;
  state_ = State::connecting;
  established_ = false;
  answered_ = false;
  on_connect(dialer.begin(connection, socket_));
}

void Exchange::advance(const Dialer& dialer) {
  if (state_ == State::connecting) {
    on_connect(dialer.finish(socket_));
    return;
  }
  send_rest();
  receive();
}

void Exchange::time_out() {
  if (!finished()) end(established_ ? Fault::timed_out : Fault::connect_timed_out);
}

void Exchange::on_connect(Outcome outcome) {
  if (outcome == Outcome::again) return;
  // A reset can only hit a connection that was established: before, the same packet means "refused" (RFC
  // 9293 3.10.7.3).
  established_ = outcome == Outcome::done || outcome == Outcome::reset;
  answered_ = outcome == Outcome::reset;
  if (outcome != Outcome::done) {
    end(connect_fault(outcome));
  } else if (kind_ == Kind::reset_at_once) {
    end(std::nullopt);
  } else {
    state_ = State::echoing;
    send_rest();
  }
}

void Exchange::send_rest() {
  if (state_ != State::echoing || sent_ == size_) return;
  std::array<std::byte, size_max> space;
  const auto message = std::span{space}.first(size_);
  Pattern{connection_}.fill(0, message);
  const Transfer transfer = socket_.send(message.subspan(sent_));
  sent_ += static_cast<unsigned>(transfer.bytes);
  if (transfer.outcome == Outcome::done || transfer.outcome == Outcome::again) return;
  answered_ = true;
  end(stream_fault(transfer.outcome, received_ != 0));
}

void Exchange::receive() {
  while (state_ == State::echoing || state_ == State::ending) {
    std::array<std::byte, 2 * size_max> space;
    const Transfer transfer = socket_.receive(space);
    if (transfer.outcome == Outcome::again) return;
    answered_ = true;
    if (transfer.outcome == Outcome::done) {
      on_received(std::span{space}.first(transfer.bytes));
    } else if (state_ == State::echoing) {
      end(stream_fault(transfer.outcome, received_ != 0));
    } else if (transfer.outcome == Outcome::ended) {
      end(std::nullopt);
    } else {
      end(transfer.outcome == Outcome::reset ? Fault::reset_after_echo : Fault::other);
    }
  }
}

void Exchange::on_received(std::span<const std::byte> bytes) {
  // An echo that is not all sent can't be complete, so it is checked against `size_`, not against `sent_`.
  if (bytes.size() > size_ - received_ || !Pattern{connection_}.matches(received_, bytes)) {
    if (received_ == 0) wrong_answer_.note(bytes);
    end(Fault::wrong_bytes);
    return;
  }
  received_ += static_cast<unsigned>(bytes.size());
  if (received_ != size_) return;
  socket_.shutdown_send();
  state_ = State::ending;
}

void Exchange::end(std::optional<Fault> fault) {
  fault_ = fault;
  const bool in_order = state_ == State::ending && !fault;
  state_ = State::finished;
  if (in_order) {
    socket_.close();
  } else if (socket_.is_open()) {
    socket_.reset();
  }
}

}  // namespace stress
