// A completion port without a kernel: clients come at once, each has sent a message in each turn, and each send is done
// by the next one. What a turn over it costs is the library's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/backend.hpp"

namespace bench {

inline iocpp::TimePoint time_now() noexcept {
  return iocpp::TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
}

class NullPort {
 public:
  static constexpr iocpp::engine::Capabilities capabilities{.platform = iocpp::core::Platform::linux_os,
                                                            .would_block = 11,
                                                            .multishot_accept = true,
                                                            .multishot_receive = true,
                                                            .sheds = false,
                                                            .sees_reset_before_receive = true};

  NullPort(std::uint32_t clients, std::size_t message_bytes) : waiting_{clients}, message_(message_bytes) {}

  int open(const iocpp::engine::BackendConfig&) noexcept { return 0; }
  iocpp::TimePoint now() const noexcept { return time_now(); }

  bool accept(iocpp::engine::ListenerRef listener, bool) noexcept {
    listener_ = listener;
    return true;
  }
  bool poll_listener(iocpp::engine::ListenerRef) noexcept { return false; }
  bool cancel_listener(iocpp::engine::ListenerRef) noexcept {
    cancelled_ = true;
    return true;
  }
  iocpp::NativeHandle accept_now(iocpp::engine::ListenerRef, int& error) noexcept {
    error = capabilities.would_block;
    return iocpp::no_handle;
  }
  iocpp::engine::Shed shed(iocpp::engine::ListenerRef) noexcept { return iocpp::engine::Shed::failed; }
  bool take_reserve() noexcept { return true; }

  int attach(iocpp::NativeHandle) noexcept { return 0; }
  bool receive(iocpp::engine::SlotRef slot) {
    receiving_.push_back(slot);
    return true;
  }
  bool cancel_receive(iocpp::engine::SlotRef) noexcept { return true; }
  bool send(iocpp::engine::SlotRef slot, std::span<const iocpp::engine::Buffer> buffers) {
    std::size_t bytes = 0;
    for (const iocpp::engine::Buffer& buffer : buffers) bytes += buffer.size;
    Completion completion = of(slot, iocpp::engine::Operation::send);
    completion.bytes = static_cast<std::uint32_t>(bytes);
    sent_.push_back(completion);
    return true;
  }
  bool cancel_send(iocpp::engine::SlotRef) noexcept { return true; }
  void end_stream(iocpp::engine::SlotRef) noexcept {}
  bool close(iocpp::engine::SlotRef slot, bool) {
    sent_.push_back(of(slot, iocpp::engine::Operation::close));
    return true;
  }
  void close_now(iocpp::NativeHandle, bool) noexcept {}

  std::span<const iocpp::engine::Completion> wait(std::optional<std::chrono::nanoseconds>) {
    completions_.swap(sent_);
    sent_.clear();
    if (cancelled_) {
      end_receives();
    } else if (waiting_ != 0) {
      accept_one();
    } else {
      receive_all();
    }
    return completions_;
  }
  int wait_error() const noexcept { return 0; }
  void wake() noexcept {}
  void stop() noexcept {}

  static int peer_name(iocpp::NativeHandle, iocpp::Address&) noexcept { return 0; }

 private:
  using Completion = iocpp::engine::Completion;

  static Completion of(iocpp::engine::SlotRef slot, iocpp::engine::Operation operation) noexcept {
    Completion completion{};
    completion.operation = operation;
    completion.target = slot.index;
    completion.generation = slot.generation;
    return completion;
  }

  void accept_one() {
    Completion& completion = completions_.emplace_back();
    completion.operation = iocpp::engine::Operation::accept;
    completion.target = listener_.index;
    completion.generation = listener_.generation;
    completion.more = true;
    completion.accepted = static_cast<iocpp::NativeHandle>(1000 + waiting_--);
  }

  void receive_all() {
    for (const iocpp::engine::SlotRef& slot : receiving_) {
      Completion& completion = completions_.emplace_back(of(slot, iocpp::engine::Operation::receive));
      completion.more = true;
      completion.bytes = static_cast<std::uint32_t>(message_.size());
      completion.received = message_.data();
    }
  }

  /// The clients have left, and nobody comes any more.
  void end_receives() {
    for (const iocpp::engine::SlotRef& slot : receiving_)
      completions_.push_back(of(slot, iocpp::engine::Operation::receive));
    receiving_.clear();
    if (!std::exchange(accept_ended_, true)) {
      Completion& completion = completions_.emplace_back();
      completion.operation = iocpp::engine::Operation::accept;
      completion.target = listener_.index;
      completion.generation = listener_.generation;
      completion.error = 125;  // ECANCELED
      completion.accepted = iocpp::no_handle;
    }
  }

  std::uint32_t waiting_;
  std::vector<std::byte> message_;
  iocpp::engine::ListenerRef listener_{};
  std::vector<iocpp::engine::SlotRef> receiving_;
  std::vector<Completion> sent_;
  std::vector<Completion> completions_;
  bool cancelled_ = false;
  bool accept_ended_ = false;
};

}  // namespace bench
