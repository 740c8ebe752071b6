// What a run came to, as a page: the figures of the terminal, and charts of those that have a shape.
#pragma once

#include "program/page.hpp"
#include "stress/report.hpp"

namespace stress {

void add_charts(program::Page& page, const StormResult& result);
void add_charts(program::Page& page, const EchoResult& result);
void add_charts(program::Page& page, const PushResult& result);
void add_charts(program::Page& page, const SlowResult& result);
void add_charts(program::Page& page, const IdleResult& result);

template <class Result>
program::Page page_of(const Result& result, const std::string& title, const program::Figures& circumstances,
                      const std::string& verdict, bool passed) {
  program::Page page{"iocpp stress " + title};
  page.verdict(verdict, passed);
  page.section("Result");
  page.figures("What the run came to", figures_of(result));
  add_charts(page, result);
  page.section("What ran");
  page.facts(circumstances);
  return page;
}

}  // namespace stress
