// What other threads send to a shard.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <vector>

#include "base/multi_producer_queue.hpp"
#include "base/native_handle.hpp"
#include "engine/postponed.hpp"
#include "iocpp/connection.hpp"

namespace iocpp::engine {

struct Message : QueueNode {
  enum class Kind : std::uint8_t { send, shutdown_send, close, abort, task, postponed, adopt };

  Kind kind;
  std::uint16_t listener = 0;       ///< adopt
  std::uint32_t place = 0;          ///< adopt: the gate's
  NativeHandle handle = no_handle;  ///< adopt
  ConnectionId id;
  std::vector<std::byte> bytes;  ///< send
  std::function<void()> task;
  std::unique_ptr<PostponedTask> later;  ///< postponed

  explicit Message(Kind what) noexcept : kind{what} {}

  /// What it counts for in the mailbox's bound. Clients are outside of it: one whose shard has a full mailbox must not
  /// be turned away, and they are bounded by the handle limit.
  std::size_t weight() const noexcept { return kind == Kind::adopt ? 0 : sizeof(Message) + bytes.size(); }
};

/// Messages in the order in which they were sent (see MultiProducerQueue), bounded in bytes. What is in it belongs to
/// the shard; after `close` nothing gets in.
class Mailbox {
 public:
  /// `wake` ends the shard's wait: any thread.
  Mailbox(std::size_t bytes_max, std::function<void()> wake) : bytes_max_{bytes_max}, wake_{std::move(wake)} {}
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Any thread. Takes the message, or fails and leaves it: `would_block` when its bytes do not fit, `closed`. A
  /// message of more bytes than the whole bound is taken when there are no others.
  [[nodiscard]] std::error_code put(std::unique_ptr<Message>& message);

  /// The shard: calls `handle(Message&)` for each message, oldest first.
  template <class Handle>
  void take_all(Handle&& handle) {
    hand_out(queue_.take_all(), handle);
  }

  /// The shard, at its end: the rest, and no more after it.
  template <class Handle>
  void close(Handle&& handle) {
    if (!closed_.exchange(true)) hand_out(queue_.close(), handle);
  }

  /// Of what is in it; any thread.
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::size_t bytes_max() const noexcept { return bytes_max_; }
  std::uint64_t times_full() const noexcept { return times_full_.load(std::memory_order_relaxed); }

 private:
  bool take_room(std::size_t bytes) noexcept;

  template <class Handle>
  void hand_out(QueueNode* first, Handle&& handle) {
    while (first != nullptr) {
      std::unique_ptr<Message> message{static_cast<Message*>(first)};
      first = first->next;
      bytes_.fetch_sub(message->weight(), std::memory_order_relaxed);
      handle(*message);
    }
  }

  MultiProducerQueue queue_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> times_full_{0};
  std::atomic<bool> closed_{false};
  std::size_t bytes_max_;
  std::function<void()> wake_;
};

}  // namespace iocpp::engine
