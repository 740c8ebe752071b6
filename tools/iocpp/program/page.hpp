// A report as one HTML page that needs nothing else: no script, no other file. Each chart has its figures in a table
// beside it, since a picture says nothing to a screen reader.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "program/figures.hpp"

namespace program {

/// A bar of a chart and a row of the table beside it.
struct Bar {
  std::string label;
  double length = 0;  ///< In any unit; the longest one fills the chart.
  std::string text;   ///< The figure as it is read.
  bool bad = false;
};

using Row = std::vector<std::string>;  ///< The first cell is the row's heading.

/// All texts are escaped here. The result is HTML and well-formed XML.
class Page {
 public:
  explicit Page(std::string_view title);

  void verdict(std::string_view text, bool good);
  void section(std::string_view heading);
  void paragraph(std::string_view text);
  void facts(const Figures& facts);
  void table(std::string_view caption, const Row& headings, const std::vector<Row>& rows);
  void figures(std::string_view caption, const Figures& figures);
  /// Nothing where there are no bars. `headings`: two, of the table.
  void chart(std::string_view caption, const Row& headings, const std::vector<Bar>& bars);
  void preformatted(std::string_view name, std::string_view text);

  std::string text() const;

 private:
  void drawing(std::string_view caption, const std::vector<Bar>& bars);

  std::string title_;
  std::string verdict_;
  std::string contents_;
  std::string body_;
  unsigned sections_ = 0;
};

/// `text` as a part of a page: `<`, `>`, `&` and quotes escaped; what neither HTML nor XML may hold, and bytes that
/// are not ASCII and may be no UTF-8, as `?`.
std::string escaped(std::string_view text);

}  // namespace program
