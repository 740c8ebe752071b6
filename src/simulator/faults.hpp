// What goes wrong: a table of cells (site, error, system), each counted, with a rate, episodes, and scripts.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "core/platform.hpp"
#include "simulator/fault_ranges.hpp"
#include "simulator/random.hpp"

namespace iocpp::simulator {

/// Where a fault can come in: one question of the simulated kernels or network. Each is asked at one place a system.
enum class Site : std::uint8_t {
  accept_post,     ///< AcceptEx fails in the call.
  accept,          ///< An accept completes with an error.
  accept_ends,     ///< A multishot accept ends with a success.
  accept_context,  ///< SO_UPDATE_ACCEPT_CONTEXT.
  receive_post,    ///< A receive fails in the call, or at once.
  receive,         ///< A receive completes with an error.
  receive_ends,    ///< A multishot receive ends with bytes.
  receive_short,   ///< Fewer bytes than there are.
  send,            ///< A send completes with an error.
  send_short,      ///< Fewer bytes than there is room for.
  cancel_late,     ///< A cancel comes too late: what was cancelled goes one more step.
  cancel_post,     ///< The cancel itself fails, or says that it does.
  submit,          ///< The kernel takes no submissions now.
  wait,            ///< The wait fails.
  entry_lost,      ///< An entry that the full ring has no room for is lost.
  watch,           ///< A registration fails.
  spurious,        ///< An event that nothing happened for.
  make_socket,     ///< No socket for the next accept.
  attach,          ///< An accepted socket can't be associated.
  nonblocking,     ///< A socket can't be made so before its first read.
  wake,            ///< PostQueuedCompletionStatus fails.
  reopen,          ///< A listener can't be made anew.
  peer_name,       ///< getpeername fails.
  handle_limit,    ///< The process's handles are used up for a while.
  client_reset,    ///< The network resets a connection.
  count
};

enum class Level : std::uint8_t { none, light, heavy };

std::string_view to_string(Site site) noexcept;

/// Whether clients that have no connection yet may have to wait for it, or be refused.
bool keeps_clients_waiting(Site site) noexcept;

enum class System : std::uint8_t { any, linux_all, io_uring, epoll, iocp };

/// One row of the table. `error` is the native one; 0 where the site is a yes-or-no question.
struct Cell {
  Site site;
  System system;
  int error;
  std::uint8_t share = 1;  ///< Of the site's faults, relative to the other cells.
  bool episodes = false;   ///< May last.
};

std::span<const Cell> fault_cells() noexcept;
bool reachable(System system, const Cell& cell) noexcept;

/// Of a run, in which a fault happens: until the first client has gone, and then. After `drain`, or in its place, there
/// is `heal`, which has none.
enum class Phase : std::uint8_t { accept, traffic, drain, heal, count };

std::string_view to_string(Phase phase) noexcept;

using PhaseCounts = std::array<std::uint64_t, static_cast<std::size_t>(Phase::count)>;

/// Asked by the kernels; answers with what is to go wrong. `counts()[n]` is how often cell n of `fault_cells()` has
/// happened.
class Faults {
 public:
  /// `system`: io_uring, epoll or iocp.
  Faults(System system, Level level, Prng prng);

  /// 0, or the native error that the site has now.
  int inject(Site site, TimePoint now) noexcept {
    State& state = sites_[static_cast<std::size_t>(site)];
    ++state.asked;
    if (state.threshold == 0 && !state.scripted) return 0;
    return draw(state, now);
  }
  /// For the yes-or-no sites.
  bool happens(Site site, TimePoint now) noexcept { return inject(site, now) != 0; }

  /// The `first`th question of the cell's site (from 0) is answered with the cell, and every `every`th after it, until
  /// it was `count` of them.
  void force(std::size_t cell, std::uint64_t first, std::uint64_t count, std::uint64_t every = 1);
  void limit_to(FaultRanges only) { only_ = std::move(only); }
  /// No fault from now on.
  void heal() noexcept;

  const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
  const std::vector<PhaseCounts>& counts_by_phase() const noexcept { return counts_by_phase_; }
  void begin(Phase phase) noexcept { phase_ = phase; }
  std::uint64_t injected() const noexcept { return injected_; }
  /// Those that chance would have had, with those that it was not let have.
  std::uint64_t drawn() const noexcept { return drawn_; }
  std::uint64_t asked(Site site) const noexcept { return sites_[static_cast<std::size_t>(site)].asked; }

  static constexpr int yes = 1;  ///< What `inject` answers for a cell without an error.

 private:
  struct State {
    std::uint32_t threshold = 0;  ///< Of 2^32.
    std::uint32_t shares = 0;
    bool scripted = false;
    std::uint64_t asked = 0;
    std::vector<std::uint16_t> cells;
    std::uint16_t episode_cell = 0;
    bool episode_is_total = false;
    TimePoint episode_end{};
  };
  struct Forced {
    Site site;
    std::uint16_t cell;
    std::uint64_t first;
    std::uint64_t count;
    std::uint64_t every;
  };

  int draw(State& state, TimePoint now) noexcept;
  int count(std::uint16_t cell) noexcept;
  bool barred(std::uint64_t number) noexcept;

  Prng prng_;
  std::array<State, static_cast<std::size_t>(Site::count)> sites_;
  std::vector<Forced> forced_;
  std::vector<std::uint64_t> counts_;
  std::vector<PhaseCounts> counts_by_phase_;
  Phase phase_ = Phase::accept;
  std::uint64_t injected_ = 0;
  std::uint64_t drawn_ = 0;
  FaultRanges only_;
  std::size_t range_ = 0;  ///< Of `only_`, the one that is next, or in which we are.
};

}  // namespace iocpp::simulator
