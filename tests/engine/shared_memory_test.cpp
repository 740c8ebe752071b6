// What an operation costs other shards: not one cache line. Shards that echo run while all that they share can't be
// written.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "engine/engine.hpp"
#include "micro/null_port.hpp"

namespace iocpp::engine {
namespace {

using namespace std::chrono_literals;

/// An object alone on its pages.
template <class Object>
class Paged {
 public:
  template <class... Arguments>
  explicit Paged(Arguments&&... arguments)
      : pages_{::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
    if (pages_ == MAP_FAILED) throw std::system_error{errno, std::generic_category(), "mmap"};
    object_ = new (pages_) Object(std::forward<Arguments>(arguments)...);
  }
  ~Paged() {
    object_->~Object();
    ::munmap(pages_, bytes);
  }
  Paged(const Paged&) = delete;
  Paged& operator=(const Paged&) = delete;

  Object& operator*() noexcept { return *object_; }
  Object* operator->() noexcept { return object_; }
  /// Who writes to it ends the process.
  void forbid_writes() { ASSERT_EQ(::mprotect(pages_, bytes, PROT_READ), 0); }
  void allow_writes() { ASSERT_EQ(::mprotect(pages_, bytes, PROT_READ | PROT_WRITE), 0); }

 private:
  static constexpr std::size_t bytes = (sizeof(Object) + 4095) / 4096 * 4096;
  void* pages_;
  Object* object_ = nullptr;
};

struct Echo final : Handler {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

class SharedMemory : public ::testing::Test {
 protected:
  using Shard = Engine<bench::NullPort>;
  static constexpr std::uint32_t clients = 50;

  SharedMemory() {
    group_->loops = group_->acceptors = {&*busy_, &*other_};
    for (Paged<Shard>* shard : {&busy_, &other_}) {
      EXPECT_FALSE((*shard)->open({&echo_}));
      while ((*shard)->core().connections() != clients) (*shard)->turn();
      for (int turn = 0; turn < 16; ++turn) (*shard)->turn();
    }
  }
  ~SharedMemory() override {
    group_->request_drain(TimePoint{});
    for (Paged<Shard>* shard : {&busy_, &other_}) {
      while ((*shard)->turn()) {
      }
    }
  }

  static EngineConfig config() {
    EngineConfig config;
    config.core.deadlines.idle = 30s;
    config.core.peer_name = &bench::NullPort::peer_name;
    config.listeners = {999};
    return config;
  }
  static Limits limits() {
    Limits limits;
    limits.connections_max = 1'000;
    limits.connections_per_address = 500;
    limits.accepts_per_second = 100'000;
    return limits;
  }

  Echo echo_;
  Paged<Group> group_{limits(), HashKey{1, 2}, std::size_t{64} << 20, std::size_t{2}};
  Paged<Shard> busy_{config(), *group_, clients, std::size_t{64}};
  Paged<Shard> other_{config(), *group_, clients, std::size_t{64}};
};

TEST_F(SharedMemory, is_not_written_by_messages) {
  group_.forbid_writes();
  other_.forbid_writes();
  const std::uint64_t before = busy_->core().counters().bytes_sent.get();
  for (int turn = 0; turn < 100; ++turn) busy_->turn();
  group_.allow_writes();
  other_.allow_writes();
  EXPECT_EQ(busy_->core().counters().bytes_sent.get() - before, 100U * clients * 64);
}

// The system says so where it is asked to write there.
TEST_F(SharedMemory, can_not_be_written_meanwhile) {
  group_.forbid_writes();
  const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(::read(zeros, &group_->drain_deadline, 1), -1);
  EXPECT_EQ(errno, EFAULT);
  ::close(zeros);
  group_.allow_writes();
}

/// Where the parts of a loop lie.
struct Parts : Loop {
  static std::uintptr_t end_of_others(Loop& loop) { return address(&(loop.*&Parts::waits_for_place_) + 1); }
  static std::uintptr_t address(const void* byte) { return reinterpret_cast<std::uintptr_t>(byte); }
};

// What other threads write of a loop shares no line with what the loop itself uses, before it and after it.
TEST_F(SharedMemory, of_a_loop_is_on_lines_of_its_own) {
  const std::uintptr_t mailbox = Parts::address(&busy_->mailbox());
  const std::uintptr_t core = Parts::address(&busy_->core());
  EXPECT_EQ(mailbox % cache_line, 0U);
  EXPECT_GT(mailbox, Parts::address(&*busy_));
  EXPECT_EQ(core % cache_line, 0U);
  EXPECT_LE(Parts::end_of_others(*busy_), core);
  EXPECT_EQ(sizeof(Shard) % cache_line, 0U);
}

}  // namespace
}  // namespace iocpp::engine
