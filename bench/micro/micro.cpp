// What the library's own parts cost, without a kernel (Google Benchmark). `scripts/bench-micro` runs it.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "base/prng.hpp"
#include "core/byte_queue.hpp"
#include "core/slot_table.hpp"
#include "core/timer_queue.hpp"
#include "engine/mailbox.hpp"
#include "iocpp/options.hpp"
#include "null_shard.hpp"

namespace {

using namespace iocpp;

/// A receive, its send, and the end of the send before: what an echo costs beside the kernel. One clock read a turn.
void echo_of_64_bytes(benchmark::State& state) {
  bench::NullShard shard{static_cast<std::uint32_t>(state.range(0)), 64};
  for (auto _ : state) shard.turn();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(echo_of_64_bytes)->ArgName("connections")->Arg(1)->Arg(50)->Arg(1000)->Arg(10'000);

void echo_of_16_kib(benchmark::State& state) {
  bench::NullShard shard{50, 16U << 10};
  for (auto _ : state) shard.turn();
  state.SetItemsProcessed(state.iterations() * 50);
}
BENCHMARK(echo_of_16_kib);

void clock_read(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(bench::time_now());
}
BENCHMARK(clock_read);

void slot_taken_and_released(benchmark::State& state) {
  core::SlotTable table;
  for (auto _ : state) {
    core::Slot* slot = table.take();
    slot->state = core::SlotState::open;
    benchmark::DoNotOptimize(table.find(slot->index, slot->generation));
    table.release(*slot);
  }
}
BENCHMARK(slot_taken_and_released);

void queue_appended_and_consumed(benchmark::State& state) {
  core::BlockPool pool;
  core::ByteQueue queue;
  const std::vector<std::byte> message(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    queue.append(pool, message);
    benchmark::DoNotOptimize(queue.front());
    queue.consume(pool, message.size());
  }
}
BENCHMARK(queue_appended_and_consumed)->ArgName("bytes")->Arg(64)->Arg(4096)->Arg(65'536);

/// A deadline is moved at each message, with so many others armed.
void timer_moved(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const TimePoint now = bench::time_now();
  core::TimerQueue queue;
  queue.begin(now);
  Prng prng{1};
  std::vector<core::Timer> timers(count);
  const auto deadline = [&] { return now + std::chrono::milliseconds{1 + prng.below(600'000)}; };
  for (core::Timer& timer : timers) queue.arm(timer, deadline());
  std::size_t next = 0;
  for (auto _ : state) {
    queue.arm(timers[next], deadline());
    next = (next + 7919) % count;
  }
  for (core::Timer& timer : timers) queue.cancel(timer);
}
BENCHMARK(timer_moved)->ArgName("armed")->Arg(1000)->Arg(1'000'000);

/// A deadline of its own for each of so many connections, and none any more: an item is one of them.
void timers_armed_and_cancelled(benchmark::State& state) {
  const TimePoint now = bench::time_now();
  core::TimerQueue queue;
  queue.begin(now);
  std::vector<core::Timer> timers(static_cast<std::size_t>(state.range(0)));
  std::vector<TimePoint> deadlines(timers.size());
  Prng prng{1};
  for (TimePoint& deadline : deadlines) deadline = now + std::chrono::milliseconds{1 + prng.below(600'000)};
  for (auto _ : state) {
    for (std::size_t at = 0; at < timers.size(); ++at) queue.arm(timers[at], deadlines[at]);
    for (core::Timer& timer : timers) queue.cancel(timer);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(timers_armed_and_cancelled)->ArgName("armed")->Arg(1000)->Arg(1'000'000);

/// An echo as above, with the deadlines and caps of a public server.
void echo_with_deadlines(benchmark::State& state) {
  bench::NullShard shard{static_cast<std::uint32_t>(state.range(0)), 64, Options::public_internet().deadlines};
  for (auto _ : state) shard.turn();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(echo_with_deadlines)->ArgName("connections")->Arg(50)->Arg(1000);

/// What the timers of connections where nothing happens cost a turn.
void turn_with_armed_timers(benchmark::State& state) {
  const TimePoint now = bench::time_now();
  core::TimerQueue queue;
  queue.begin(now);
  std::vector<core::Timer> timers(static_cast<std::size_t>(state.range(0)));
  Prng prng{1};
  for (core::Timer& timer : timers)
    queue.arm(timer, now + std::chrono::hours{1} + std::chrono::milliseconds{prng.below(600'000)});
  for (auto _ : state) {
    benchmark::DoNotOptimize(queue.next_deadline());
    queue.expire(now, [](core::Timer&) {});
  }
  for (core::Timer& timer : timers) queue.cancel(timer);
}
BENCHMARK(turn_with_armed_timers)->ArgName("armed")->Arg(1000)->Arg(1'000'000);

/// A client is let in and leaves; one of 10,000 addresses at random, or without rules for addresses.
void client_admitted(benchmark::State& state) {
  const bool by_address = state.range(0) != 0;
  Limits limits{.connections_max = 1'000'000};
  if (by_address) {
    limits.connections_per_address = 256;
    limits.accepts_per_second_per_address = 1'000'000;
  }
  core::Gate gate{limits};
  Prng prng{1};
  Address peer{.family = Address::Family::ipv4};
  const TimePoint now = bench::time_now();
  for (auto _ : state) {
    const std::uint64_t host = prng.below(10'000);
    peer.bytes[2] = static_cast<std::byte>(host >> 8);
    peer.bytes[3] = static_cast<std::byte>(host);
    const core::Admission admission = by_address ? gate.admit(peer, now) : gate.admit(now);
    if (!admission.refused) gate.give_back(admission.place);
  }
}
BENCHMARK(client_admitted)->ArgName("by_address")->Arg(0)->Arg(1);

/// A message of another thread's: its allocation, its way, its end. The wake is nobody's.
void mailbox_message(benchmark::State& state) {
  engine::Mailbox mailbox{1U << 30, [] {}};
  for (auto _ : state) {
    auto message = std::make_unique<engine::Message>(engine::Message::Kind::close);
    benchmark::DoNotOptimize(mailbox.put(message));
    mailbox.take_all([](engine::Message&) {});
  }
}
BENCHMARK(mailbox_message);

}  // namespace

BENCHMARK_MAIN();
