// A server's two hand-overs: from its predecessor, and to its successor.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "iocpp/error.hpp"
#include "server/running.hpp"

namespace iocpp {

void Server::Running::meet_predecessor() {
  if (options_.hand_over_path.empty()) return;
  std::error_code unknown;
  if (std::filesystem::is_directory(options_.hand_over_path, unknown)) {
    throw std::system_error(
        make_error_code(errc::invalid_argument),
        "Options::hand_over_path '" + options_.hand_over_path + "': a folder; a path in it is wanted");
  }
  predecessor_ = backend::Predecessor::meet(options_.hand_over_path);
}

/// What the predecessor has on the addresses of the options. What it has besides stays its own, to be closed by it when
/// nobody waits there any more.
void Server::Running::take_over() {
  for (std::size_t number = 0; number < listeners_.size(); ++number) {
    if (!options_.listen[number].inherited.empty()) listeners_[number] = backend::inherit(options_.listen[number]);
  }
  // Those that leave the port open take what nobody else has asked for.
  for (const bool any_port : {false, true}) {
    for (std::size_t number = 0; number < listeners_.size(); ++number) {
      const Listen& listen = options_.listen[number];
      if ((listen.inherited.empty() && listen.port == 0) == any_port) take_over(number);
    }
  }
  for (const backend::HandedListener& handed : predecessor_->listeners()) took_over_ = took_over_ || handed.kept;
  for (backend::HandedListener& left : predecessor_->listeners()) {
    if (!took_over_) {
      throw std::system_error(make_error_code(errc::invalid_argument),
                              "Options::hand_over_path '" + options_.hand_over_path +
                                  "': the server there listens on " + left.address.to_string() +
                                  ", which is none of the addresses given");
    }
    std::ranges::for_each(std::exchange(left.handles, {}), backend::close_socket);
  }
}

void Server::Running::take_over(std::size_t number) {
  const Listen& listen = options_.listen[number];
  const bool inherited = !listen.inherited.empty();
  const Address wanted = inherited ? listeners_[number].address : backend::address_of(listen);
  for (backend::HandedListener& handed : predecessor_->listeners()) {
    const bool same_families =
        inherited || wanted.family != Address::Family::ipv6 || handed.ipv6_only == listen.ipv6_only;
    Address there = handed.address;
    if (wanted.port == 0) there.port = 0;
    if (handed.kept || !same_families || there != wanted) continue;
    handed.kept = true;
    group_.handed_listeners[number] = true;
    if (inherited) return join_inherited(number, handed);
    listeners_[number] = {.address = handed.address,
                          .handles = std::exchange(handed.handles, {}),
                          .origin = backend::Origin::handed_over};
    return;
  }
}

/// The predecessor may have inherited the same sockets, and others of that address besides.
void Server::Running::join_inherited(std::size_t number, backend::HandedListener& handed) {
  std::vector<NativeHandle>& own = listeners_[number].handles;
  for (const NativeHandle handle : std::exchange(handed.handles, {})) {
    const bool has_it =
        std::ranges::any_of(own, [handle](NativeHandle mine) { return backend::is_same_socket(mine, handle); });
    if (has_it) {
      backend::close_socket(handle);
    } else {
      own.push_back(handle);
    }
  }
}

/// On a loop's thread: its listener was lost, and made anew.
void Server::Running::note_reopened(std::size_t listener, NativeHandle handle) noexcept {
  try {
    const std::lock_guard lock{reopened_mutex_};
    reopened_[listener].push_back(handle);
  } catch (const std::bad_alloc&) {
    // A successor will not have it.
  }
}

/// Each socket once, and none whose handle was lost: its number may be a client's.
std::vector<backend::HandedListener> Server::Running::to_hand_over() {
  const std::lock_guard lock{reopened_mutex_};
  std::vector<backend::HandedListener> handed;
  for (std::size_t number = 0; number < listeners_.size(); ++number) {
    const Address& address = listeners_[number].address;
    std::vector<NativeHandle> handles = listeners_[number].handles;
    handles.insert(handles.end(), reopened_[number].begin(), reopened_[number].end());
    std::ranges::sort(handles);
    handles.erase(std::unique(handles.begin(), handles.end()), handles.end());
    std::erase_if(handles, [&](NativeHandle handle) { return !backend::listens_on(handle, address); });
    if (handles.empty()) continue;  // lost, and not made anew yet: its successor listens for itself
    handed.push_back({.number = number,
                      .address = address,
                      .ipv6_only = backend::is_ipv6_only(handles.front()),
                      .handles = handles});
  }
  return handed;
}

/// The server serves. Without a thread or a path it does so all the same, and has no successor that could take over.
void Server::Running::begin_handing_over() noexcept {
  try {
    // What the predecessor leaves to us when it hears that we serve is left to nobody else.
    group_.handed_over = false;
    if (predecessor_ != nullptr) meeting_point_ = predecessor_->replace();
    predecessor_.reset();
    to_stop_ = meeting_point_.get();
    if (drain_requested_.load() != 0) meeting_point_->stop();
    hand_over_thread_ = std::thread{[this] { hand_over(); }};
  } catch (...) {
    predecessor_.reset();
  }
}

void Server::Running::hand_over() noexcept {
  try {
    const auto kept = meeting_point_->wait_for_successor([this] { return to_hand_over(); });
    if (!kept) return;
    for (std::size_t number = 0; number < listeners_.size(); ++number)
      group_.handed_listeners[number] = std::ranges::find(*kept, number) != kept->end();
  } catch (const std::bad_alloc&) {
    return;
  }
  group_.handed_over = has_handed_over_ = true;
  request_drain(options_.drain_timeout);
  group_.wait_until_deaf();
  meeting_point_->release();
}

}  // namespace iocpp
