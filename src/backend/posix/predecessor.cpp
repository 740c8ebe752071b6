#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "backend/posix/hand_over_channel.hpp"
#include "backend/posix/listening_socket.hpp"
#include "backend/posix/meeting_point.hpp"
#include "backend/posix/unix_address.hpp"
#include "iocpp/error.hpp"

namespace iocpp::posix {
namespace {

constexpr int message_seconds = 10;
/// It says that it accepts nobody any more when its handlers let it.
constexpr int release_seconds = 30;

[[noreturn]] void fail(std::error_code code, const std::string& path, const char* what) {
  throw std::system_error(code, "Options::hand_over_path '" + path + "': " + what);
}

class UnixPredecessor final : public backend::Predecessor {
 public:
  UnixPredecessor(std::string path, Descriptor connection)
      : path_{std::move(path)}, connection_{std::move(connection)} {}

  ~UnixPredecessor() override {
    for (const backend::HandedListener& listener : listeners_) {
      for (const NativeHandle handle : listener.handles) ::close(static_cast<int>(handle));
    }
  }

  std::vector<backend::HandedListener>& listeners() noexcept override { return listeners_; }

  void receive_all() {
    if (!send_message(connection_.get(), {.kind = HandOverMessage::Kind::hello})) fail_silent();
    for (;;) {
      std::optional<ReceivedMessage> received = receive_message(connection_.get());
      if (!received) fail_silent();
      if (received->message.kind == HandOverMessage::Kind::listener) {
        add(*received);
      } else if (received->message.kind == HandOverMessage::Kind::point && received->handles.size() == 1) {
        point_ = std::move(received->handles.front());
        return;
      } else {
        fail_silent();
      }
    }
  }

  std::unique_ptr<backend::MeetingPoint> replace() override {
    set_time_limit(connection_.get(), release_seconds);
    bool told = true;
    for (std::uint32_t number = 0; number < listeners_.size(); ++number) {
      if (listeners_[number].kept)
        told = told && send_message(connection_.get(), {.kind = HandOverMessage::Kind::kept, .number = number});
    }
    told = told && send_message(connection_.get(), {.kind = HandOverMessage::Kind::serving});
    if (told) receive_message(connection_.get());
    // It may have been told to end meanwhile, and have taken the path away before it left.
    if (::access(path_.c_str(), F_OK) != 0) return backend::MeetingPoint::make(path_);
    return std::make_unique<UnixMeetingPoint>(path_, std::move(point_));
  }

 private:
  [[noreturn]] void fail_silent() const {
    fail(make_error_code(errc::not_supported), path_,
         "who is there hands nothing over: not a server of this library's version, busy with another successor, or at "
         "its end");
  }

  void add(ReceivedMessage& received) {
    const HandOverMessage& message = received.message;
    if (message.number > listeners_.size()) fail_silent();
    if (message.number == listeners_.size()) {
      listeners_.push_back({.number = message.number,
                            .address = {.family = message.family == 0 ? Address::Family::ipv4 : Address::Family::ipv6,
                                        .port = static_cast<std::uint16_t>(message.port),
                                        .scope = message.scope},
                            .ipv6_only = message.ipv6_only != 0,
                            .handles = {}});
      listeners_.back().address.bytes = message.address;
    }
    for (Descriptor& handle : received.handles) {
      if (!fault_of_listener(handle.get()).empty()) fail_silent();
      listeners_[message.number].handles.push_back(handle.get());
      handle.release();
    }
  }

  std::string path_;
  Descriptor connection_;
  Descriptor point_;
  std::vector<backend::HandedListener> listeners_;
};

}  // namespace
}  // namespace iocpp::posix

namespace iocpp::backend {

std::unique_ptr<Predecessor> Predecessor::meet(const std::string& path) {
  const posix::UnixAddress address = posix::unix_address(path, false, "Options::hand_over_path");
  posix::Descriptor socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  posix::set_time_limit(socket.get(), posix::message_seconds);
  if (::connect(socket.get(), address.get(), address.length) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return nullptr;
    posix::fail(native_error(errno), path, "can't be reached");
  }
  if (!posix::is_trusted(socket.get()))
    posix::fail(make_error_code(errc::permission_denied), path, "another user's process is there");
  auto predecessor = std::make_unique<posix::UnixPredecessor>(path, std::move(socket));
  predecessor->receive_all();
  return predecessor;
}

}  // namespace iocpp::backend
