#include <gtest/gtest.h>

#include "simulate.hpp"

namespace {

SimulateResult violated_run(const SimulateOptions& options) {
  SimulateResult result;
  const std::size_t cells = iocpp::simulator::fault_cells().size();
  for (const auto platform : options.platforms)
    result.cells.push_back(
        {platform, std::vector<std::uint64_t>(cells), std::vector<iocpp::simulator::PhaseCounts>(cells)});
  iocpp::simulator::Outcome outcome;
  outcome.seed = 4711;
  outcome.violated = 3;
  outcome.invariant = "a <b> is not a >c<";
  outcome.detail = "peer 7 & others";
  outcome.hash = 0xfeed;
  outcome.last_steps = {"1 us peer 7 <connects>", "2 us it ends"};
  result.violation = outcome;
  result.violated_on = iocpp::simulator::Platform::epoll;
  return result;
}

TEST(SimulatePage, a_violation_is_shown_with_its_replay_and_last_steps) {
  const SimulateOptions options;
  const std::string text = page_of(options, violated_run(options)).text();
  for (const char* words :
       {"VIOLATION of invariant 3: a &lt;b&gt; is not a &gt;c&lt;", "class=\"verdict bad\"", "peer 7 &amp; others",
        "4711 on epoll", "iocpp simulate --seed 4711 --platform epoll --connections 1000 --faults light",
        "1 us peer 7 &lt;connects&gt;\n2 us it ends\n", "000000000000feed"}) {
    EXPECT_NE(text.find(words), std::string::npos) << words;
  }
}

TEST(SimulatePage, each_error_has_its_name) {
  for (const iocpp::simulator::Cell& cell : iocpp::simulator::fault_cells())
    EXPECT_EQ(error_name(cell).empty(), cell.error == 0) << cell_text(cell);
  const SimulateOptions options;
  const std::string text = page_of(options, violated_run(options)).text();
  for (const char* words : {"accept 103 (ECONNABORTED)", "accept_context 10057 (WSAENOTCONN)"})
    EXPECT_NE(text.find(words), std::string::npos) << words;
}

TEST(SimulatePage, without_faults_there_is_no_table_of_them) {
  SimulateOptions options;
  EXPECT_NE(page_of(options, violated_run(options)).text().find("Faults on iocp"), std::string::npos);
  options.faults = iocpp::simulator::Level::none;
  EXPECT_EQ(page_of(options, violated_run(options)).text().find("Faults on iocp"), std::string::npos);
}

}  // namespace
