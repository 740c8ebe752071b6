// A meeting point on Linux: a Unix socket.
#pragma once

#include "backend/hand_over.hpp"
#include "backend/posix/hand_over_channel.hpp"
#include "backend/posix/handles.hpp"

namespace iocpp::posix {

class UnixMeetingPoint final : public backend::MeetingPoint {
 public:
  UnixMeetingPoint(std::string path, Descriptor listening) noexcept
      : path_{std::move(path)}, listening_{std::move(listening)} {}
  ~UnixMeetingPoint() override;

  std::optional<std::vector<std::size_t>> wait_for_successor(const Offer& offer) override;
  void release() noexcept override;
  void stop() noexcept override { stop_.ring(); }

 private:
  enum class Event : std::uint8_t { ready, silent, stopped };
  Event wait_for(int descriptor, int milliseconds) noexcept;
  bool greet(const std::vector<backend::HandedListener>& listeners);
  std::optional<std::vector<std::size_t>> wait_until_it_serves(const std::vector<backend::HandedListener>& listeners);
  bool give(const std::vector<backend::HandedListener>& listeners) noexcept;
  void leave() noexcept;

  std::string path_;
  Descriptor listening_;
  Descriptor successor_;
  Doorbell stop_;
  bool left_ = false;     // the path is not ours any more
  bool stopped_ = false;  // `stop` was seen
};

}  // namespace iocpp::posix
