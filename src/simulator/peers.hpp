// The clients: each seeded behaviour a real one may have, and what each may expect of the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "simulator/machine.hpp"
#include "simulator/pattern.hpp"

namespace iocpp::simulator {

enum class Behaviour : std::uint8_t {
  echo,         ///< Sends, reads everything back, ends its stream, awaits the server's end.
  early_end,    ///< Ends its stream right after its bytes, and reads everything back then.
  reset_first,  ///< Resets as soon as it is connected.
  reset_later,  ///< Resets after some bytes.
  close_first,  ///< Closes as soon as it is connected.
  close_later,  ///< Closes after some bytes, whatever is unread.
  slow,         ///< Reads little, rarely.
  deaf,         ///< Sends and never reads; leaves after a while.
  silent,       ///< Sends nothing; leaves after a while.
  trickle,      ///< Sends a byte now and then.
  vanish        ///< Its machine is gone after some bytes.
};

struct PeerHabits {
  std::uint32_t connections = 1000;  ///< In all.
  std::uint32_t at_once = 32;        ///< At most.
  std::uint32_t bytes_max = 4096;    ///< A connection's, as a rule; one in sixteen sends up to sixteen times as much.
  std::chrono::nanoseconds pause_max = std::chrono::microseconds{500};
  bool expects_echo = true;
  std::optional<Behaviour> mostly{};  ///< Three of four.
  std::chrono::nanoseconds stays_max = std::chrono::seconds{2};              ///< For whoever says nothing.
  std::chrono::nanoseconds slow_pause_max = std::chrono::milliseconds{100};  ///< ... reads little, so rarely.
  std::chrono::nanoseconds trickle_pause{};                                  ///< 0: nobody trickles.
};

class Peers final : public Client {
 public:
  Peers(Machine& machine, const PeerHabits& habits);

  /// The clients begin.
  void start();
  /// An event of kind `peer`.
  void on_event(const Event& event);
  void link_changed(std::uint32_t peer) override;

  /// `count` connections that must be served in full.
  void probe(std::uint32_t count);
  /// Whoever would stay for long leaves now.
  void leave();
  /// `count` connections that stay silent until the server ends them.
  void stay(std::uint32_t count);
  /// `count` connections more, of any behaviour.
  void arrive(std::uint32_t count);
  /// From now on the server may end connections.
  void server_drains() noexcept { draining_ = true; }

  bool all_done() const noexcept { return busy_ == 0 && left_ == 0; }
  std::uint64_t connections() const noexcept { return started_; }
  std::uint64_t finished() const noexcept { return started_ - busy_; }
  std::uint64_t served() const noexcept { return served_; }
  const Pattern& pattern() const noexcept { return pattern_; }

 private:
  struct Peer {
    std::uint32_t link = no_index;
    std::uint32_t generation = 1;  ///< Of its event.
    std::uint32_t number = 0;      ///< Its connection's.
    Behaviour behaviour = Behaviour::echo;
    bool due = false;  ///< Its event is scheduled.
    bool probe = false;
    std::uint64_t total = 0;  ///< What it sends.
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t limit = 0;  ///< Where it resets, closes or vanishes.
    TimePoint stays_until{};
    TimePoint outstays_until{};
    TimePoint sends_at{};  ///< trickle: not sooner.
  };

  void wake(std::uint32_t index, std::chrono::nanoseconds after);
  void connect(std::uint32_t index);
  void draw(Peer& peer);
  void act(std::uint32_t index);
  bool leaves(Peer& peer);
  bool outstays(Peer& peer);
  void send(std::uint32_t index, Peer& peer);
  void trickle(std::uint32_t index, Peer& peer);
  void receive(Peer& peer, std::size_t most);
  void lost(std::uint32_t index, Peer& peer);
  void ended(std::uint32_t index, Peer& peer);
  void finish(std::uint32_t index, Peer& peer);
  bool owed(const Peer& peer) const noexcept;

  Machine& machine_;
  PeerHabits habits_;
  Pattern pattern_;
  std::vector<Peer> peers_;
  std::vector<std::byte> buffer_;
  std::uint64_t left_ = 0;     ///< Connections to be started.
  std::uint32_t busy_ = 0;     ///< Peers with a connection.
  std::uint32_t staying_ = 0;  ///< Of the next connections, so many are silent.
  std::uint64_t started_ = 0;
  std::uint64_t served_ = 0;
  bool draining_ = false;
  bool probing_ = false;
  bool hurry_ = false;
};

}  // namespace iocpp::simulator
