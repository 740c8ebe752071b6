// An echo server in a process of its own: it has its own handle limit, and it is another process to whoever wants its
// port.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/peer.hpp"

namespace iocpp::tests {

struct ServerProcessOptions {
  std::uint16_t port = 0;
  unsigned shards = 1;
  bool accept_thread = false;
  unsigned handles = 0;          ///< RLIMIT_NOFILE; 0: as it is.
  std::string backend = "";      ///< By its name; empty: the one under test.
  int io_uring_barred_with = 0;  ///< The errno that a seccomp filter answers to io_uring's calls; 0: none.
};

/// Started by the constructor and ended by the destructor. It answers one line to a line.
class ServerProcess {
 public:
  explicit ServerProcess(const ServerProcessOptions& options);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  /// What it said first: "listening PORT", or "failed ERROR".
  const std::string& greeting() const noexcept { return greeting_; }
  std::uint16_t port() const;

  struct Numbers {
    std::uint64_t accepted, shed, accept_attempts, accept_no_handles, connections_open, disconnected, listeners_waiting;
  };
  Numbers counters();
  /// The backend's name, a colon, and why it was chosen.
  std::string backend() { return ask("backend"); }

  /// The server resets one of its connections. How many accepts it had posted at the time its handle was closed, and
  /// one turn later.
  struct Rearming {
    std::uint64_t attempts_at_close, attempts_a_turn_later;
  };
  Rearming reset_one();

  /// Ends it in order: its exit code.
  int end();

 private:
  std::string ask(const std::string& question);
  std::vector<std::uint64_t> ask_numbers(const std::string& question, std::size_t count);
  std::string read_line();

  pid_t process_ = -1;
  Descriptor to_;
  Descriptor from_;
  std::string unread_;
  std::string greeting_;
};

}  // namespace iocpp::tests
