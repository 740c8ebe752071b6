#include "engine/mailbox.hpp"

#include "iocpp/error.hpp"

namespace iocpp::engine {

Mailbox::~Mailbox() {
  close([](Message&) {});
}

/// Only what fits is added: a message that is too large never takes room from another thread's for a moment.
bool Mailbox::take_room(std::size_t bytes) noexcept {
  std::size_t before = bytes_.load(std::memory_order_relaxed);
  do {
    if (bytes != 0 && before != 0 && (before >= bytes_max_ || bytes > bytes_max_ - before)) return false;
  } while (!bytes_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}

std::error_code Mailbox::put(std::unique_ptr<Message>& message) {
  const std::size_t bytes = message->weight();
  if (!take_room(bytes)) {
    times_full_.fetch_add(1, std::memory_order_relaxed);
    return make_error_code(errc::would_block);
  }
  switch (queue_.push(*message)) {
    case MultiProducerQueue::Push::closed:
      bytes_.fetch_sub(bytes, std::memory_order_relaxed);
      return make_error_code(errc::closed);
    case MultiProducerQueue::Push::first:
      message.release();
      wake_();
      return {};
    case MultiProducerQueue::Push::behind:
      message.release();
      return {};
  }
  return {};
}

}  // namespace iocpp::engine
