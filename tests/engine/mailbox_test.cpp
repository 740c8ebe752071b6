#include "engine/mailbox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "iocpp/error.hpp"

namespace iocpp::engine {
namespace {

std::unique_ptr<Message> message_of(std::size_t bytes, std::uint64_t number = 0) {
  auto message = std::make_unique<Message>(Message::Kind::send);
  message->bytes.resize(bytes);
  message->id = ConnectionId::from_value(number);
  return message;
}

/// What a message weighs beside its bytes.
const std::size_t envelope = message_of(0)->weight();

/// A mailbox that counts its wakes.
struct Box {
  explicit Box(std::size_t bytes_max) : mailbox{bytes_max, [this] { ++wakes; }} {}

  std::error_code put(std::size_t bytes, std::uint64_t number = 0) {
    auto message = message_of(bytes, number);
    const std::error_code error = mailbox.put(message);
    EXPECT_EQ(message == nullptr, !error) << "a message that was not taken is still the sender's, and only that";
    return error;
  }

  std::vector<std::uint64_t> take_all() {
    std::vector<std::uint64_t> numbers;
    mailbox.take_all([&](Message& message) { numbers.push_back(message.id.value()); });
    return numbers;
  }

  std::atomic<unsigned> wakes{0};
  Mailbox mailbox;
};

using Numbers = std::vector<std::uint64_t>;

TEST(Mailbox, hands_out_messages_in_the_order_in_which_they_were_put) {
  Box box{1U << 20};
  for (std::uint64_t number = 1; number <= 4; ++number) EXPECT_FALSE(box.put(10, number));
  EXPECT_EQ(box.take_all(), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(box.take_all(), Numbers{});
}

TEST(Mailbox, keeps_what_a_message_carries) {
  Box box{1U << 20};
  auto message = std::make_unique<Message>(Message::Kind::adopt);
  message->handle = 42;
  message->listener = 3;
  int runs = 0;
  message->task = [&] { ++runs; };
  EXPECT_FALSE(box.mailbox.put(message));
  box.mailbox.take_all([&](Message& taken) {
    EXPECT_EQ(taken.kind, Message::Kind::adopt);
    EXPECT_EQ(taken.handle, 42);
    EXPECT_EQ(taken.listener, 3);
    taken.task();
  });
  EXPECT_EQ(runs, 1);
}

TEST(Mailbox, wakes_for_the_first_message_and_not_for_those_behind_it) {
  Box box{1U << 20};
  EXPECT_EQ(box.wakes, 0U);
  static_cast<void>(box.put(1));
  EXPECT_EQ(box.wakes, 1U);
  static_cast<void>(box.put(1));
  static_cast<void>(box.put(1));
  EXPECT_EQ(box.wakes, 1U);
  box.take_all();
  static_cast<void>(box.put(1));
  EXPECT_EQ(box.wakes, 2U);
}

TEST(Mailbox, takes_messages_up_to_its_bound_and_no_further) {
  Box box{2 * envelope + 100};
  EXPECT_FALSE(box.put(60));
  EXPECT_FALSE(box.put(40)) << "exactly the bound";
  EXPECT_TRUE(box.put(0) == errc::would_block);
  EXPECT_EQ(box.mailbox.times_full(), 1U);
  EXPECT_EQ(box.wakes, 1U);
}

TEST(Mailbox, a_client_that_is_handed_over_is_taken_however_full_it_is) {
  // Clients were turned away for the bytes that other threads had sent to a slow shard.
  Box box{100};
  EXPECT_FALSE(box.put(100));
  EXPECT_TRUE(box.put(0) == errc::would_block);
  auto client = std::make_unique<Message>(Message::Kind::adopt);
  EXPECT_FALSE(box.mailbox.put(client));
  EXPECT_TRUE(box.put(0) == errc::would_block);
}

TEST(Mailbox, a_message_that_was_refused_takes_no_room) {
  Box box{2 * envelope + 100};
  EXPECT_FALSE(box.put(60));
  for (int refused = 0; refused < 10; ++refused) EXPECT_TRUE(box.put(1000) == errc::would_block);
  EXPECT_FALSE(box.put(40));
  EXPECT_EQ(box.mailbox.times_full(), 10U);
}

TEST(Mailbox, what_was_handed_out_makes_room) {
  Box box{envelope + 100};
  for (int round = 0; round < 5; ++round) {
    EXPECT_FALSE(box.put(100));
    EXPECT_TRUE(box.put(100) == errc::would_block);
    box.take_all();
  }
}

TEST(Mailbox, room_is_made_before_a_message_is_handled) {
  // A handler may answer by way of its own mailbox.
  Box box{envelope + 100};
  EXPECT_FALSE(box.put(100, 1));
  std::error_code answer = make_error_code(errc::network);
  box.mailbox.take_all([&](Message&) { answer = box.put(100, 2); });
  EXPECT_FALSE(answer);
  EXPECT_EQ(box.wakes, 2U);
  EXPECT_EQ(box.take_all(), Numbers{2});
}

TEST(Mailbox, a_message_that_is_larger_than_the_bound_is_taken_alone) {
  Box box{100};
  EXPECT_FALSE(box.put(5000, 1));
  EXPECT_TRUE(box.put(0) == errc::would_block);
  EXPECT_TRUE(box.put(5000) == errc::would_block);
  EXPECT_EQ(box.take_all(), Numbers{1});
  EXPECT_FALSE(box.put(5000, 2));
}

TEST(Mailbox, close_hands_out_the_rest_and_refuses_what_comes_later) {
  Box box{1U << 20};
  static_cast<void>(box.put(1, 1));
  static_cast<void>(box.put(1, 2));
  Numbers rest;
  box.mailbox.close([&](Message& message) { rest.push_back(message.id.value()); });
  EXPECT_EQ(rest, (Numbers{1, 2}));
  EXPECT_TRUE(box.put(1, 3) == errc::closed);
  EXPECT_EQ(box.wakes, 1U);
}

TEST(Mailbox, is_empty_and_stays_closed_after_close) {
  Box box{1U << 20};
  box.mailbox.close([](Message&) { FAIL(); });
  EXPECT_EQ(box.take_all(), Numbers{});
  box.mailbox.close([](Message&) { FAIL(); });
  EXPECT_TRUE(box.put(1) == errc::closed);
}

TEST(Mailbox, a_closed_one_says_so_however_large_the_message_and_however_many) {
  Box box{1000};
  static_cast<void>(box.put(1));
  box.mailbox.close([](Message&) {});
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{900}, std::size_t{5000}}) {
    for (int again = 0; again < 3; ++again) EXPECT_TRUE(box.put(bytes) == errc::closed);
  }
  EXPECT_EQ(box.mailbox.times_full(), 0U);
}

TEST(Mailbox, destroys_what_was_never_taken) {
  const auto token = std::make_shared<int>(1);
  {
    Box box{1U << 20};
    auto message = std::make_unique<Message>(Message::Kind::task);
    message->task = [token] {};
    EXPECT_FALSE(box.mailbox.put(message));
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

/// A shard that sleeps until its mailbox wakes it.
class Sleeper {
 public:
  void wake() {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    condition_.notify_one();
  }
  /// False: nobody wakes it any more. The time only bounds how long a lost wake holds the tests up.
  [[nodiscard]] bool sleep() {
    std::unique_lock lock{mutex_};
    if (!condition_.wait_for(lock, std::chrono::seconds{20}, [this] { return woken_; })) return false;
    woken_ = false;
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

TEST(Mailbox, many_senders_and_a_sleeping_shard_lose_neither_a_message_nor_a_wake) {
  constexpr unsigned senders = 4;
  constexpr std::uint64_t each = 20'000;
  Sleeper sleeper;
  // So small that senders find it full now and then.
  Mailbox mailbox{envelope * 50, [&] { sleeper.wake(); }};
  std::atomic<std::uint64_t> refused{0};
  std::vector<std::thread> threads;
  for (unsigned sender = 0; sender < senders; ++sender) {
    threads.emplace_back([&, sender] {
      for (std::uint64_t number = 0; number < each; ++number) {
        auto message = message_of(number % 7, (std::uint64_t{sender} << 32) | number);
        while (mailbox.put(message) == errc::would_block) {
          refused.fetch_add(1, std::memory_order_relaxed);
          std::this_thread::yield();
        }
      }
    });
  }
  std::array<std::uint64_t, senders> next{};
  std::uint64_t taken = 0;
  std::uint64_t misordered = 0;
  while (taken < senders * each && sleeper.sleep()) {
    mailbox.take_all([&](Message& message) {
      const std::uint64_t value = message.id.value();
      misordered += next[value >> 32]++ != (value & 0xffffffffU) ? 1U : 0U;
      misordered += message.bytes.size() != (value & 0xffffffffU) % 7 ? 1U : 0U;
      ++taken;
    });
  }
  // Whoever still waits for room learns that there will be none.
  mailbox.close([](Message&) {});
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, senders * each) << "a message or a wake was lost";
  EXPECT_EQ(misordered, 0U);
  EXPECT_EQ(mailbox.times_full(), refused.load());
}

TEST(Mailbox, messages_that_race_with_close_are_handed_out_or_refused) {
  constexpr unsigned each = 20;
  for (int round = 0; round < 200; ++round) {
    Mailbox mailbox{1U << 20, [] {}};
    std::atomic<unsigned> accepted{0};
    std::vector<std::thread> threads;
    for (int sender = 0; sender < 2; ++sender) {
      threads.emplace_back([&] {
        for (unsigned number = 0; number < each; ++number) {
          auto message = message_of(number);
          const std::error_code error = mailbox.put(message);
          if (!error) accepted.fetch_add(1);
          EXPECT_TRUE(!error || error == errc::closed);
        }
      });
    }
    unsigned handed_out = 0;
    mailbox.take_all([&](Message&) { ++handed_out; });
    mailbox.close([&](Message&) { ++handed_out; });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(handed_out, accepted.load());
  }
}

}  // namespace
}  // namespace iocpp::engine
