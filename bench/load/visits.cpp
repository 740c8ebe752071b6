#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "pattern.hpp"
#include "ring.hpp"
#include "socket.hpp"
#include "workload.hpp"

namespace load {

namespace {

enum class Visit { echo, reset };

/// Connections that come and go: each is one chain of linked operations, so that the kernel runs from one to the next.
class Visits : public Workload {
 public:
  Visits(const Shape& shape, Visit visit)
      : shape_{shape},
        visit_{visit},
        address_{server_address(shape.port)},
        pattern_{shape.bytes},
        received_(shape.connections * shape.bytes) {
    for (unsigned slot = 0; slot < shape.connections; ++slot) free_.push_back(slot);
  }
  std::uint64_t run(Budget budget) override;

 private:
  enum Step : std::uint64_t { connect, send, receive, close };
  static constexpr unsigned steps_max = 4;

  std::uint64_t run_batch(Visit visit, Budget& budget);
  void begin(Visit visit);
  void add(unsigned slot, Step step, auto&& prepare);
  void completed(const io_uring_cqe& completion);

  Shape shape_;
  Visit visit_;
  sockaddr_in address_;
  Ring ring_{1024};
  Pattern pattern_;
  std::vector<char> received_;
  std::vector<unsigned> free_;
  unsigned source_ = 0;
};

/// A client that resets does not need the server to make progress, so it would fill the accept queue, and the kernel
/// drops and repeats what comes then. An echo after every so many resets lets the server catch up.
constexpr std::uint64_t resets_between_echoes = 256;

std::uint64_t Visits::run(Budget budget) {
  std::uint64_t done = 0;
  while (!budget.over()) {
    if (visit_ == Visit::echo) {
      done += run_batch(Visit::echo, budget);
      continue;
    }
    Budget batch = Budget::operations(0);
    std::uint64_t granted = 0;
    while (granted < resets_between_echoes && budget.take()) ++granted;
    batch = Budget::operations(granted);
    done += run_batch(Visit::reset, batch);
    Budget one = Budget::operations(1);
    run_batch(Visit::echo, one);
    budget.look_at_clock();
  }
  return done;
}

std::uint64_t Visits::run_batch(Visit visit, Budget& budget) {
  std::uint64_t begun = 0;
  for (;;) {
    while (!free_.empty() && budget.take()) {
      begin(visit);
      ++begun;
    }
    if (free_.size() == shape_.connections) return begun;
    ring_.turn([this](const io_uring_cqe& completion) { completed(completion); });
    budget.look_at_clock();
  }
}

void Visits::begin(Visit visit) {
  unsigned slot = free_.back();
  free_.pop_back();
  int socket = open_socket(source_++);
  ring_.reserve(steps_max);
  add(slot, connect, [&](io_uring_sqe* entry) {
    io_uring_prep_connect(entry, socket, reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
  });
  if (visit == Visit::echo) {
    add(slot, send, [&](io_uring_sqe* entry) {
      io_uring_prep_send(entry, socket, pattern_.at(slot * 97), shape_.bytes, MSG_NOSIGNAL | MSG_WAITALL);
    });
    add(slot, receive, [&](io_uring_sqe* entry) {
      io_uring_prep_recv(entry, socket, received_.data() + slot * shape_.bytes, shape_.bytes, MSG_WAITALL);
    });
  } else {
    reset_on_close(socket);
  }
  add(slot, close, [&](io_uring_sqe* entry) { io_uring_prep_close(entry, socket); });
}

void Visits::add(unsigned slot, Step step, auto&& prepare) {
  io_uring_sqe& entry = ring_.entry();
  prepare(&entry);
  if (step != close) entry.flags |= IOSQE_IO_LINK;
  entry.user_data = std::uint64_t{slot} << 2 | step;
}

void Visits::completed(const io_uring_cqe& completion) {
  auto slot = static_cast<unsigned>(completion.user_data >> 2);
  auto step = static_cast<Step>(completion.user_data & 3);
  bool transfers = step == send || step == receive;
  if (completion.res != (transfers ? static_cast<int>(shape_.bytes) : 0)) {
    const char* names[] = {"connect", "send", "receive", "close"};
    throw std::runtime_error(std::string(names[step]) + " gave " + std::to_string(completion.res));
  }
  if (step == receive && !pattern_.matches(slot * 97, {received_.data() + slot * shape_.bytes, shape_.bytes})) {
    throw std::runtime_error("a short connection got bytes that were not sent");
  }
  if (step == close) free_.push_back(slot);
}

}  // namespace

std::unique_ptr<Workload> make_short(const Shape& shape) {
  return std::make_unique<Visits>(shape, Visit::echo);
}

std::unique_ptr<Workload> make_reset(const Shape& shape) {
  return std::make_unique<Visits>(shape, Visit::reset);
}

}  // namespace load
