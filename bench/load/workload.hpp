// What the load generator can do to a server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace load {

/// How much load a phase makes: so many operations, or as many as begin in a time. The time is looked at once a turn.
class Budget {
 public:
  using Clock = std::chrono::steady_clock;

  static Budget operations(std::uint64_t count) { return Budget{count, Clock::time_point::max()}; }
  static Budget time(std::chrono::duration<double> length) {
    return Budget{UINT64_MAX, Clock::now() + std::chrono::duration_cast<Clock::duration>(length)};
  }

  void look_at_clock() {
    if (end_ != Clock::time_point::max() && Clock::now() >= end_) left_ = 0;
  }
  bool over() const { return left_ == 0; }

  /// Takes leave to begin one operation.
  bool take() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  Budget(std::uint64_t left, Clock::time_point end) : left_{left}, end_{end} {}

  std::uint64_t left_;
  Clock::time_point end_;
};

struct Shape {
  std::uint16_t port = 0;
  unsigned connections = 50;
  std::size_t bytes = 64;  ///< A message, or a write.
  unsigned depth = 1;      ///< Messages of one connection that are on their way at once.
};

/// Runs phases, one after another, each with its own budget. Throws where the server breaks the contract of its mode: a
/// byte that differs, a connection that ends, silence.
class Workload {
 public:
  virtual ~Workload() = default;

  /// Returns the number of operations done. The server has handled all of them then.
  virtual std::uint64_t run(Budget budget) = 0;
};

/// Messages to an echo server over connections that stay; an operation is a message that came back.
std::unique_ptr<Workload> make_echo(const Shape& shape);

/// Writes to a discard server as fast as it reads; an operation is a write that the server has read.
std::unique_ptr<Workload> make_discard(const Shape& shape);

/// Connections that come, echo one message and go; an operation is a connection. `shape.connections` of them at a time.
std::unique_ptr<Workload> make_short(const Shape& shape);

/// Connections that are reset as soon as they are established; an operation is a connection.
std::unique_ptr<Workload> make_reset(const Shape& shape);

}  // namespace load
