// By what is known of a connection: whether a deadline may have ended it, and whether one should have.
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.hpp"
#include "iocpp/connection.hpp"
#include "iocpp/deadlines.hpp"

namespace iocpp::simulator {

/// As the handler was told of it, each time at the end of a callback: the library, which notes things at the end of a
/// turn, is never earlier.
class DeadlineWitness {
 public:
  void connected(TimePoint now) noexcept { connected_ = received_at_ = sent_at_ = now; }
  void received(TimePoint now, std::size_t bytes) {
    received_at_ = now;
    heard_ = true;
    received_.add(now, bytes);
  }
  void sent(TimePoint now, std::size_t bytes) {
    if (!quiet_) sent_at_ = now;
    sent_.add(now, bytes);
  }
  /// The queue at the end of a callback; `before` it was so long.
  void queue(TimePoint now, std::size_t before, std::size_t after) noexcept {
    if (before == 0) queued_since_ = now;
    queued_ = after != 0;
  }
  void begins_message(TimePoint now) noexcept {
    message_since_ = now;
    in_message_ = true;
  }
  /// It was paused, or its queue so long that it was not read from: what it
  /// received, and when, says nothing any more.
  void held() noexcept { held_ = true; }
  void peer_ended() noexcept { peer_ended_ = true; }

  /// A deadline of that reason is over, or may be.
  bool may_end(DisconnectReason reason, const Deadlines& deadlines, TimePoint now) const noexcept;
  /// A deadline is over by more than `slack`, and the connection is still there. A period of grace is looked at with
  /// at most so much `lateness`.
  bool outlived(const Deadlines& deadlines, TimePoint now, std::chrono::nanoseconds slack,
                std::chrono::nanoseconds lateness) const noexcept;
  /// Quiet sends are told of late: when anything left is not known.
  void sends_are_quiet() noexcept { quiet_ = true; }

 private:
  /// Bytes by time.
  class Flow {
   public:
    void add(TimePoint now, std::size_t bytes) {
      parts_.push_back({now, bytes});
      while (parts_.size() > kept) parts_.pop_front();
    }
    std::uint64_t since(TimePoint time) const noexcept;

   private:
    static constexpr std::size_t kept = 4096;
    struct Part {
      TimePoint time;
      std::uint64_t bytes;
    };
    std::deque<Part> parts_;
  };

  struct Periods {
    int count;
    std::chrono::nanoseconds span;
  };
  static bool too_few(const Flow& flow, const Deadlines& deadlines, TimePoint now, const Periods& of);
  bool reads_slowly(const Deadlines& deadlines, TimePoint now, const Periods& of) const;
  bool sends_slowly(const Deadlines& deadlines, TimePoint now, const Periods& of) const;

  TimePoint connected_{};
  TimePoint received_at_{};
  TimePoint sent_at_{};
  TimePoint queued_since_{};
  TimePoint message_since_{};
  Flow received_;
  Flow sent_;
  bool queued_ = false;
  bool in_message_ = false;
  bool held_ = false;
  bool peer_ended_ = false;
  bool quiet_ = false;
  bool heard_ = false;
};

}  // namespace iocpp::simulator
