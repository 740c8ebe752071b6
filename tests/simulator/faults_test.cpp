// The fault model: what is asked, what is answered, and that it is counted.
#include "simulator/faults.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/native_codes.hpp"

namespace iocpp::simulator {
namespace {

std::size_t cell_of(Site site, int error) {
  const auto cells = fault_cells();
  const auto found =
      std::ranges::find_if(cells, [&](const Cell& cell) { return cell.site == site && cell.error == error; });
  return static_cast<std::size_t>(found - cells.begin());
}

TEST(Faults, none_means_none) {
  Faults faults{System::io_uring, Level::none, Prng{1}};
  for (int count = 0; count < 10'000; ++count) ASSERT_EQ(faults.inject(Site::accept, {}), 0);
  EXPECT_EQ(faults.injected(), 0U);
  EXPECT_EQ(faults.asked(Site::accept), 10'000U);
}

TEST(Faults, every_cell_of_a_system_happens_and_is_counted_and_no_other) {
  for (const System system : {System::io_uring, System::epoll, System::iocp}) {
    Faults faults{system, Level::heavy, Prng{1}};
    std::uint64_t injected = 0;
    for (int count = 0; count < 200'000; ++count) {
      const TimePoint now{std::chrono::milliseconds{count}};
      for (std::size_t site = 0; site < static_cast<std::size_t>(Site::count); ++site)
        injected += faults.happens(static_cast<Site>(site), now) ? 1U : 0U;
    }
    EXPECT_EQ(faults.injected(), injected);
    for (std::size_t cell = 0; cell < fault_cells().size(); ++cell)
      EXPECT_EQ(faults.counts()[cell] != 0, reachable(system, fault_cells()[cell])) << cell;
  }
}

TEST(Faults, a_forced_one_happens_at_its_turn_and_no_other) {
  Faults faults{System::epoll, Level::none, Prng{1}};
  faults.force(cell_of(Site::accept, linux_errno::nfile), 2, 3);
  std::vector<int> answers;
  for (int count = 0; count < 7; ++count) answers.push_back(faults.inject(Site::accept, {}));
  const int nfile = linux_errno::nfile;
  EXPECT_EQ(answers, (std::vector<int>{0, 0, nfile, nfile, nfile, 0, 0}));
  EXPECT_EQ(faults.inject(Site::receive, {}), 0);
  EXPECT_EQ(faults.counts()[cell_of(Site::accept, linux_errno::nfile)], 3U);
}

TEST(Faults, after_healing_there_are_none) {
  Faults faults{System::iocp, Level::heavy, Prng{1}};
  faults.force(cell_of(Site::send, windows_error::wsaenobufs), 0, 1);
  faults.heal();
  for (int count = 0; count < 10'000; ++count) ASSERT_EQ(faults.inject(Site::send, {}), 0);
}

}  // namespace
}  // namespace iocpp::simulator
