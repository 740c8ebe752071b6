#include "command_line.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <vector>

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

int run_command_line(CLI::App& app, const Command& chosen, int argc, char** argv) {
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
