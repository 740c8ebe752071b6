#include "simulator/epoll_sys.hpp"

#include <algorithm>
#include <limits>

#include "base/native_codes.hpp"
#include "core/byte_queue.hpp"

namespace iocpp::simulator {

namespace kernel = epoll::kernel;

EpollSys::EpollSys(Machine& machine, unsigned loop) : PosixCalls{machine, loop} {
  machine.enlist(loop, *this);
}

EpollSys::Registration* EpollSys::registration(std::uint32_t socket) noexcept {
  if (socket >= registrations_.size()) return nullptr;
  Registration& found = registrations_[socket];
  return found.events != 0 && found.generation == machine_.network.socket(socket).generation ? &found : nullptr;
}

int EpollSys::watch(int handle, std::uint32_t events, std::uint64_t user) {
  idle_ = false;
  const std::uint32_t index = machine_.network.index_of(handle);
  if (index == no_index) return -linux_errno::badf;
  if (const int error = machine_.inject(Site::watch); error != 0) return -error;
  if (index >= registrations_.size())
    registrations_.resize(std::max<std::size_t>(index + 1, registrations_.size() * 2));
  Socket& socket = machine_.network.socket(index);
  socket.observer = this;
  registrations_[index] = {.generation = socket.generation, .events = events, .user = user, .listed = false};
  changed(index);
  return 0;
}

void EpollSys::unwatch(int handle) noexcept {
  const std::uint32_t index = machine_.network.index_of(handle);
  if (index != no_index && registration(index) != nullptr) registrations_[index] = {};
}

int EpollSys::watch_doorbell(std::uint32_t, std::uint64_t user) {
  doorbell_user_ = user;
  return 0;
}

/// The state at once, as epoll_ctl(2) tells it of a new registration too.
void EpollSys::changed(std::uint32_t index) {
  Registration* found = registration(index);
  if (found == nullptr || found->listed) return;
  if ((state_of(machine_.network.socket(index)) & found->events) == 0) return;
  found->listed = true;
  changed_.push_back(index);
  machine_.threads.wake(loop_);
}

std::uint32_t EpollSys::state_of(const Socket& socket) {
  if (socket.kind == Socket::Kind::listener) return socket.waiting != 0 ? kernel::readable : 0;
  if (socket.kind != Socket::Kind::stream) return 0;
  const Link& link = machine_.network.link_of(socket);
  std::uint32_t state = 0;
  if (link.to_server.arrived != 0) state |= kernel::readable;
  if (link.to_server.end_arrived) state |= kernel::readable | kernel::peer_hang_up;
  if (link.to_server.end_arrived && link.to_peer.ended) state |= kernel::hang_up;
  if (link.to_peer.room() != 0) state |= kernel::writable;
  if (link.reset_at_server) {
    state |= kernel::readable | kernel::writable | kernel::peer_hang_up | kernel::hang_up;
    if (!link.error_told) state |= kernel::error;
  }
  return state;
}

bool EpollSys::has_something() noexcept {
  return rung_.load() || !changed_.empty();
}

int EpollSys::collect() {
  std::size_t count = 0;
  const auto tell = [&](std::uint32_t what, std::uint64_t user) {
    const kernel::Event event{what, user};
    if (tells(event)) events_[count++] = event;
  };
  if (rung_.exchange(false)) tell(kernel::readable, doorbell_user_);
  std::vector<std::uint32_t> still;  // level-triggered: told again by the next call
  std::size_t taken = 0;
  for (; taken < changed_.size() && count < events_.size(); ++taken) {
    const std::uint32_t index = changed_[taken];
    Registration* found = registration(index);
    if (found == nullptr) continue;
    found->listed = false;
    const std::uint32_t asked = found->events | kernel::error | kernel::hang_up;
    const std::uint32_t what = state_of(machine_.network.socket(index)) & asked;
    if (what == 0) continue;
    tell(what, found->user);
    if ((found->events & kernel::edge_triggered) == 0) still.push_back(index);
  }
  changed_.erase(changed_.begin(), changed_.begin() + static_cast<std::ptrdiff_t>(taken));
  for (const std::uint32_t index : still) {
    registrations_[index].listed = true;
    changed_.push_back(index);
  }
  if (const Registration* idle = count < events_.size() ? some_idle() : nullptr;
      idle != nullptr && machine_.happens(Site::spurious))
    tell(kernel::readable, idle->user);
  handed_out_ += count;
  return static_cast<int>(count);
}

/// One that has nothing to read: chance finds it, or none.
const EpollSys::Registration* EpollSys::some_idle() {
  if (registrations_.empty()) return nullptr;
  const auto index = static_cast<std::uint32_t>(machine_.streams.kernel.below(registrations_.size()));
  const Registration* found = registration(index);
  const bool idle = found != nullptr && (found->events & kernel::readable) != 0 &&
                    (state_of(machine_.network.socket(index)) & kernel::readable) == 0;
  return idle ? found : nullptr;
}

int EpollSys::wait(std::optional<std::chrono::nanoseconds> timeout) {
  idle_ = false;
  if (!machine_.habits.precise_waits) return -linux_errno::nosys;
  if (const int error = machine_.inject(Site::wait); error != 0) return -error;
  const int count = collect();
  if (count != 0 || (timeout && timeout->count() <= 0)) return count;
  return sleep(timeout ? now() + *timeout : TimePoint::max());
}

int EpollSys::wait_coarsely(int milliseconds) {
  idle_ = false;
  if (const int error = machine_.inject(Site::wait); error != 0) return -error;
  const int count = collect();
  if (count != 0 || milliseconds == 0) return count;
  const TimePoint until =
      milliseconds < 0 ? TimePoint::max() : now() + std::chrono::nanoseconds{std::chrono::milliseconds{milliseconds}};
  return sleep(until);
}

int EpollSys::sleep(TimePoint until) {
  if (!machine_.threads.sleep(loop_, until)) return -linux_errno::badf;
  const int count = collect();
  idle_ = count == 0;
  return count;
}

int EpollSys::make_non_blocking(int listener) {
  Socket* socket = machine_.network.find(listener);
  if (socket == nullptr) return -linux_errno::badf;
  socket->nonblocking = true;
  return 0;
}

Socket* EpollSys::stream(int handle) noexcept {
  idle_ = false;
  Socket* socket = machine_.network.find(handle);
  return socket != nullptr && socket->kind == Socket::Kind::stream ? socket : nullptr;
}

int EpollSys::receive(int handle, std::byte* bytes, std::size_t size) {
  const Socket* socket = stream(handle);
  if (socket == nullptr) return -linux_errno::badf;
  const int result = receive_from(machine_.network.link_of(*socket), bytes, size);
  if (result != -linux_errno::again)
    machine_.note(result > 0 ? What::received : What::receive_failed, static_cast<std::uint32_t>(handle),
                  static_cast<std::uint64_t>(std::abs(result)));
  return result;
}

int EpollSys::send(int handle, const std::byte* bytes, std::size_t size) {
  const Socket* socket = stream(handle);
  if (socket == nullptr) return -linux_errno::badf;
  const int result = send_to(socket->link, {bytes, size});
  if (result != -linux_errno::again)
    machine_.note(result > 0 ? What::sent : What::send_failed, static_cast<std::uint32_t>(handle),
                  static_cast<std::uint64_t>(std::abs(result)));
  return result;
}

int EpollSys::send_gathered(int handle, const posix::MessageHeader& header) {
  int result = 0;
  for (std::size_t at = 0; at < header.buffer_count; ++at) {
    const core::Buffer& part = static_cast<const core::Buffer*>(header.buffers)[at];
    const int sent = send(handle, part.bytes, part.size);
    if (sent < 0) return result == 0 ? sent : result;
    result += sent;
    if (static_cast<std::size_t>(sent) < part.size) break;
  }
  return result;
}

int EpollSys::close(int handle) {
  idle_ = false;
  machine_.note(What::closed, static_cast<std::uint32_t>(handle));
  if (machine_.network.close(handle)) return 0;
  machine_.violate(6, "a handle is closed that is none");
  return -linux_errno::badf;
}

void EpollSys::wake() noexcept {
  rung_.store(true);
  machine_.threads.wake(loop_);
}

bool EpollSys::listens(NativeHandle listener) noexcept {
  const std::uint32_t index = machine_.network.index_of(listener);
  return index != no_index && registration(index) != nullptr;
}

}  // namespace iocpp::simulator
