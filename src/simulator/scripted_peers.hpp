// Clients that do what a user's test has written down for them, and expect what it says.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "iocpp/simulator.hpp"
#include "simulator/machine.hpp"

namespace iocpp::simulator {

struct Step {
  enum class Kind : std::uint8_t {
    send,
    expect,
    expect_bytes,
    expect_line,
    expect_end,
    expect_reset,
    half_close,
    close,
    reset,
    vanish,
    read_slowly,
    wait,
    stay
  };
  Kind kind;
  std::string bytes{};
  std::size_t count = 0;
  std::chrono::nanoseconds time{};
  std::function<bool(std::string_view)> fits{};
};

struct ScriptHabits {
  std::chrono::nanoseconds patience = std::chrono::seconds{300};
  std::vector<std::uint32_t> absent{};
};

/// The network's client: tells `others` of their links.
class ScriptedPeers final : public Client {
 public:
  ScriptedPeers(Machine& machine, Client& others, ScriptHabits habits);

  /// Numbers in the network and in events, from here on, are scripted peers'.
  static constexpr std::uint32_t first_number = 1'000'000;

  std::uint32_t add(std::chrono::nanoseconds delay);
  void append(std::uint32_t index, Step step);
  /// An event of kind `peer`, of a scripted one.
  void on_event(const Event& event);
  void link_changed(std::uint32_t number) override;

  /// All scripts are done, but for the part that waits for the drain.
  bool all_done() const noexcept;
  /// Those that do not wait for the drain close.
  void leave();
  void server_drains();
  /// Of those that wait for the drain, how many are connected.
  std::uint32_t staying() const noexcept;
  /// After the drain: a script that is not done is a violation.
  void check_done();

  std::string_view received(std::uint32_t index) const { return peers_[index].received; }
  /// Of those bytes, the ones that steps have taken.
  std::string_view checked(std::uint32_t index) const { return received(index).substr(0, peers_[index].checked); }
  PeerEnd end(std::uint32_t index) const { return peers_[index].end; }
  bool done(std::uint32_t index) const noexcept { return peers_[index].at == peers_[index].steps.size(); }
  std::uint64_t connections() const noexcept { return connections_; }
  /// Scripts that were begun, and those of them whose rest was dropped.
  std::uint64_t begun() const noexcept;
  std::uint64_t dropped() const noexcept;
  /// Whether the connection's peer sent these bytes there.
  bool matches(std::uint32_t number, std::uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  struct Peer {
    std::uint32_t link = no_index;
    std::uint32_t generation = 1;  ///< Of its event.
    bool due = false;
    bool connected = false;  ///< It has tried to.
    bool begun = false;      ///< The step that is next has its deadline.
    bool absent = false;     ///< It never connects.
    bool by_fault = false;   ///< Its end was a fault's doing.
    bool dropped = false;    ///< ... and so the rest of its script was.
    PeerEnd end = PeerEnd::none;
    TimePoint due_at{};
    TimePoint knocked_at{};
    TimePoint deadline{};
    TimePoint reads_again{};
    std::size_t read_most = SIZE_MAX;
    std::chrono::nanoseconds read_pause{};
    std::size_t at = 0;       ///< The step that is next.
    std::size_t written = 0;  ///< Of a step that sends.
    std::size_t checked = 0;  ///< Of what was received.
    std::deque<Step> steps;
    std::string sent;
    std::string received;
  };
  enum class Progress : std::uint8_t { done, waits };

  void wake(std::uint32_t index, std::chrono::nanoseconds after);
  void connect(std::uint32_t index);
  void read(std::uint32_t index, Peer& peer);
  void note_end(Peer& peer);
  bool by_fault(const Peer& peer, const Link& link) const noexcept;
  bool settled(const Peer& peer) const noexcept;
  void go_on(std::uint32_t index, Peer& peer);
  void begin(std::uint32_t index, Peer& peer, const Step& step);
  Progress perform(std::uint32_t index, Peer& peer, const Step& step);
  Progress send(std::uint32_t index, Peer& peer, const Step& step);
  Progress expect(std::uint32_t index, Peer& peer, const Step& step);
  Progress expect_line(std::uint32_t index, Peer& peer, const Step& step);
  bool fits(std::uint32_t index, const Peer& peer, const Step& step, std::string_view line);
  Progress expect_end(std::uint32_t index, Peer& peer, const Step& step, PeerEnd wanted);
  Progress lost(std::uint32_t index, Peer& peer, const Step& step, bool wrong = false);
  void leave(Peer& peer, Step::Kind how);

  Machine& machine_;
  Client& others_;
  ScriptHabits habits_;
  std::deque<Peer> peers_;
  std::uint64_t connections_ = 0;
  bool draining_ = false;
};

}  // namespace iocpp::simulator
