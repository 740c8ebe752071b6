#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "pattern.hpp"
#include "ring.hpp"
#include "socket.hpp"
#include "workload.hpp"

namespace load {

namespace {

/// Each phase has connections of its own, and ends them: a server that closes has read everything.
class Discard : public Workload {
 public:
  explicit Discard(const Shape& shape) : shape_{shape}, pattern_{shape.bytes}, sockets_(shape.connections, -1) {}
  ~Discard() override { close_all(); }
  std::uint64_t run(Budget budget) override;

 private:
  void write(std::size_t index);
  void await_end(std::size_t index);
  void close_all();

  Shape shape_;
  Ring ring_{1024};
  Pattern pattern_;
  std::vector<int> sockets_;
  char byte_ = 0;
};

std::uint64_t Discard::run(Budget budget) {
  std::uint64_t done = 0;
  std::size_t open = sockets_.size();
  std::vector<bool> ending(sockets_.size());
  for (std::size_t index = 0; index < sockets_.size(); ++index) {
    sockets_[index] = connect_socket(shape_.port, static_cast<unsigned>(index));
  }
  auto write_or_end = [&](std::size_t index) {
    if (budget.take()) return write(index);
    ending[index] = true;
    await_end(index);
  };
  for (std::size_t index = 0; index < sockets_.size(); ++index) write_or_end(index);
  while (open > 0) {
    ring_.turn([&](const io_uring_cqe& completion) {
      std::size_t index = completion.user_data;
      int expected = ending[index] ? 0 : static_cast<int>(shape_.bytes);
      if (completion.res != expected) {
        throw std::runtime_error("connection " + std::to_string(index) + ": " + std::to_string(completion.res) +
                                 " in place of " + std::to_string(expected));
      }
      if (ending[index]) {
        --open;
      } else {
        ++done;
        write_or_end(index);
      }
    });
    // Where both share a core, the server is to read what one turn wrote before more is written: megabytes that wait in
    // the kernel would measure the memory and not the server.
    sched_yield();
    budget.look_at_clock();
  }
  close_all();
  return done;
}

void Discard::write(std::size_t index) {
  io_uring_sqe& entry = ring_.entry();
  io_uring_prep_send(&entry, sockets_[index], pattern_.at(0), shape_.bytes, MSG_NOSIGNAL | MSG_WAITALL);
  entry.user_data = index;
}

void Discard::await_end(std::size_t index) {
  shutdown(sockets_[index], SHUT_WR);
  io_uring_sqe& entry = ring_.entry();
  io_uring_prep_recv(&entry, sockets_[index], &byte_, 1, 0);
  entry.user_data = index;
}

void Discard::close_all() {
  for (int& socket : sockets_) {
    if (socket >= 0) close(socket);
    socket = -1;
  }
}

}  // namespace

std::unique_ptr<Workload> make_discard(const Shape& shape) {
  return std::make_unique<Discard>(shape);
}

}  // namespace load
