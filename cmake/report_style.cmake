# Builds the style of reports, docs/site/report.css, into a target: what program/report_css.hpp declares.
function(iocpp_report_style target)
  set(style ${PROJECT_SOURCE_DIR}/docs/site/report.css)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${style})
  file(READ ${style} report_css)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/report_css.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/tools/iocpp/program/report_css.cpp.in ${source} @ONLY)
  target_sources(${target} PRIVATE ${source})
endfunction()
