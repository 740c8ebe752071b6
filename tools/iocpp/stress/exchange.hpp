// One short connection: the storm's grain.
#pragma once

#include <cstdint>
#include <optional>

#include "stress/dialer.hpp"
#include "stress/fault.hpp"

namespace stress {

/// Connects, and then either resets at once or sends 16 to 64 bytes, checks their echo, ends its stream and waits for
/// the server's end. It has no loop of its own: `begin` and `advance` go as far as the system lets them. One thread.
class Exchange {
 public:
  /// What the connection does once it is established.
  enum class Kind : std::uint8_t { reset_at_once, echo };

  /// Begins connection number `connection`; the one before must be finished.
  void begin(const Dialer& dialer, std::uint64_t connection, Kind kind);

  /// Goes on after the poller has reported the socket.
  void advance(const Dialer& dialer);

  /// Gives up: the connection did not go on in time.
  void time_out();

  const Socket& socket() const noexcept { return socket_; }
  Kind kind() const noexcept { return kind_; }
  bool finished() const noexcept { return state_ == State::finished; }
  /// The system has reported the connection as established, whatever came then.
  bool established() const noexcept { return established_; }
  /// The server has shown that it accepted the connection: by bytes, an end or a reset.
  bool answered() const noexcept { return answered_; }
  /// Every byte came back.
  bool echoed() const noexcept { return received_ == size_; }
  std::optional<Fault> fault() const noexcept { return fault_; }
  const WrongAnswer& wrong_answer() const noexcept { return wrong_answer_; }

  /// Grows whenever the connection gets on; for time limits.
  unsigned progress() const noexcept { return static_cast<unsigned>(state_) + sent_ + received_; }

 private:
  enum class State : std::uint8_t { connecting, echoing, ending, finished };

  void on_connect(Outcome outcome);
  void send_rest();
  void receive();
  void on_received(std::span<const std::byte> bytes);
  void end(std::optional<Fault> fault);

  Socket socket_;
  std::uint64_t connection_ = 0;
  std::optional<Fault> fault_;
  WrongAnswer wrong_answer_;
  unsigned size_ = 0;
  unsigned sent_ = 0;
  unsigned received_ = 0;
  Kind kind_ = Kind::echo;
  State state_ = State::finished;
  bool established_ = false;
  bool answered_ = false;
};

}  // namespace stress
