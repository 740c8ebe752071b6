#include "engine/mailbox.hpp"

#include "iocpp/error.hpp"

namespace iocpp::engine {

Mailbox::~Mailbox() {
  close([](Message&) {});
}

std::error_code Mailbox::put(std::unique_ptr<Message>& message) {
  const std::size_t bytes = message->weight();
  const std::size_t before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before != 0 && (before >= bytes_max_ || bytes > bytes_max_ - before)) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
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
