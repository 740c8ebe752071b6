// Echo on io_uring without a library, by the best technique known: the bar for everything else.
//
// One system call a turn. Receives are multishot into incremental buffers, and bytes are sent from where they were
// received. Sends complete while they are submitted and post no completion, but where the peer is too slow for one.
#include <liburing.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "listener.hpp"

namespace {

// Newer than liburing 2.3: the kernel's include/uapi/linux/io_uring.h.
constexpr std::uint16_t pbuf_ring_inc = 2;  // IOU_PBUF_RING_INC, 6.12
constexpr unsigned cqe_buf_more = 1U << 4;  // IORING_CQE_F_BUF_MORE, 6.12
constexpr std::size_t buffer_bytes = 256U << 10;
constexpr unsigned buffer_count = 8;
constexpr int buffer_group = 0;

int check(int result, const char* what) {
  if (result < 0) errno = -result;
  return bench::check(result, what);
}

/// Buffers that the kernel fills one after another, a receive behind the other.
class Buffers {
 public:
  explicit Buffers(io_uring& ring) : storage_(buffer_count * buffer_bytes) {
    void* memory =
        mmap(nullptr, buffer_count * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) check(-ENOMEM, "mmap");
    entries_ = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = buffer_count;
    registration.bgid = buffer_group;
    registration.pad = pbuf_ring_inc;  // named `flags` since liburing 2.4
    check(io_uring_register_buf_ring(&ring, &registration, 0), "incremental buffers");
    for (unsigned index = 0; index < buffer_count; ++index) give_back(index);
  }

  /// Where the bytes of a completed receive are. They stay until `release` was called as often.
  const char* take(const io_uring_cqe& completion) {
    unsigned index = index_of(completion);
    Buffer& buffer = buffers_[index];
    const char* bytes = storage_.data() + index * buffer_bytes + buffer.filled;
    buffer.filled += static_cast<std::size_t>(completion.res);
    buffer.full = !(completion.flags & cqe_buf_more);
    ++buffer.uses;
    return bytes;
  }

  void release(unsigned index) {
    Buffer& buffer = buffers_[index];
    if (--buffer.uses == 0 && buffer.full) give_back(index);
  }

  static unsigned index_of(const io_uring_cqe& completion) { return completion.flags >> IORING_CQE_BUFFER_SHIFT; }

 private:
  struct Buffer {
    std::size_t filled = 0;
    unsigned uses = 0;
    bool full = false;
  };

  void give_back(unsigned index) {
    buffers_[index] = {};
    io_uring_buf_ring_add(entries_, storage_.data() + index * buffer_bytes, buffer_bytes,
                          static_cast<unsigned short>(index), io_uring_buf_ring_mask(buffer_count), 0);
    io_uring_buf_ring_advance(entries_, 1);
  }

  std::vector<char> storage_;
  std::array<Buffer, buffer_count> buffers_{};
  io_uring_buf_ring* entries_ = nullptr;
};

/// Bytes to send that lie in one buffer.
struct Piece {
  const char* bytes = nullptr;
  std::size_t size = 0;
  unsigned buffer = 0;
  unsigned uses = 0;  // receives that brought them
};

struct Connection {
  Piece in_flight;          // here and in `next`, `uses` is 0 where there is none
  Piece next;               // behind it; nearly always the only one, so that no vector is touched
  std::vector<Piece> rest;  // behind that, in order
  std::vector<char> late;   // bytes of a slow peer, being sent
  std::vector<char> later;  // ... and what came behind them
  bool open = false;
  bool receiving = false;  // a receive is armed
  bool ended = false;      // the peer's stream is over
  bool slow = false;
  bool touched = false;
};

enum Operation : std::uint64_t { accept, receive, cancel_receive, send, send_late, close };

class Server {
 public:
  explicit Server(const bench::Arguments& arguments) : mode_{arguments.mode} {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 32768;
    check(io_uring_queue_init_params(4096, &ring_, &parameters), "io_uring_setup");
    check(io_uring_register_ring_fd(&ring_), "register the ring");
    buffers_ = std::make_unique<Buffers>(ring_);
    listener_ = bench::listen_on(arguments.port, 0);
    arm_accept();
  }

