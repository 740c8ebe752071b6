#include "differential/script.hpp"

#include <random>

namespace iocpp::tests {
namespace {

using Kind = Act::Kind;

Act send(std::string bytes) {
  return {Kind::send, std::move(bytes)};
}
Act expect(std::string bytes) {
  return {Kind::expect, std::move(bytes)};
}
constexpr auto just(Kind kind) {
  return [kind] { return Act{kind, {}}; };
}
constexpr auto half_close = just(Kind::half_close);
constexpr auto expect_end = just(Kind::expect_end);
constexpr auto expect_reset = just(Kind::expect_reset);
constexpr auto close = just(Kind::close);
constexpr auto reset = just(Kind::reset);
constexpr auto stay = just(Kind::stay);

/// Bytes without a command in them.
std::string bytes_of(std::size_t size) {
  std::minstd_rand random{static_cast<std::minstd_rand::result_type>(size)};
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>('A' + random() % 26);
  return bytes;
}

/// An echo whose peer ends first.
Seen echoed(const std::string& bytes) {
  return {.callbacks = "connect receive shutdown disconnect",
          .received = bytes,
          .sent = greeting.size() + bytes.size(),
          .reason = DisconnectReason::peer_closed,
          .peer_received = greeting + bytes,
          .peer_end = "in_order"};
}

/// `split` in parts of these sizes, and the rest.
std::vector<Act> in_parts(const std::string& bytes, std::initializer_list<std::size_t> sizes) {
  std::vector<Act> acts;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    acts.push_back(send(bytes.substr(at, size)));
    at += size;
  }
  acts.push_back(send(bytes.substr(at)));
  return acts;
}

std::vector<Act> then(std::vector<Act> acts, std::vector<Act> more) {
  acts.insert(acts.end(), more.begin(), more.end());
  return acts;
}

void add_orderly(std::vector<PeerScript>& peers) {
  peers.push_back(
      {"echo in two parts", {send("he"), send("llo"), expect("hello"), half_close(), expect_end()}, echoed("hello")});
  const std::string large = bytes_of(200'000);
  peers.push_back({"much, in uneven parts",
                   then(in_parts(large, {1, 16'383, 2, 65'537, 4'095}), {expect(large), half_close(), expect_end()}),
                   echoed(large)});
  const std::string early = bytes_of(50'000);
  peers.push_back({"the end before the answer is read",
                   then(in_parts(early, {49'999}), {half_close(), expect(early), expect_end()}), echoed(early)});
  Seen silent = echoed("");
  silent.callbacks = "connect shutdown disconnect";
  peers.push_back({"an end, and nothing else", {half_close(), expect_end()}, silent});
  Seen closed = echoed("ping");
  closed.peer_end = "left";
  peers.push_back({"a close after everything was read", {send("ping"), expect("ping"), close()}, closed});
}

void add_resets(std::vector<PeerScript>& peers) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{10'000}}) {
    const std::string bytes = bytes_of(size);
    Seen seen = echoed(bytes);
    seen.callbacks = size == 0 ? "connect disconnect" : "connect receive disconnect";
    seen.reason = DisconnectReason::peer_reset;
    seen.peer_end = "left";
    std::vector<Act> acts{send(bytes), expect(bytes), reset()};
    if (size == 0) acts = {reset()};
    peers.push_back({"a reset after " + std::to_string(size) + " bytes", acts, seen});
  }
}

void add_ended_by_the_server(std::vector<PeerScript>& peers) {
  Seen quit = echoed("quit");
  quit.callbacks = "connect receive disconnect";
  quit.sent = quit.peer_received.size() - 1;
  quit.reason = DisconnectReason::local_close;
  quit.peer_received = greeting + "bye";
  peers.push_back({"the server closes", {send("quit"), expect("bye"), expect_end(), close()}, quit});

  Seen killed = quit;
  killed.received = "kill";
  killed.sent = greeting.size();
  killed.reason = DisconnectReason::local_abort;
  killed.peer_received = greeting;
  killed.peer_end = "reset";
  peers.push_back({"the server aborts", {send("kill"), expect_reset()}, killed});

  Seen threw = killed;
  threw.received = "throw";
  threw.reason = DisconnectReason::handler_threw;
  peers.push_back({"the handler throws", {send("throw"), expect_reset()}, threw});

  Seen half = echoed("");
  half.received = "finlast words";
  half.callbacks = "connect receive shutdown disconnect";
  peers.push_back(
      {"the server ends its stream first", {send("fin"), expect_end(), send("last words"), half_close()}, half});

  Seen drained = echoed("ping");
  drained.callbacks = "connect receive disconnect";
  drained.reason = DisconnectReason::local_close;
  peers.push_back({"a drain", {send("ping"), expect("ping"), stay(), expect_end(), close()}, drained});
}

}  // namespace

std::vector<PeerScript> script() {
  std::vector<PeerScript> peers;
  add_orderly(peers);
  add_resets(peers);
  add_ended_by_the_server(peers);
  for (PeerScript& peer : peers) peer.acts.insert(peer.acts.begin(), expect(greeting));
  return peers;
}

}  // namespace iocpp::tests
