#include "command_line.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr int failure = 1;
constexpr int wrong_argument = 2;

struct Chosen {
  const CLI::App* app;
  std::string path;  // `iocpp stress storm`: where --help is to be asked for
};

Chosen chosen_command(const CLI::App& app) {
  Chosen chosen{&app, app.get_name()};
  while (!chosen.app->get_subcommands().empty()) {
    chosen.app = chosen.app->get_subcommands().front();
    chosen.path += " " + chosen.app->get_name();
  }
  return chosen;
}

/// `: serve, stress, simulate`, where one of them is to come.
std::string choice(const CLI::App& app) {
  std::string names;
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
    names += (names.empty() ? ": " : ", ") + subcommand->get_name();
  return names;
}

/// CLI11 complains about what is missing before it complains about what it does not know, which is usually the slip.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  const std::string what = unknown.empty() ? error.what() : "'" + unknown.front() + "' is not known here";
  const Chosen chosen = chosen_command(app);
  return what + choice(*chosen.app) + " (see " + chosen.path + " --help)";
}

}  // namespace

int run_command_line(CLI::App& app, const Command& chosen, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return chosen();
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::cerr << "iocpp: " << complaint(app, error) << '\n';
    return wrong_argument;
  } catch (const WrongArgument& error) {
    std::cerr << "iocpp: " << error.what() << '\n';
    return wrong_argument;
  } catch (const std::exception& error) {
    std::cerr << "iocpp: " << error.what() << '\n';
    return failure;
  }
}
