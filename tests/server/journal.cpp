#include "server/journal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace iocpp::tests {

void Journal::note(Entry entry) {
  const std::lock_guard lock{mutex_};
  entries_.push_back(entry);
  changed_.notify_all();
}

void Journal::on_connect(Connection connection) {
  note({.what = Told::connect, .id = connection.id()});
  if (connected) connected(connection);
}

void Journal::on_receive(Connection connection, std::span<const std::byte> bytes) {
  {
    const std::lock_guard lock{mutex_};
    bytes_[connection.id()].append(text_of(bytes));
  }
  note({.what = Told::receive, .id = connection.id(), .bytes = bytes.size()});
  if (received) received(connection, bytes);
}

void Journal::on_sent(Connection connection, std::size_t bytes) {
  note({.what = Told::sent, .id = connection.id(), .bytes = bytes});
  if (sent) sent(connection, bytes);
}

void Journal::on_writable(Connection connection) {
  note({.what = Told::writable, .id = connection.id()});
  if (writable) writable(connection);
}

void Journal::on_timer(Connection connection) {
  note({.what = Told::timer, .id = connection.id()});
  if (timer) timer(connection);
}

void Journal::on_peer_shutdown(Connection connection) {
  note({.what = Told::peer_shutdown, .id = connection.id()});
  if (peer_shut_down) return peer_shut_down(connection);
  Handler::on_peer_shutdown(connection);
}

void Journal::on_disconnect(Connection connection, const Disconnect& end) {
  note({.what = Told::disconnect, .id = connection.id(), .end = end});
  if (disconnected) disconnected(connection, end);
}

void Journal::on_send_failed(ConnectionId id, std::vector<std::byte> bytes, std::error_code error) {
  note({.what = Told::send_failed, .id = id, .bytes = bytes.size(), .error = error});
  if (send_failed) send_failed(id);
}

void Journal::on_server_close() {
  note({.what = Told::server_close});
  if (server_closed) server_closed();
}

std::vector<Entry> Journal::everything() const {
  const std::lock_guard lock{mutex_};
  return entries_;
}

std::vector<Entry> Journal::all(Told what) const {
  const std::lock_guard lock{mutex_};
  std::vector<Entry> found;
  std::ranges::copy_if(entries_, std::back_inserter(found), [what](const Entry& entry) { return entry.what == what; });
  return found;
}

std::size_t Journal::count_locked(Told what) const {
  return static_cast<std::size_t>(std::ranges::count(entries_, what, &Entry::what));
}

std::size_t Journal::count(Told what) const {
  const std::lock_guard lock{mutex_};
  return count_locked(what);
}

std::string Journal::received_from(ConnectionId id) const {
  const std::lock_guard lock{mutex_};
  const auto found = bytes_.find(id);
  return found == bytes_.end() ? std::string{} : found->second;
}

Entry Journal::wait_for(Told what, std::size_t nth) const {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, patience, [&] { return count_locked(what) >= nth; })) {
    ADD_FAILURE() << "callback " << static_cast<int>(what) << " came " << count_locked(what) << " times, not " << nth;
    return {.what = what};
  }
  auto entry = entries_.begin();
  for (std::size_t seen = 0;; ++entry) {
    if (entry->what == what && ++seen == nth) return *entry;
  }
}

bool Journal::wait_for_bytes(ConnectionId id, std::size_t size) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] {
    const auto found = bytes_.find(id);
    return found != bytes_.end() && found->second.size() >= size;
  });
}

std::string Journal::disorder() const {
  const std::lock_guard lock{mutex_};
  std::map<ConnectionId, std::thread::id> open;
  std::set<ConnectionId> ended;
  for (const Entry& entry : entries_) {
    if (entry.what == Told::send_failed || entry.what == Told::server_close) continue;
    const std::string who = "connection " + std::to_string(entry.id.value());
    if (entry.what == Told::connect) {
      if (open.contains(entry.id) || ended.contains(entry.id)) return who + ": on_connect twice";
      open[entry.id] = entry.thread;
      continue;
    }
    if (ended.contains(entry.id)) return who + ": a callback after on_disconnect";
    if (!open.contains(entry.id)) return who + ": a callback before on_connect";
    if (open[entry.id] != entry.thread) return who + ": a callback on another thread";
    if (entry.what != Told::disconnect) continue;
    open.erase(entry.id);
    ended.insert(entry.id);
  }
  return open.empty() ? std::string{} : std::to_string(open.size()) + " connections without on_disconnect";
}

}  // namespace iocpp::tests
