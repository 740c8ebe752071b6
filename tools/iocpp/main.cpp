// The command line program.
#include <string>

#include <CLI/CLI.hpp>

#include <iocpp/version.hpp>

#include "command.hpp"
#include "command_line.hpp"
#include "program/report_file.hpp"
#include "serve_command.hpp"
#include "simulate_command.hpp"
#include "stress_command.hpp"

int main(int argc, char** argv) {
  CLI::App app{"A TCP server on completion ports, a load client, and a simulator.", "iocpp"};
  app.set_version_flag("--version", IOCPP_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.footer(
      "Counts take k and M (thousands), sizes take k, M and G (powers of 1,024), times take us, ms, s, m and h.\n"
      "Exit codes: 0 success, 1 failure, 2 a wrong argument, or an address or file that can not be had.");
  Command chosen;
  add_serve_command(app, chosen);
  const std::string command_line = program::command_text(argc, argv);
  add_stress_command(app, chosen, command_line);
  add_simulate_command(app, chosen, command_line);
  return run_command_line(app, chosen, argc, argv);
}
