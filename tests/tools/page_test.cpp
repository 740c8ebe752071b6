#include "program/page.hpp"

#include <gtest/gtest.h>

namespace {

using program::escaped;
using program::Page;

bool has(const Page& page, const std::string& part) {
  return page.text().find(part) != std::string::npos;
}

TEST(Page, what_it_shows_is_escaped) {
  EXPECT_EQ(escaped("<a href=\"x\">&</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
  EXPECT_EQ(escaped(std::string{"\0\x1b[31m\xff\n", 8}), "??[31m?\n");
}

TEST(Page, every_part_escapes) {
  const std::string bad = "<i>\"&";
  Page page{bad};
  page.verdict(bad, false);
  page.section(bad);
  page.paragraph(bad);
  page.facts({{bad, bad}});
  page.figures(bad, {{bad, bad}});
  page.chart(bad, {bad, bad}, {{bad, 1, bad, true}});
  page.preformatted(bad, bad);
  EXPECT_FALSE(has(page, "<i>"));
  EXPECT_TRUE(has(page, "&lt;i&gt;&quot;&amp;"));
}

TEST(Page, a_chart_has_its_figures_in_a_table_beside_it) {
  Page page{"title"};
  page.chart("Sizes", {"thing", "size"}, {{"mouse", 1, "1 g", false}, {"cat", 4, "4 g", true}});
  EXPECT_TRUE(has(page, "<th scope=\"row\">mouse</th><td>1 g</td>"));
  EXPECT_TRUE(has(page, "width=\"230.0\"")) << "the longest bar fills the chart";
  EXPECT_TRUE(has(page, "width=\"57.5\""));
  EXPECT_TRUE(has(page, "<rect class=\"bad\""));
}

TEST(Page, a_chart_of_nothing_has_bars_of_no_length_and_one_without_bars_is_left_out) {
  Page page{"title"};
  page.chart("None", {"thing", "size"}, {});
  EXPECT_FALSE(has(page, "<svg"));
  page.chart("Zero", {"thing", "size"}, {{"mouse", 0, "0 g", false}});
  EXPECT_TRUE(has(page, "width=\"0.0\""));
}

}  // namespace