  [[noreturn]] void run() {
    for (;;) {
      int result = io_uring_submit_and_wait(&ring_, 1);
      if (result != -EINTR) check(result, "io_uring_enter");
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* completion = nullptr;
      io_uring_for_each_cqe(&ring_, head, completion) {
        handle(*completion);
        ++seen;
      }
      io_uring_cq_advance(&ring_, seen);
      // What the kernel holds back could be a send's failure, and its silence would count as success.
      if (io_uring_cq_has_overflow(&ring_)) check(-EOVERFLOW, "completion queue");
      finish_sends();
      flush();
    }
  }

 private:
  io_uring_sqe& entry() {
    io_uring_sqe* free = io_uring_get_sqe(&ring_);
    if (free != nullptr) return *free;
    check(io_uring_submit(&ring_), "io_uring_enter");
    return *io_uring_get_sqe(&ring_);
  }

  static std::uint64_t tag(Operation operation, int socket) {
    return static_cast<std::uint64_t>(socket) << 8 | operation;
  }

  Connection& at(int socket) { return connections_[static_cast<std::size_t>(socket)]; }

  void touch(int socket) {
    if (!at(socket).touched) touched_.push_back(socket);
    at(socket).touched = true;
  }

  void arm_accept() {
    io_uring_sqe& sqe = entry();
    io_uring_prep_multishot_accept(&sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    sqe.user_data = tag(accept, listener_);
  }

  void arm_receive(int socket) {
    io_uring_sqe& sqe = entry();
    io_uring_prep_recv_multishot(&sqe, socket, nullptr, 0, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_group;
    sqe.user_data = tag(receive, socket);
    at(socket).receiving = true;
  }

  void handle(const io_uring_cqe& completion) {
    int socket = static_cast<int>(completion.user_data >> 8);
    switch (static_cast<Operation>(completion.user_data & 0xff)) {
      case accept:
        return accepted(completion);
      case receive:
        return received(socket, completion);
      case send:
        return sent(socket, completion.res);
      case send_late:
        return sent_late(socket, completion.res);
      case cancel_receive:
      case close:
        return;
    }
  }

  void accepted(const io_uring_cqe& completion) {
    if (completion.res >= 0) {
      auto index = static_cast<std::size_t>(completion.res);
      if (index >= connections_.size()) connections_.resize(index * 2);
      at(completion.res).open = true;
      at(completion.res).ended = false;
      arm_receive(completion.res);
    } else if (completion.res != -ECONNABORTED) {
      check(completion.res, "accept");
    }
    if (!(completion.flags & IORING_CQE_F_MORE)) arm_accept();
  }

  void received(int socket, const io_uring_cqe& completion) {
    Connection& connection = at(socket);
    if (completion.res > 0) take(socket, completion);
    if (completion.flags & IORING_CQE_F_MORE) return;
    connection.receiving = false;
    connection.ended = completion.res <= 0 && completion.res != -ENOBUFS && completion.res != -ECANCELED;
    touch(socket);
  }

  void take(int socket, const io_uring_cqe& completion) {
    Connection& connection = at(socket);
    Piece piece{buffers_->take(completion), static_cast<std::size_t>(completion.res), Buffers::index_of(completion), 1};
    if (mode_ == bench::Mode::discard) return buffers_->release(piece.buffer);
    if (connection.slow) return set_aside(piece, connection.later);
    Piece& last = connection.rest.empty() ? connection.next : connection.rest.back();
    if (last.uses == 0) {
      last = piece;
    } else if (last.buffer == piece.buffer && last.bytes + last.size == piece.bytes) {
      last.size += piece.size;
      ++last.uses;
    } else {
      connection.rest.push_back(piece);
    }
    touch(socket);
  }

  void release(Piece& piece) {
    for (; piece.uses > 0; --piece.uses) buffers_->release(piece.buffer);
  }

  void set_aside(Piece piece, std::vector<char>& bytes) {
    bytes.insert(bytes.end(), piece.bytes, piece.bytes + piece.size);
    release(piece);
  }

  void flush() {
    for (int socket : touched_) {
      Connection& connection = at(socket);
      connection.touched = false;
      if (connection.slow) continue;
      if (connection.next.uses > 0) {
        send_first(socket);
      } else if (connection.ended && connection.open) {
        end(socket);
      }
      if (!connection.receiving && !connection.ended) arm_receive(socket);
    }
    touched_.clear();
  }

  // It never waits (MSG_DONTWAIT), and less than all is a failure (MSG_WAITALL) that posts a completion: without one,
  // everything has been sent when the submission returns. Where more is to be done for the connection then, a
  // completion has to wake us.
  void send_first(int socket) {
    Connection& connection = at(socket);
    connection.in_flight = std::exchange(connection.next, {});
    if (!connection.rest.empty()) {
      connection.next = connection.rest.front();
      connection.rest.erase(connection.rest.begin());
    }
    io_uring_sqe& sqe = entry();
    io_uring_prep_send(&sqe, socket, connection.in_flight.bytes, connection.in_flight.size,
                       MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    if (connection.next.uses == 0 && !connection.ended) sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = tag(send, socket);
    in_flight_.push_back(socket);
  }

  void finish_sends() {
    for (int socket : in_flight_) {
      Connection& connection = at(socket);
      release(connection.in_flight);
      if (connection.next.uses > 0 || connection.ended) touch(socket);
    }
    in_flight_.clear();
  }

  void sent(int socket, int result) {
    Connection& connection = at(socket);
    if (result == static_cast<int>(connection.in_flight.size)) return;
    if (result < 0 && result != -EAGAIN) return fail(socket);
    fall_behind(socket, result < 0 ? 0 : static_cast<std::size_t>(result));
  }

  // The receive buffers are for all connections: what a slow peer has not taken is copied out of them, and no more is
  // received from it until it has.
  void fall_behind(int socket, std::size_t sent) {
    Connection& connection = at(socket);
    connection.slow = true;
    connection.in_flight.bytes += sent;
    connection.in_flight.size -= sent;
    set_aside(std::exchange(connection.in_flight, {}), connection.late);
    set_aside(std::exchange(connection.next, {}), connection.late);
    for (const Piece& piece : connection.rest) set_aside(piece, connection.late);
    connection.rest.clear();
    send_all_late(socket);
    if (!connection.receiving) return;
    io_uring_sqe& sqe = entry();
    io_uring_prep_cancel64(&sqe, tag(receive, socket), 0);
    sqe.user_data = tag(cancel_receive, socket);
  }

  void send_all_late(int socket) {
    Connection& connection = at(socket);
    io_uring_sqe& sqe = entry();
    io_uring_prep_send(&sqe, socket, connection.late.data(), connection.late.size(), MSG_NOSIGNAL | MSG_WAITALL);
    sqe.user_data = tag(send_late, socket);
  }

  void sent_late(int socket, int result) {
    Connection& connection = at(socket);
    if (result != static_cast<int>(connection.late.size())) return fail(socket);
    connection.late.clear();
    connection.late.swap(connection.later);
    if (!connection.late.empty()) return send_all_late(socket);
    connection.slow = false;
    touch(socket);
  }

  // The peer has gone; the receive that is armed reports it too, as the terminal completion that `flush` waits for.
  void fail(int socket) {
    Connection& connection = at(socket);
    release(connection.next);
    for (Piece& piece : connection.rest) release(piece);
    connection.rest.clear();
    connection.late.clear();
    connection.later.clear();
    connection.slow = false;
    if (!connection.receiving) connection.ended = true;
    touch(socket);
  }

  void end(int socket) {
    at(socket).open = false;
    io_uring_sqe& sqe = entry();
    io_uring_prep_close(&sqe, socket);
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = tag(close, socket);
  }

  bench::Mode mode_;
  io_uring ring_{};
  int listener_ = -1;
  std::unique_ptr<Buffers> buffers_;
  std::vector<Connection> connections_ = std::vector<Connection>(1024);
  std::vector<int> touched_;
  std::vector<int> in_flight_;
};

}  // namespace

int main(int count, char** words) {
  auto server = std::make_unique<Server>(bench::parse_arguments(count, words));
  server->run();
}
