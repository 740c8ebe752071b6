#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pattern.hpp"
#include "ring.hpp"
#include "socket.hpp"
#include "workload.hpp"

namespace load {

namespace {

struct Stream {
  int socket = -1;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  std::size_t due_bytes =
      0;  // messages that may be sent; those of one turn go out together, as a pipelining client's do
  std::size_t sending_bytes = 0;  // one send at a time keeps the order
  bool wants_flush = false;
};

class Echo : public Workload {
 public:
  explicit Echo(const Shape& shape);
  ~Echo() override;
  std::uint64_t run(Budget budget) override;

 private:
  enum Operation : std::uint64_t { receive, send };

  void arm_receive(std::size_t index);
  void grant(std::size_t index, std::uint64_t messages);
  void flush();
  void received(std::size_t index, const io_uring_cqe& completion);
  void sent(std::size_t index, int result);

  Shape shape_;
  Ring ring_{4096};
  Pattern pattern_;
  std::size_t buffer_bytes_;
  ReceiveBuffers buffers_;
  std::vector<Stream> streams_;
  std::vector<std::size_t> to_flush_;
  std::vector<std::size_t> out_of_buffers_;
  std::optional<Budget> budget_;
  std::uint64_t on_their_way_ = 0;
  std::uint64_t done_ = 0;
};

std::size_t receive_bytes(const Shape& shape) {
  return std::clamp<std::size_t>(std::bit_ceil(shape.bytes * shape.depth), 1024, 65536);
}

Echo::Echo(const Shape& shape)
    : shape_{shape},
      pattern_{std::max<std::size_t>(shape.bytes * shape.depth, 65536)},
      buffer_bytes_{receive_bytes(shape)},
      buffers_{ring_, std::bit_ceil(std::clamp(shape.connections * 2, 64U, 4096U)), buffer_bytes_},
      streams_(shape.connections) {
  for (std::size_t index = 0; index < streams_.size(); ++index) {
    streams_[index].socket = connect_socket(shape.port, static_cast<unsigned>(index));
    streams_[index].sent_bytes = streams_[index].received_bytes = index * 97;  // so that mixed-up streams differ
    arm_receive(index);
  }
}

Echo::~Echo() {
  for (const Stream& stream : streams_) close(stream.socket);
}

std::uint64_t Echo::run(Budget budget) {
  budget_ = budget;
  done_ = 0;
  for (std::size_t index = 0; index < streams_.size(); ++index) grant(index, shape_.depth);
  while (on_their_way_ > 0) {
    flush();
    ring_.turn([this](const io_uring_cqe& completion) {
      std::size_t index = completion.user_data >> 1;
      if ((completion.user_data & 1) == receive) {
        received(index, completion);
      } else {
        sent(index, completion.res);
      }
    });
    budget_->look_at_clock();
  }
  return done_;
}

void Echo::arm_receive(std::size_t index) {
  io_uring_sqe& entry = ring_.entry();
  io_uring_prep_recv_multishot(&entry, streams_[index].socket, nullptr, 0, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = ReceiveBuffers::group;
  entry.user_data = index << 1 | receive;
}

void Echo::grant(std::size_t index, std::uint64_t messages) {
  Stream& stream = streams_[index];
  for (; messages > 0 && budget_->take(); --messages) {
    stream.due_bytes += shape_.bytes;
    ++on_their_way_;
  }
  if (stream.due_bytes > 0 && stream.sending_bytes == 0 && !stream.wants_flush) {
    stream.wants_flush = true;
    to_flush_.push_back(index);
  }
}

void Echo::flush() {
  for (std::size_t index : to_flush_) {
    Stream& stream = streams_[index];
    stream.wants_flush = false;
    stream.sending_bytes = std::exchange(stream.due_bytes, 0);
    io_uring_sqe& entry = ring_.entry();
    io_uring_prep_send(&entry, stream.socket, pattern_.at(stream.sent_bytes), stream.sending_bytes,
                       MSG_NOSIGNAL | MSG_WAITALL);
    entry.user_data = index << 1 | send;
  }
  to_flush_.clear();
  for (std::size_t index : out_of_buffers_) arm_receive(index);
  out_of_buffers_.clear();
}

void Echo::received(std::size_t index, const io_uring_cqe& completion) {
  if (completion.res == -ENOBUFS) {
    out_of_buffers_.push_back(index);
    return;
  }
  if (completion.res <= 0) {
    throw std::runtime_error("connection " + std::to_string(index) + " ended: " + std::to_string(completion.res));
  }
  Stream& stream = streams_[index];
  std::span<const char> bytes = buffers_.bytes(completion);
  if (stream.received_bytes + bytes.size() > stream.sent_bytes + stream.sending_bytes ||
      !pattern_.matches(stream.received_bytes, bytes)) {
    throw std::runtime_error("connection " + std::to_string(index) + " got bytes that were not sent, after " +
                             std::to_string(stream.received_bytes - index * 97));
  }
  std::uint64_t before = (stream.received_bytes - index * 97) / shape_.bytes;
  stream.received_bytes += bytes.size();
  std::uint64_t messages = (stream.received_bytes - index * 97) / shape_.bytes - before;
  buffers_.give_back(completion);
  if (!(completion.flags & IORING_CQE_F_MORE)) out_of_buffers_.push_back(index);
  done_ += messages;
  on_their_way_ -= messages;
  grant(index, messages);
}

void Echo::sent(std::size_t index, int result) {
  Stream& stream = streams_[index];
  if (result < 0 || static_cast<std::size_t>(result) != stream.sending_bytes) {
    throw std::runtime_error("connection " + std::to_string(index) + " could not send: " + std::to_string(result));
  }
  stream.sent_bytes += std::exchange(stream.sending_bytes, 0);
  grant(index, 0);
}

}  // namespace

std::unique_ptr<Workload> make_echo(const Shape& shape) {
  return std::make_unique<Echo>(shape);
}

}  // namespace load
