// The other side of server_process.hpp: PORT SHARDS ACCEPT_THREAD HANDLES BACKEND IO_URING_BARRED_WITH, then one answer
// to each line on its input, until that ends.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <future>
#include <initializer_list>
#include <mutex>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "iocpp/iocpp.hpp"

namespace {

/// Not by std::cout: a sanitizer checks its type with a pipe, for which there is no handle at the limit.
void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

void say(std::initializer_list<std::uint64_t> numbers) {
  std::string line;
  for (const std::uint64_t number : numbers) line += std::to_string(number) + ' ';
  say(line);
}

struct Echo : iocpp::Handler {
  void on_connect(iocpp::Connection connection) override {
    const std::lock_guard lock{mutex};
    last = connection.id();
  }
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }

  std::mutex mutex;
  iocpp::ConnectionId last;
};

void limit_handles(rlim_t handles) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = handles;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What containers do to io_uring: its three calls answer `error` (seccomp(2)). Their numbers are the same on every
/// architecture.
bool bar_io_uring(unsigned error) {
  constexpr unsigned setup = 425;
  constexpr unsigned registering = 427;
  std::array filter{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                    sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, setup, 0, 2),
                    sock_filter BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, registering, 1, 0),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

iocpp::Backend backend_of(const std::string& name) {
  for (const auto backend : {iocpp::Backend::io_uring, iocpp::Backend::epoll}) {
    if (name == iocpp::to_string(backend)) return backend;
  }
  return iocpp::Backend::automatic;
}

/// Looks at the counters once a turn: a task comes after the turn's completions and before its accepts are posted.
class TurnWatch {
 public:
  TurnWatch(iocpp::Server& server, unsigned shard)
      : server_{server}, shard_{shard}, open_before_{server.counters().connections_open} {}

  void reset_and_look(iocpp::ConnectionId id) {
    server_.connection(id).abort();
    look();
  }
  void print() {
    closed_.get_future().wait();
    say({at_close_, later_});
  }

 private:
  void look() {
    const iocpp::Counters counters = server_.counters();
    if (seen_) {
      later_ = counters.accept_attempts;
      return closed_.set_value();
    }
    seen_ = counters.connections_open < open_before_;
    at_close_ = counters.accept_attempts;
    if (server_.post(shard_, [this] { look(); })) closed_.set_value();
  }

  iocpp::Server& server_;
  unsigned shard_;
  std::uint64_t open_before_;
  bool seen_ = false;
  std::uint64_t at_close_ = 0;
  std::uint64_t later_ = 0;
  std::promise<void> closed_;
};

void reset_one(iocpp::Server& server, Echo& echo) {
  iocpp::ConnectionId id;
  {
    const std::lock_guard lock{echo.mutex};
    id = echo.last;
  }
  TurnWatch watch{server, id.shard()};
  if (!server.post(id.shard(), [&] { watch.reset_and_look(id); })) watch.print();
}

void print(const iocpp::Counters& counters) {
  const auto disconnected =
      std::accumulate(counters.disconnected.begin(), counters.disconnected.end(), std::uint64_t{0});
  say({counters.accepted, counters.shed, counters.accept_attempts, counters.accept_no_handles,
       counters.connections_open, disconnected, counters.listeners_waiting});
}

void serve(iocpp::Server& server, Echo& echo) {
  server.start();
  say("listening " + std::to_string(server.port()));
  std::array<char, 64> line;
  while (std::fgets(line.data(), line.size(), stdin) != nullptr) {
    if (line.data() == std::string_view{"counters\n"}) print(server.counters());
    if (line.data() == std::string_view{"backend\n"})
      say(std::string{to_string(server.backend())} + ": " + server.backend_reason());
    if (line.data() == std::string_view{"reset one\n"}) reset_one(server, echo);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 7) return 2;
  if (const auto error = std::stoul(words[6]); error != 0 && !bar_io_uring(static_cast<unsigned>(error))) return 2;
  if (const auto handles = std::stoul(words[4]); handles != 0) limit_handles(handles);
  Echo echo;
  iocpp::Options options{.port = static_cast<std::uint16_t>(std::stoul(words[1])), .host = "127.0.0.1"};
  options.shards = static_cast<unsigned>(std::stoul(words[2]));
  options.accept_thread = words[3] == std::string{"1"};
  options.backend = backend_of(words[5]);
  options.limits.connections_max = 10'000;  // so that the handle limit is reached first
  try {
    iocpp::Server server(options, echo);
    serve(server, echo);
  } catch (const std::system_error& error) {
    say(std::string{"failed "} + (error.code() == iocpp::errc::address_in_use ? "address_in_use " : "") + error.what());
    return 1;
  }
  return 0;
}
