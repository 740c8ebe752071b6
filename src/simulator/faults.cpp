#include "simulator/faults.hpp"

#include "base/native_codes.hpp"

namespace iocpp::simulator {
namespace {

namespace lx = linux_errno;
namespace win = windows_error;

using enum System;

constexpr Cell cells[]{
    // accept(2): errors, among them those of the new connection that Linux hands out as accept's own.
    {Site::accept, linux_all, lx::connaborted, 8, true},
    {Site::accept, linux_all, lx::proto, 2},
    {Site::accept, linux_all, lx::perm, 1},
    {Site::accept, linux_all, lx::intr, 2, true},
    {Site::accept, linux_all, lx::netdown, 1},
    {Site::accept, linux_all, lx::noprotoopt, 1},
    {Site::accept, linux_all, lx::hostdown, 1},
    {Site::accept, linux_all, lx::nonet, 1},
    {Site::accept, linux_all, lx::hostunreach, 1},
    {Site::accept, linux_all, lx::netunreach, 1},
    {Site::accept, linux_all, lx::nobufs, 2, true},
    {Site::accept, linux_all, lx::nomem, 2, true},
    {Site::accept, linux_all, lx::nfile, 2, true},
    {Site::accept, linux_all, lx::mfile, 2, true},
    {Site::accept, linux_all, lx::badf, 1},
    {Site::accept, linux_all, lx::inval, 1},
    {Site::accept, linux_all, lx::opnotsupp, 1},
    // A cancelled accept that nobody asked for: the kernel cancels what a task that ends had posted.
    {Site::accept, io_uring, lx::canceled, 1},
    {Site::accept_ends, io_uring, 0},

    // AcceptEx, and its packet.
    {Site::accept_post, iocp, win::wsaenobufs, 4, true},
    {Site::accept_post, iocp, win::wsaemfile, 1, true},
    {Site::accept_post, iocp, win::wsaeconnreset, 2},
    {Site::accept_post, iocp, win::wsaeinval, 1},
    {Site::accept_post, iocp, win::wsaenotsock, 1},
    {Site::accept, iocp, win::netname_deleted, 8},
    {Site::accept, iocp, win::wsaeconnreset, 4},
    {Site::accept, iocp, win::connection_aborted, 2},
    {Site::accept, iocp, win::unexp_net_err, 2},
    {Site::accept, iocp, win::wsaenobufs, 4, true},
    {Site::accept, iocp, win::operation_aborted, 1},
    {Site::accept_context, iocp, win::wsaenotconn, 8},
    {Site::accept_context, iocp, win::wsaenobufs, 2, true},
    {Site::make_socket, iocp, win::wsaenobufs, 2, true},
    {Site::make_socket, iocp, win::wsaemfile, 1, true},
    {Site::attach, iocp, win::not_enough_memory},
    {Site::nonblocking, iocp, win::wsaenobufs, 2, true},

    // Receives.
    {Site::receive_post, iocp, win::wsaenobufs, 4, true},
    {Site::receive_post, iocp, win::wsaeconnreset, 1},
    {Site::receive_post, iocp, win::wsaeconnaborted, 1},
    {Site::receive, linux_all, lx::connreset, 2},
    {Site::receive, linux_all, lx::timedout, 1},
    {Site::receive, linux_all, lx::hostunreach, 1},
    {Site::receive, linux_all, lx::intr, 2},
    {Site::receive, linux_all, lx::nomem, 2, true},
    {Site::receive, io_uring, lx::nobufs, 4, true},
    {Site::receive, iocp, win::netname_deleted, 2},
    {Site::receive, iocp, win::connection_aborted, 1},
    {Site::receive, iocp, win::sem_timeout, 1},
    {Site::receive, iocp, win::wsaeconnaborted, 1},
    {Site::receive, iocp, win::wsaeconnreset, 2},
    {Site::receive, iocp, win::wsaenobufs, 2, true},
    {Site::receive_ends, io_uring, 0},
    // Not on epoll: there a receive that does not fill its room has emptied the socket (epoll(7), question 9).
    {Site::receive_short, io_uring, 0, 1, true},
    {Site::receive_short, iocp, 0, 1, true},

    // Sends.
    {Site::send, linux_all, lx::pipe, 2},
    {Site::send, linux_all, lx::connreset, 2},
    {Site::send, linux_all, lx::timedout, 1},
    {Site::send, linux_all, lx::nobufs, 2, true},
    {Site::send, linux_all, lx::nomem, 2, true},
    {Site::send, linux_all, lx::intr, 1},
    {Site::send, iocp, win::netname_deleted, 2},
    {Site::send, iocp, win::wsaeconnaborted, 1},
    {Site::send, iocp, win::wsaeconnreset, 2},
    {Site::send, iocp, win::wsaenobufs, 4, true},
    {Site::send_short, linux_all, 0, 1, true},

    // Cancels, waits, wakes, set-up.
    {Site::cancel_late, io_uring, 0},
    {Site::cancel_late, iocp, 0},
    {Site::cancel_post, io_uring, lx::already},
    {Site::cancel_post, iocp, win::not_enough_memory, 1, true},
    {Site::cancel_post, iocp, win::no_system_resources, 1, true},
    {Site::submit, io_uring, lx::busy, 2, true},
    {Site::submit, io_uring, lx::again, 1, true},
    {Site::wait, io_uring, lx::intr, 4},
    {Site::wait, io_uring, lx::nomem, 1},
    {Site::entry_lost, io_uring, 0},
    {Site::wait, epoll, lx::intr, 4},
    {Site::wait, iocp, win::not_enough_memory, 1},
    {Site::watch, epoll, lx::nomem, 1, true},
    {Site::spurious, epoll, 0},
    {Site::wake, iocp, win::no_system_resources, 1, true},
    {Site::reopen, linux_all, lx::addrinuse, 2, true},
    {Site::reopen, linux_all, lx::nomem, 1, true},
    {Site::reopen, iocp, win::wsaeaddrinuse, 2, true},
    // getpeername: of a client that has left.
    {Site::peer_name, linux_all, lx::notconn},
    {Site::peer_name, linux_all, lx::inval},
    {Site::peer_name, iocp, win::wsaenotconn},
    {Site::handle_limit, any, 0},
    {Site::client_reset, any, 0},
};

struct Rate {
  std::uint32_t light;
  std::uint32_t heavy;
};

/// One in so many questions.
constexpr Rate rate_of(Site site) noexcept {
  switch (site) {
    case Site::receive_short:
    case Site::send_short:
    case Site::spurious:
      return {32, 4};
    case Site::cancel_late:
      return {8, 2};
    case Site::accept_ends:
    case Site::receive_ends:
      return {64, 8};
    case Site::accept_context:  // what ended the ancestor's accepting
      return {32, 8};
    case Site::wake:
    case Site::cancel_post:
    case Site::watch:
    case Site::reopen:
      return {64, 8};
    case Site::handle_limit:
    case Site::client_reset:
      return {16, 2};
    default:
      return {256, 24};
  }
}

}  // namespace

std::string_view to_string(Site site) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Site::count)> names{
      "accept_post",   "accept",    "accept_ends",  "accept_context", "receive_post", "receive",     "receive_ends",
      "receive_short", "send",      "send_short",   "cancel_late",    "cancel_post",  "submit",      "wait",
      "entry_lost",    "watch",     "spurious",     "make_socket",    "attach",       "nonblocking", "wake",
      "reopen",        "peer_name", "handle_limit", "client_reset"};
  return names[static_cast<std::size_t>(site)];
}

