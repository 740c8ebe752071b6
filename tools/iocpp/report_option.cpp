#include "report_option.hpp"

#include <system_error>

#include "command.hpp"

void add_report(CLI::App& app, std::string& path) {
  app.add_option(
         "--report", path,
         "Write the result to FILE too, as one HTML page with charts; what it held is lost. Exit code 2 at once: "
         "it can't be written")
      ->type_name("FILE");
}

program::ReportFile report_file(const std::string& path) {
  try {
    return program::ReportFile{path};
  } catch (const std::system_error& error) {
    throw WrongArgument(error.what());
  }
}
