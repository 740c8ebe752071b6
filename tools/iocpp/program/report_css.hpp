// The style of reports: docs/site/report.css, which scripts/bench reads too.
#pragma once

#include <string_view>

namespace program {

extern const std::string_view report_css;

}  // namespace program