std::string_view to_string(Phase phase) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Phase::count)> names{"accept", "traffic", "drain",
                                                                                       "heal"};
  return names[static_cast<std::size_t>(phase)];
}

bool keeps_clients_waiting(Site site) noexcept {
  switch (site) {
    case Site::accept_post:
    case Site::accept:
    case Site::accept_context:
    case Site::make_socket:
    case Site::attach:
    case Site::cancel_post:
    case Site::submit:
    case Site::wait:
    case Site::entry_lost:
    case Site::watch:
    case Site::wake:
    case Site::reopen:
    case Site::handle_limit:
      return true;
    case Site::accept_ends:
    case Site::receive_post:
    case Site::receive:
    case Site::receive_ends:
    case Site::receive_short:
    case Site::send:
    case Site::send_short:
    case Site::cancel_late:
    case Site::spurious:
    case Site::nonblocking:
    case Site::peer_name:
    case Site::client_reset:
    case Site::count:
      break;
  }
  return false;
}

bool reachable(System system, const Cell& cell) noexcept {
  const System of = cell.system;
  return of == System::any || of == system || (of == System::linux_all && system != System::iocp);
}

std::span<const Cell> fault_cells() noexcept {
  return cells;
}

Faults::Faults(System system, Level level, Prng prng)
    : prng_{prng}, counts_(std::size(cells), 0), counts_by_phase_(std::size(cells)) {
  for (std::size_t cell = 0; cell < std::size(cells); ++cell) {
    if (!reachable(system, cells[cell])) continue;
    State& state = sites_[static_cast<std::size_t>(cells[cell].site)];
    state.cells.push_back(static_cast<std::uint16_t>(cell));
    state.shares += cells[cell].share;
    const Rate rate = rate_of(cells[cell].site);
    if (level != Level::none) state.threshold = UINT32_MAX / (level == Level::light ? rate.light : rate.heavy);
  }
}

