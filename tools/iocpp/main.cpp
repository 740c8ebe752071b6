// The command line program: reads the arguments, runs the command, turns what happened into an exit code.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <iocpp/version.hpp>

#include "command.hpp"
#include "serve_command.hpp"
#include "simulate_command.hpp"
#include "stress_command.hpp"

namespace {

constexpr int failure = 1;
constexpr int wrong_argument = 2;

/// The path of the chosen subcommands, `iocpp stress storm`: where --help is to be asked for.
std::string chosen_command(const CLI::App& app) {
  const CLI::App* chosen = &app;
  std::string path = app.get_name();
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
    path += " " + chosen->get_name();
  }
  return path;
}

/// CLI11 complains about what is missing before it complains about what it does not know, which is usually the slip.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  return unknown.empty() ? error.what() : "'" + unknown.front() + "' is not known here";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A TCP server on completion ports, a load client, and a simulator.", "iocpp"};
  app.set_version_flag("--version", IOCPP_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.footer(
      "Counts take k and M (thousands), sizes take k, M and G (powers of 1,024), times take us, ms, s, m and h.\n"
      "Exit codes: 0 success, 1 failure, 2 a wrong argument.");
  Command chosen;
  add_serve_command(app, chosen);
  add_stress_command(app, chosen);
  add_simulate_command(app, chosen);
  try {
    app.parse(argc, argv);
    return chosen();
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::cerr << "iocpp: " << complaint(app, error) << " (see " << chosen_command(app) << " --help)\n";
    return wrong_argument;
  } catch (const WrongArgument& error) {
    std::cerr << "iocpp: " << error.what() << '\n';
    return wrong_argument;
  } catch (const std::exception& error) {
    std::cerr << "iocpp: " << error.what() << '\n';
    return failure;
  }
}
