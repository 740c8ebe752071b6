// How a running server gives its listening sockets to its successor, so that no client is lost (docs/DRAIN.md).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/native_handle.hpp"
#include "iocpp/address.hpp"

namespace iocpp::backend {

/// A listener as it is handed over: every socket of its address.
struct HandedListener {
  std::size_t number = 0;  ///< Whoever offers it knows it by this.
  Address address;
  bool ipv6_only = false;
  std::vector<NativeHandle> handles;
  bool kept = false;  ///< The successor has taken all of its handles.
};

/// A path at which a server can be met by its successor. One thread, but `stop`.
class MeetingPoint {
 public:
  /// What there is to hand over, asked for when a successor has come.
  using Offer = std::function<std::vector<HandedListener>()>;

  /// Makes it: a file that a server has left there which is gone is replaced. Throws `std::system_error`: for
  /// `not_supported` on Windows.
  static std::unique_ptr<MeetingPoint> make(const std::string& path);

  /// Removes the path, unless a successor has it.
  virtual ~MeetingPoint() = default;

  /// Waits for successors, and gives each of them the listeners. One of them serves: the numbers of those that it has
  /// kept, and `release` is next; whoever dies before that has changed nothing. Nothing: `stop` was called.
  virtual std::optional<std::vector<std::size_t>> wait_for_successor(const Offer& listeners) = 0;
  /// Nobody here accepts any more: the successor may know, and has the path.
  virtual void release() noexcept = 0;
  /// Any thread, and signal handlers; for good.
  virtual void stop() noexcept = 0;
};

/// A running server, as its successor sees it. Destroyed before `replace`, it is as if nothing had happened.
class Predecessor {
 public:
  /// Null: nobody is at the path. Throws `std::system_error` where somebody is who can't be replaced: another user's
  /// (`permission_denied`), of another version, or silent; and for `not_supported` on Windows.
  static std::unique_ptr<Predecessor> meet(const std::string& path);

  virtual ~Predecessor() = default;

  /// What it has given; whose handles are taken out is the caller's to close, and `kept` where that was all of them.
  virtual std::vector<HandedListener>& listeners() noexcept = 0;
  /// The successor serves. Waits until the predecessor does not accept any more, or is gone. Its meeting point; throws
  /// as `MeetingPoint::make` does where it had none left to give.
  virtual std::unique_ptr<MeetingPoint> replace() = 0;
};

}  // namespace iocpp::backend