void Faults::force(std::size_t cell, std::uint64_t first, std::uint64_t count, std::uint64_t every) {
  const Site site = cells[cell].site;
  forced_.push_back({site, static_cast<std::uint16_t>(cell), first, count, every});
  sites_[static_cast<std::size_t>(site)].scripted = true;
}

void Faults::heal() noexcept {
  for (State& state : sites_) {
    state.threshold = 0;
    state.episode_end = {};
    state.scripted = false;
  }
}

bool Faults::barred(std::uint64_t number) noexcept {
  while (range_ < only_.size() && only_[range_].second < number) ++range_;
  return !only_.empty() && (range_ == only_.size() || number < only_[range_].first);
}

int Faults::count(std::uint16_t cell) noexcept {
  if (barred(drawn_++)) return 0;
  ++counts_[cell];
  ++counts_by_phase_[cell][static_cast<std::size_t>(phase_)];
  ++injected_;
  return cells[cell].error == 0 ? yes : cells[cell].error;
}

int Faults::draw(State& state, TimePoint now) noexcept {
  if (state.scripted) {
    for (const Forced& forced : forced_) {
      if (&sites_[static_cast<std::size_t>(forced.site)] != &state || state.asked <= forced.first) continue;
      const std::uint64_t since = state.asked - 1 - forced.first;
      if (since % forced.every == 0 && since / forced.every < forced.count) return count(forced.cell);
    }
    if (state.threshold == 0) return 0;
  }
  const std::uint64_t drawn = prng_.next();
  // Most episodes let one in eight through: relief that is partial. Some of those that must be paced, nobody.
  if (now < state.episode_end && (state.episode_is_total || (drawn & 7U) != 0)) return count(state.episode_cell);
  if (static_cast<std::uint32_t>(drawn >> 32) >= state.threshold) return 0;
  std::uint32_t share = static_cast<std::uint32_t>(prng_.below(state.shares));
  std::size_t at = 0;
  while (share >= cells[state.cells[at]].share) share -= cells[state.cells[at++]].share;
  const std::uint16_t cell = state.cells[at];
  if (cells[cell].episodes && one_in(prng_, 4)) {
    state.episode_cell = cell;
    const Site site = cells[cell].site;
    const bool accept_spins = cells[cell].error == lx::intr || cells[cell].error == lx::connaborted;
    const bool may_be_total = site == Site::receive || site == Site::send || (site == Site::accept && accept_spins);
    state.episode_is_total = may_be_total && one_in(prng_, 4);
    state.episode_end = now + delay(prng_, std::chrono::milliseconds{300});
  }
  return count(cell);
}

}  // namespace iocpp::simulator
