#include "base/multi_producer_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "support/latch.hpp"

namespace iocpp {
namespace {

using Push = MultiProducerQueue::Push;

struct Item : QueueNode {
  unsigned producer = 0;
  std::uint64_t number = 0;
  std::uint64_t ticket = 0;
};

std::vector<std::uint64_t> numbers(QueueNode* first) {
  std::vector<std::uint64_t> all;
  for (; first != nullptr; first = first->next) all.push_back(static_cast<Item*>(first)->number);
  return all;
}

template <std::size_t count>
std::array<Item, count> numbered() {
  std::array<Item, count> items;
  for (std::size_t at = 0; at < count; ++at) items[at].number = at;
  return items;
}

TEST(MultiProducerQueue, a_new_queue_has_nothing) {
  MultiProducerQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take_all(), nullptr);
}

TEST(MultiProducerQueue, gives_the_oldest_first_and_all_at_once) {
  MultiProducerQueue queue;
  auto items = numbered<4>();
  for (Item& item : items) queue.push(item);
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(numbers(queue.take_all()), (std::vector<std::uint64_t>{0, 1, 2, 3}));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take_all(), nullptr);
}

TEST(MultiProducerQueue, tells_the_first_of_each_batch_that_it_must_wake_the_consumer) {
  MultiProducerQueue queue;
  auto items = numbered<4>();
  EXPECT_EQ(queue.push(items[0]), Push::first);
  EXPECT_EQ(queue.push(items[1]), Push::behind);
  queue.take_all();
  EXPECT_EQ(queue.push(items[2]), Push::first);
  EXPECT_EQ(queue.push(items[3]), Push::behind);
}

TEST(MultiProducerQueue, a_taken_node_may_be_pushed_again) {
  MultiProducerQueue queue;
  Item item;
  EXPECT_EQ(queue.push(item), Push::first);
  queue.take_all();
  EXPECT_EQ(queue.push(item), Push::first);
  EXPECT_EQ(queue.take_all(), &item);
}

