// One shard that echoes over a port without a kernel, ready for its first busy turn.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "engine/engine.hpp"
#include "null_port.hpp"

namespace bench {

class NullShard {
 public:
  NullShard(std::uint32_t connections, std::size_t message_bytes, const iocpp::Deadlines& deadlines = {})
      : group_{connections}, engine_{config(deadlines), group_, connections, message_bytes} {
    group_.loops = group_.acceptors = {&engine_};
    if (engine_.open({&echo_})) throw std::runtime_error("the shard does not open");
    while (engine_.core().connections() != connections) engine_.turn();
    for (int turn = 0; turn < 4; ++turn) engine_.turn();
  }
  ~NullShard() {
    group_.request_drain(iocpp::TimePoint{});
    while (engine_.turn()) {
    }
  }
  NullShard(const NullShard&) = delete;
  NullShard& operator=(const NullShard&) = delete;

  /// Each connection receives a message, and its send of the one before has ended.
  void turn() { engine_.turn(); }

  std::uint64_t bytes_sent() const noexcept { return engine_.core().counters().bytes_sent.get(); }

 private:
  struct Echo final : iocpp::Handler {
    void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
  };

  static iocpp::engine::EngineConfig config(const iocpp::Deadlines& deadlines) {
    iocpp::engine::EngineConfig config;
    config.core.deadlines = deadlines;
    config.core.peer_name = &NullPort::peer_name;
    config.listeners = {999};
    return config;
  }

  Echo echo_;
  iocpp::engine::Group group_;
  iocpp::engine::Engine<NullPort> engine_;
};

}  // namespace bench
