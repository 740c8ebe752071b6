// An intrusive queue with many producers and one consumer, without a lock.
#pragma once

#include <atomic>
#include <cstdint>

namespace iocpp {

struct QueueNode {
  QueueNode* next = nullptr;
};

/// Producers push onto a stack with one compare-and-swap; the consumer takes the whole stack with one exchange and
/// turns it round. The order is that of the successful swaps, so if one push happens before another, it is taken before
/// it too. A producer that is halted in the middle of a push holds up nobody.
class MultiProducerQueue {
 public:
  enum class Push : std::uint8_t {
    first,   ///< The queue was empty: the consumer may be asleep and must be woken.
    behind,  ///< The queue was not empty: whoever pushed first wakes the consumer.
    closed,  ///< Not taken; the node is still the caller's.
  };

  /// Any thread. After success the node is the consumer's.
  Push push(QueueNode& node) noexcept {
    QueueNode* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed()) return Push::closed;
      node.next = head;
    } while (!head_.compare_exchange_weak(head, &node, std::memory_order_release, std::memory_order_relaxed));
    // Not node.next: the consumer may have taken the node, and freed it, by now.
    return head == nullptr ? Push::first : Push::behind;
  }

  /// Only the consumer: everything that was pushed, oldest first; null when there is nothing.
  QueueNode* take_all() noexcept {
    return empty() ? nullptr : oldest_first(head_.exchange(nullptr, std::memory_order_acquire));
  }

  /// Only the consumer: as `take_all`, and every later push answers `closed`.
  QueueNode* close() noexcept {
    QueueNode* newest = head_.exchange(closed(), std::memory_order_acquire);
    return newest == closed() ? nullptr : oldest_first(newest);
  }

  bool empty() const noexcept {
    const QueueNode* head = head_.load(std::memory_order_acquire);
    return head == nullptr || head == &closed_;
  }

 private:
  QueueNode* closed() noexcept { return &closed_; }

  static QueueNode* oldest_first(QueueNode* newest) noexcept {
    QueueNode* oldest = nullptr;
    while (newest != nullptr) {
      QueueNode* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }

  std::atomic<QueueNode*> head_{nullptr};
  QueueNode closed_;
};

}  // namespace iocpp