TEST(MultiProducerQueue, close_gives_the_rest_and_bars_what_comes_later) {
  MultiProducerQueue queue;
  auto items = numbered<3>();
  queue.push(items[0]);
  queue.push(items[1]);
  EXPECT_EQ(numbers(queue.close()), (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(queue.push(items[2]), Push::closed);
  EXPECT_EQ(items[2].next, nullptr);
}

TEST(MultiProducerQueue, closing_an_empty_queue_gives_nothing) {
  MultiProducerQueue queue;
  EXPECT_EQ(queue.close(), nullptr);
  Item item;
  EXPECT_EQ(queue.push(item), Push::closed);
}

TEST(MultiProducerQueue, stays_closed_and_empty_whatever_is_asked_of_it) {
  // A consumer that looked once more after close() was handed the closed mark as if it were a node, and the queue was
  // open again.
  MultiProducerQueue queue;
  Item item;
  static_cast<void>(queue.close());
  EXPECT_EQ(queue.take_all(), nullptr);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.push(item), Push::closed);
  EXPECT_EQ(queue.close(), nullptr);
  EXPECT_EQ(queue.push(item), Push::closed);
}

/// Producers that push items numbered in their own order, each stamped with a ticket, and a consumer that checks what
/// comes out.
class Contest {
 public:
  static constexpr unsigned producers = 4;
  static constexpr std::uint64_t each = 50'000;

  void run() {
    std::vector<std::thread> threads;
    for (unsigned producer = 0; producer < producers; ++producer) {
      items_.push_back(std::make_unique<Item[]>(each));
      threads.emplace_back([this, producer] { produce(producer); });
    }
    while (taken_ < producers * each) {
      std::uint64_t batch = 0;
      for (QueueNode* node = queue_.take_all(); node != nullptr; node = node->next) {
        check(static_cast<const Item&>(*node));
        ++batch;
      }
      if (batch != 0) ++batches_;
      if (batch == 0) std::this_thread::yield();
      taken_ += batch;
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::uint64_t taken() const { return taken_; }
  std::uint64_t misordered() const { return misordered_; }
  std::uint64_t overtaken() const { return overtaken_; }
  std::uint64_t batches() const { return batches_; }
  std::uint64_t firsts() const { return firsts_.load(); }
  bool nothing_left() { return queue_.take_all() == nullptr; }

 private:
  void produce(unsigned producer) {
    start_.arrive_and_wait();
    for (std::uint64_t number = 0; number < each; ++number) {
      Item& item = items_of(producer)[number];
      item.producer = producer;
      item.number = number;
      // Every push that has ended by now happened before this one, whoever made it.
      item.ticket = ended_.load(std::memory_order_acquire);
      if (queue_.push(item) == Push::first) firsts_.fetch_add(1, std::memory_order_relaxed);
      ended_.fetch_add(1, std::memory_order_acq_rel);
    }
  }

  Item* items_of(unsigned producer) { return items_[producer].get(); }

  void check(const Item& item) {
    if (item.number != next_[item.producer]++) ++misordered_;
    // `ticket` pushes had ended before this one began, so at least as many must have come out before it.
    if (item.ticket > checked_) ++overtaken_;
    ++checked_;
  }

  MultiProducerQueue queue_;
  tests::Latch start_{producers};
  std::vector<std::unique_ptr<Item[]>> items_ = reserved();
  std::atomic<std::uint64_t> ended_{0};
  std::atomic<std::uint64_t> firsts_{0};
  std::array<std::uint64_t, producers> next_{};
  std::uint64_t taken_ = 0;
  std::uint64_t checked_ = 0;
  std::uint64_t misordered_ = 0;
  std::uint64_t overtaken_ = 0;
  std::uint64_t batches_ = 0;

  // The threads read the vector while later ones are still being made, so it must not grow.
  static std::vector<std::unique_ptr<Item[]>> reserved() {
    std::vector<std::unique_ptr<Item[]>> items;
    items.reserve(producers);
    return items;
  }
};

TEST(MultiProducerQueue, four_producers_lose_nothing_and_keep_the_order_in_which_pushes_happened) {
  Contest contest;
  contest.run();
  EXPECT_EQ(contest.taken(), Contest::producers * Contest::each);
  EXPECT_EQ(contest.misordered(), 0U) << "a producer's own order was broken";
  EXPECT_EQ(contest.overtaken(), 0U) << "a push came out before one that had ended before it began";
  EXPECT_EQ(contest.firsts(), contest.batches()) << "each batch has exactly one producer that wakes the consumer";
  EXPECT_TRUE(contest.nothing_left());
}

TEST(MultiProducerQueue, a_push_that_was_seen_to_end_comes_out_before_one_that_begins_after) {
  constexpr unsigned rounds = 20'000;
  MultiProducerQueue queue;
  auto leading = std::make_unique<Item[]>(rounds);
  auto following = std::make_unique<Item[]>(rounds);
  std::atomic<unsigned> pushed{0};
  std::atomic<unsigned> followed{0};
  std::thread leader{[&] {
    for (unsigned round = 0; round < rounds; ++round) {
      leading[round].number = 2ULL * round;
      queue.push(leading[round]);
      pushed.store(round + 1, std::memory_order_release);
      while (followed.load(std::memory_order_acquire) <= round) std::this_thread::yield();
    }
  }};
  std::thread follower{[&] {
    for (unsigned round = 0; round < rounds; ++round) {
      following[round].number = 2ULL * round + 1;
      while (pushed.load(std::memory_order_acquire) <= round) std::this_thread::yield();
      queue.push(following[round]);
      followed.store(round + 1, std::memory_order_release);
    }
  }};
  std::uint64_t expected = 0;
  std::uint64_t wrong = 0;
  while (expected < 2ULL * rounds) {
    QueueNode* node = queue.take_all();
    if (node == nullptr) std::this_thread::yield();
    for (; node != nullptr; node = node->next) wrong += static_cast<Item*>(node)->number != expected++ ? 1U : 0U;
  }
  leader.join();
  follower.join();
  EXPECT_EQ(wrong, 0U);
}

TEST(MultiProducerQueue, a_node_is_the_consumers_to_free_as_soon_as_it_is_pushed) {
  // push() read the node's link after it had handed the node over, to tell whether it was the first. The sanitizers see
  // it here.
  constexpr unsigned rounds = 50'000;
  MultiProducerQueue queue;
  std::atomic<unsigned> firsts{0};
  std::thread producer{[&] {
    for (unsigned round = 0; round < rounds; ++round) {
      if (queue.push(*std::make_unique<Item>().release()) == Push::first) firsts.fetch_add(1);
    }
  }};
  unsigned batches = 0;
  for (unsigned taken = 0; taken < rounds;) {
    QueueNode* node = queue.take_all();
    batches += node != nullptr ? 1U : 0U;
    if (node == nullptr) std::this_thread::yield();
    for (; node != nullptr; ++taken) {
      const std::unique_ptr<Item> item{static_cast<Item*>(node)};
      node = node->next;
    }
  }
  producer.join();
  EXPECT_EQ(firsts.load(), batches);
}

TEST(MultiProducerQueue, what_races_with_close_is_either_handed_out_or_refused) {
  constexpr unsigned rounds = 300;
  constexpr unsigned each = 20;
  for (unsigned round = 0; round < rounds; ++round) {
    MultiProducerQueue queue;
    std::array<std::array<Item, each>, 2> items;
    std::array<unsigned, 2> accepted{};
    tests::Latch start{3};
    std::vector<std::thread> threads;
    for (unsigned producer = 0; producer < 2; ++producer) {
      threads.emplace_back([&, producer] {
        start.arrive_and_wait();
        for (Item& item : items[producer]) accepted[producer] += queue.push(item) != Push::closed ? 1U : 0U;
      });
    }
    start.arrive_and_wait();
    std::size_t handed_out = numbers(queue.take_all()).size();
    handed_out += numbers(queue.close()).size();
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(handed_out, accepted[0] + accepted[1]);
  }
}

}  // namespace
}  // namespace iocpp
