// io_uring, simulated: a `Sys` for io_uring::Port with the members of io_uring::Sys and the kernel's habits.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "backend/io_uring/kernel.hpp"
#include "backend/posix/message_header.hpp"
#include "simulator/posix_calls.hpp"

namespace iocpp::simulator {

/// An operation is a submission until `submit` gives it to the kernel, which keeps its pointers until the terminal
/// entry, reads and writes through them when it does, and knows by a hash whether what it was to send has changed since
/// it was posted.
class IoUringSys : public PosixCalls, public Kernel, public Observer {
 public:
  IoUringSys(Machine& machine, unsigned loop);

  int setup(unsigned entries, unsigned completions, unsigned flags);
  void teardown();

  bool accept(int listener, bool multishot, std::uint64_t user);
  bool poll(int listener, std::uint64_t user);
  bool receive(int socket, std::uint16_t group, bool multishot, std::uint64_t user);
  bool send(int socket, const void* bytes, std::size_t size, io_uring::kernel::SendWay way, std::uint64_t user);
  bool send_gathered(int socket, const posix::MessageHeader& header, io_uring::kernel::SendWay way, std::uint64_t user);
  bool cancel_all(std::uint64_t target, std::uint64_t user);
  bool cancel_any(std::uint64_t user);
  bool close(int socket, std::uint64_t user);
  bool read_doorbell(std::uint64_t user);

  int submit();
  int submit_and_wait(std::optional<std::chrono::nanoseconds> timeout);
  void get_events();
  bool completions_overflowed() const noexcept { return !overflow_.empty(); }
  std::uint32_t entries_lost() const noexcept { return lost_; }
  bool has_submissions() const noexcept { return !submissions_.empty(); }
  bool has_entries() const noexcept { return ready_taken_ < shown(); }
  template <class Each>
  void reap(unsigned most, Each&& each) {
    for (unsigned taken = 0; taken < most && ready_taken_ < shown(); ++taken) {
      ++handed_out_;
      each(ready_[ready_taken_++]);
    }
    if (ready_taken_ < ready_.size()) return;
    ready_.clear();
    ready_taken_ = shown_ = 0;
  }

  int register_buffers(unsigned entries, std::uint16_t group, bool incremental);
  void unregister_buffers(std::uint16_t group);
  void provide_buffer(std::byte* bytes, std::size_t size, std::uint16_t id, unsigned position);
  void publish_buffers(unsigned count);

  void wake() noexcept;

  // For whoever runs the loop.
  /// The last call was a wait that found nothing: until something comes, a turn would find nothing either.
  bool idle() const noexcept { return idle_; }
  bool has_something() noexcept;
  /// Entries that the loop has taken: its progress.
  std::uint64_t handed_out() const noexcept { return handed_out_; }
  /// Operations that the kernel holds.
  std::uint64_t in_flight() const noexcept { return operations_.in_use(); }
  /// Accepts and polls that the kernel holds on a listener, or has ended and not told.
  bool listens(NativeHandle listener) noexcept;
  /// Those that were not cancelled.
  unsigned accepts_of(NativeHandle listener) noexcept;

  void step(std::uint32_t operation, std::uint32_t generation) override;
  void changed(std::uint32_t socket) override;

 protected:
  using Entry = io_uring::kernel::Entry;
  /// Where entries leave the kernel: tests of the checker lose or double them here.
  virtual void complete(const Entry& entry);

 private:
  enum class Kind : std::uint8_t { accept, poll, receive, send, gathered_send, cancel, close, doorbell };
  struct Operation {
    std::uint32_t generation = 1;
    Kind kind = Kind::accept;
    bool multishot = false;
    io_uring::kernel::SendWay way = io_uring::kernel::SendWay::waits;
    bool cancelled = false;
    bool cancels_any = false;  ///< cancel: whatever there is.
    bool attached = false;     ///< It is in its socket's list.
    bool stepping = false;     ///< A step of it is scheduled.
    int handle = -1;
    std::uint32_t socket = no_index;
    std::uint32_t next = no_index;       ///< Of its socket.
    std::uint32_t in_bucket = no_index;  ///< Of its name.
    std::uint64_t user = 0;
    std::uint64_t target = 0;  ///< cancel
    const std::byte* bytes = nullptr;
    std::size_t size = 0;
    const posix::MessageHeader* header = nullptr;
    std::uint64_t hash = 0;
  };
  struct Buffer {
    std::byte* bytes;
    std::size_t size;
    std::uint16_t id;
  };

  bool post(Operation operation);
  int submit_all();
  int submit_some();
  int start_first(std::size_t count);
  void start(const Operation& posted);
  int attach(std::uint32_t index);
  void later(std::uint32_t index);
  void finish(std::uint32_t index, int result, std::uint32_t flags = 0);
  void more(std::uint32_t index, int result, std::uint32_t flags);
  void step(std::uint32_t index);
  void step_accept(std::uint32_t index);
  void step_poll(std::uint32_t index);
  void step_receive(std::uint32_t index);
  void step_send(std::uint32_t index);
  void start_cancel(const Operation& posted);
  void cancel(std::uint32_t index);
  bool loses_entry(Kind kind, int result);
  bool ready(const Operation& operation);
  std::uint64_t hash_of(const Operation& operation) const noexcept;
  std::size_t bucket_of(std::uint64_t user) const noexcept { return (user * 0x9e3779b97f4a7c15U) >> 54; }
  void move_overflow();
  /// With IORING_SETUP_DEFER_TASKRUN an entry is seen after a call that asks for events only.
  std::size_t shown() const noexcept { return machine_.habits.taskrun_flags ? shown_ : ready_.size(); }

  Pool<Operation> operations_;
  std::array<std::uint32_t, 1024> buckets_;
  std::vector<Operation> submissions_;
  std::vector<Entry> ready_;
  std::size_t ready_taken_ = 0;
  std::size_t shown_ = 0;
  std::deque<Entry> overflow_;
  std::deque<Buffer> buffers_;
  std::vector<Buffer> provided_;
  std::uint32_t lost_ = 0;
  bool renewed_ = false;  ///< After a loss, and there was no wait since.
  unsigned submission_entries_ = 0;
  unsigned completion_entries_ = 0;
  bool incremental_ = false;
  bool buffer_begun_ = false;
  bool idle_ = false;
  std::uint32_t doorbell_ = no_index;
  std::uint64_t handed_out_ = 0;
  std::atomic<std::uint64_t> rung_{0};
};

}  // namespace iocpp::simulator
