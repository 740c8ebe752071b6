# The style of reports (docs/site/report.css, which bench/page.py reads too) as a constant: `#include "report_css.hpp"`.
function(iocpp_report_style target)
  set(style ${PROJECT_SOURCE_DIR}/docs/site/report.css)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${style})
  file(READ ${style} report_css)
  configure_file(${PROJECT_SOURCE_DIR}/tools/iocpp/program/report_css.hpp.in
    ${CMAKE_CURRENT_BINARY_DIR}/style/report_css.hpp @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/style)
endfunction()
