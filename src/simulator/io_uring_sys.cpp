#include "simulator/io_uring_sys.hpp"

#include <cassert>
#include <cstring>

#include "base/native_codes.hpp"
#include "core/byte_queue.hpp"
#include "simulator/bytes_hash.hpp"

namespace iocpp::simulator {

using io_uring::kernel::SendWay;

IoUringSys::IoUringSys(Machine& machine, unsigned loop) : PosixCalls{machine, loop} {
  buckets_.fill(no_index);
  machine.enlist(loop, *this);
}

int IoUringSys::setup(unsigned entries, unsigned completions, unsigned flags) {
  if (flags != 0 && !machine_.habits.taskrun_flags) return -linux_errno::inval;
  submission_entries_ = std::min(entries, machine_.habits.submission_entries_max);
  completion_entries_ = std::min(completions, machine_.habits.completion_entries_max);
  return 0;
}

void IoUringSys::teardown() {
  idle_ = false;
}

bool IoUringSys::post(Operation operation) {
  idle_ = false;
  if (submissions_.size() >= submission_entries_) return false;
  if (operation.kind == Kind::send || operation.kind == Kind::gathered_send) operation.hash = hash_of(operation);
  submissions_.push_back(operation);
  return true;
}

bool IoUringSys::accept(int listener, bool multishot, std::uint64_t user) {
  return post({.kind = Kind::accept, .multishot = multishot, .handle = listener, .user = user});
}
bool IoUringSys::poll(int listener, std::uint64_t user) {
  return post({.kind = Kind::poll, .handle = listener, .user = user});
}
bool IoUringSys::receive(int socket, std::uint16_t, bool multishot, std::uint64_t user) {
  return post({.kind = Kind::receive, .multishot = multishot, .handle = socket, .user = user});
}
bool IoUringSys::send(int socket, const void* bytes, std::size_t size, SendWay way, std::uint64_t user) {
  return post({.kind = Kind::send,
               .way = way,
               .handle = socket,
               .user = user,
               .bytes = static_cast<const std::byte*>(bytes),
               .size = size});
}
bool IoUringSys::send_gathered(int socket, const posix::MessageHeader& header, SendWay way, std::uint64_t user) {
  return post({.kind = Kind::gathered_send, .way = way, .handle = socket, .user = user, .header = &header});
}
bool IoUringSys::cancel_all(std::uint64_t target, std::uint64_t user) {
  return post({.kind = Kind::cancel, .user = user, .target = target});
}
bool IoUringSys::cancel_any(std::uint64_t user) {
  return post({.kind = Kind::cancel, .cancels_any = true, .user = user});
}
bool IoUringSys::close(int socket, std::uint64_t user) {
  return post({.kind = Kind::close, .handle = socket, .user = user});
}
bool IoUringSys::read_doorbell(std::uint64_t user) {
  return post({.kind = Kind::doorbell, .user = user});
}

int IoUringSys::submit() {
  idle_ = false;
  if (const int error = machine_.inject(Site::submit); error != 0) return -error;
  return submit_all();
}

int IoUringSys::submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) {
  idle_ = false;
  if (std::exchange(renewed_, false)) machine_.loop_loses(loop_, false);
  // Who submits less than was posted gets no further than that: nothing that has ended is told.
  if (const int error = machine_.inject(Site::submit); error != 0) {
    const int submitted = submit_some();
    return submitted != 0 ? submitted : -error;
  }
  const int submitted = submit_all();
  get_events();
  if (const int error = machine_.inject(Site::wait); error != 0) return -error;
  if (has_something() || (timeout && timeout->count() <= 0)) return submitted;
  const TimePoint until = timeout ? now() + *timeout : TimePoint::max();
  const bool goes_on = machine_.threads.sleep(loop_, until);
  get_events();
  idle_ = !has_something();
  return goes_on ? submitted : -linux_errno::badf;
}

/// IORING_ENTER_GETEVENTS: what has ended since the last call, and what had overflowed.
void IoUringSys::get_events() {
  idle_ = false;
  has_something();
  move_overflow();
  shown_ = ready_.size();
}

bool IoUringSys::has_something() noexcept {
  if (doorbell_ != no_index && rung_.load() != 0) {
    rung_.store(0);
    finish(std::exchange(doorbell_, no_index), sizeof(std::uint64_t));
  }
  return ready_taken_ < ready_.size() || !overflow_.empty();
}

int IoUringSys::submit_all() {
  return start_first(submissions_.size());
}

/// Some of them, or none, before memory runs out.
int IoUringSys::submit_some() {
  const bool any = submissions_.size() > 1 && one_in(machine_.streams.kernel, 2);
  return any ? start_first(machine_.streams.kernel.below(submissions_.size())) : 0;
}

int IoUringSys::start_first(std::size_t count) {
  for (const Operation& posted : std::span{submissions_}.first(count)) start(posted);
  submissions_.erase(submissions_.begin(), submissions_.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<int>(count);
}

void IoUringSys::complete(const Entry& entry) {
  if (ready_.size() - ready_taken_ >= completion_entries_ || !overflow_.empty()) {
    overflow_.push_back(entry);
  } else {
    ready_.push_back(entry);
  }
  machine_.threads.wake(loop_);
}

void IoUringSys::move_overflow() {
  while (!overflow_.empty() && ready_.size() - ready_taken_ < completion_entries_) {
    ready_.push_back(overflow_.front());
    overflow_.pop_front();
  }
}

int IoUringSys::register_buffers(unsigned, std::uint16_t, bool incremental) {
  if (lost_ != 0 && machine_.happens(Site::entry_lost)) return -linux_errno::nomem;  // what lost the entry
  if (incremental && !machine_.habits.incremental_buffers) return -linux_errno::inval;
  incremental_ = incremental;
  return 0;
}

void IoUringSys::unregister_buffers(std::uint16_t) {
  buffers_.clear();
  provided_.clear();
  renewed_ = true;
}

void IoUringSys::provide_buffer(std::byte* bytes, std::size_t size, std::uint16_t id, unsigned) {
  std::memset(bytes, 0xdb, size);  // it is the kernel's from now on: nobody may still read it
  provided_.push_back({bytes, size, id});
}

void IoUringSys::publish_buffers(unsigned count) {
  if (count != provided_.size()) machine_.violate(2, "more or fewer buffers were published than provided");
  buffers_.insert(buffers_.end(), provided_.begin(), provided_.end());
  provided_.clear();
}

void IoUringSys::wake() noexcept {
  rung_.fetch_add(1);
  // Without a read in flight nothing completes: whoever waits sleeps on.
  if (doorbell_ != no_index) machine_.threads.wake(loop_);
}

bool IoUringSys::listens(NativeHandle listener) noexcept {
  const std::uint32_t socket = machine_.network.index_of(listener);
  return socket != no_index && machine_.network.socket(socket).first_operation != no_index;
}

unsigned IoUringSys::accepts_of(NativeHandle listener) noexcept {
  const std::uint32_t socket = machine_.network.index_of(listener);
  // Operations of another loop are in its own pool.
  if (socket == no_index || machine_.network.socket(socket).observer != this) return 0;
  unsigned count = 0;
  for (std::uint32_t at = machine_.network.socket(socket).first_operation; at != no_index; at = operations_[at].next)
    count += operations_[at].kind == Kind::accept && !operations_[at].cancelled ? 1U : 0U;
  return count;
}

}  // namespace iocpp::simulator
