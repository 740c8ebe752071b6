#include "program/page.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "program/report_css.hpp"

namespace program {
namespace {

// Of a drawing, in its own units: text is 13 high.
constexpr unsigned row_height = 24;
constexpr unsigned label_width = 170;
constexpr unsigned bar_width = 230;
constexpr unsigned drawing_width = 560;

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string{name} + "=\"" + escaped(value) + "\"";
}

std::string element(std::string_view name, std::string_view text, std::string_view attributes = {}) {
  return "<" + std::string{name} + std::string{attributes} + ">" + escaped(text) + "</" + std::string{name} + ">";
}

std::string width_text(double width) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", width);
  return text.data();
}

std::string bar_text(const Bar& bar, std::size_t row, double longest) {
  const double width = longest > 0 ? bar.length / longest * bar_width : 0;
  const auto top = static_cast<unsigned>(row) * row_height;
  const std::string text_y = attribute("y", std::to_string(top + 16));
  return element("text", bar.label, attribute("x", std::to_string(label_width - 8)) + text_y + " text-anchor=\"end\"") +
         "<rect" + (bar.bad ? " class=\"bad\"" : "") + attribute("x", std::to_string(label_width)) +
         attribute("y", std::to_string(top + 4)) + attribute("width", width_text(width)) +
         attribute("height", std::to_string(row_height - 8)) + " rx=\"2\"/>" +
         element("text", bar.text, " x=\"" + width_text(label_width + width + 8) + "\"" + text_y) + "\n";
}

std::string row_text(const Row& row) {
  std::string text = "<tr>";
  for (std::size_t cell = 0; cell < row.size(); ++cell)
    text += cell == 0 ? element("th", row[cell],
                                row[cell].starts_with("  ") ? R"( scope="row" class="part")" : R"( scope="row")")
                      : element("td", row[cell], row[cell] == "0" ? " class=\"none\"" : "");
  return text + "</tr>\n";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= 0x20 && byte < 0x7f) || character == '\n' || character == '\t';
    switch (character) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += plain ? character : '?';
    }
  }
  return safe;
}

Page::Page(std::string_view title) : title_{title} {}

void Page::verdict(std::string_view text, bool good) {
  verdict_ = element("p", text, good ? " class=\"verdict good\"" : " class=\"verdict bad\"") + "\n";
}

void Page::section(std::string_view heading) {
  const std::string name = "section-" + std::to_string(++sections_);
  contents_ += "<li>" + element("a", heading, attribute("href", "#" + name)) + "</li>\n";
  body_ += element("h2", heading, attribute("id", name)) + "\n";
}

void Page::paragraph(std::string_view text) {
  body_ += element("p", text) + "\n";
}

void Page::facts(const Figures& facts) {
  body_ += "<dl>\n";
  for (const Figure& fact : facts) body_ += element("dt", fact.label) + element("dd", fact.text) + "\n";
  body_ += "</dl>\n";
}

void Page::table(std::string_view caption, const Row& headings, const std::vector<Row>& rows) {
  // What scrolls must be reached by the keyboard, and what is reached must have a name.
  body_ += "<div class=\"scroll\" role=\"region\" tabindex=\"0\"" + attribute("aria-label", caption) + ">\n<table>" +
           element("caption", caption) + "\n<thead><tr>";
  for (const std::string& heading : headings) body_ += element("th", heading, " scope=\"col\"");
  body_ += "</tr></thead>\n<tbody>\n";
  for (const Row& row : rows) body_ += row_text(row);
  body_ += "</tbody></table>\n</div>\n";
}

void Page::figures(std::string_view caption, const Figures& figures) {
  std::vector<Row> rows;
  for (const Figure& figure : figures) rows.push_back({figure.label, figure.text});
  table(caption, {"figure", "result"}, rows);
}

void Page::chart(std::string_view caption, const Row& headings, const std::vector<Bar>& bars) {
  if (bars.empty()) return;
  body_ += "<figure>" + element("figcaption", caption) + "\n";
  drawing(caption, bars);
  std::vector<Row> rows;
  rows.reserve(bars.size());
  for (const Bar& bar : bars) rows.push_back({bar.label, bar.text});
  table("The same in figures", headings, rows);
  body_ += "</figure>\n";
}

void Page::drawing(std::string_view caption, const std::vector<Bar>& bars) {
  const double longest = std::ranges::max(bars, {}, &Bar::length).length;
  body_ += "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " + std::to_string(drawing_width) +
           " " + std::to_string(bars.size() * row_height) + "\"" +
           attribute("aria-label", "Chart: " + std::string{caption} + ". The table beside it has the figures.") + ">\n";
  for (std::size_t row = 0; row < bars.size(); ++row) body_ += bar_text(bars[row], row, longest);
  body_ += "</svg>\n";
}

void Page::preformatted(std::string_view name, std::string_view text) {
  body_ += element("pre", text, " tabindex=\"0\" role=\"region\"" + attribute("aria-label", name)) + "\n";
}

std::string Page::text() const {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n" +
         element("title", title_) + "\n<style>\n" + std::string{report_css} + "</style>\n</head>\n<body>\n<main>\n" +
         element("h1", title_) + "\n" + verdict_ + "<nav aria-label=\"On this page\"><ul>\n" + contents_ +
         "</ul></nav>\n" + body_ + "</main>\n</body>\n</html>\n";
}

}  // namespace program
