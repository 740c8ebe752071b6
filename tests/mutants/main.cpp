// `simulate` with a bug built in, one program a bug; and the program that runs them by name.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "bug.hpp"
#include "command.hpp"
#include "command_line.hpp"
#include "program/report_file.hpp"
#include "simulate_command.hpp"

namespace {

using Arguments = std::vector<std::string>;

/// What follows `--mutant`; empty: it is not asked for.
std::string mutant_in(const Arguments& arguments) {
  constexpr std::string_view option = "--mutant";
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    if (arguments[at] == option) return at + 1 < arguments.size() ? arguments[at + 1] : "";
    if (arguments[at].starts_with(std::string{option} + "=")) return arguments[at].substr(option.size() + 1);
  }
  return {};
}

bool names(const Arguments& arguments, const std::string& option) {
  return std::ranges::any_of(
      arguments, [&](const std::string& argument) { return argument == option || argument.starts_with(option + "="); });
}

/// The options under which this bug is looked for, where the caller has not chosen.
void add_defaults(Arguments& arguments) {
  std::istringstream defaults{built_in.options};
  std::string option;
  std::string value;
  while (defaults >> option >> value) {
    if (!names(arguments, option)) arguments.insert(arguments.end(), {option, value});
  }
}

std::vector<char*> pointers(Arguments& arguments) {
  std::vector<char*> result;
  for (std::string& argument : arguments) result.push_back(argument.data());
  result.push_back(nullptr);
  return result;
}

/// Becomes the program of that bug. Comes back where there is none.
int run_mutant(const std::string& name, Arguments& arguments) {
  const std::filesystem::path programs = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "programs";
  const std::filesystem::path program = programs / name;
  if (program.has_filename() && program.parent_path() == programs && std::filesystem::is_regular_file(program))
    ::execv(program.c_str(), pointers(arguments).data());
  std::cerr << "iocpp: --mutant: there is no '" << name << "', but";
  std::vector<std::string> known;
  for (const auto& entry : std::filesystem::directory_iterator{programs}) known.push_back(entry.path().filename());
  std::ranges::sort(known);
  for (const std::string& other : known) std::cerr << "\n  " << other;
  std::cerr << '\n';
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments{argv, argv + argc};
  const std::string wanted = mutant_in(arguments);
  const std::string mutant = built_in.name;
  if (mutant.empty() && !wanted.empty()) return run_mutant(wanted, arguments);
  add_defaults(arguments);
  CLI::App app{"The simulator, with a bug built in on purpose: simulate --mutant NAME.", "iocpp"};
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  Command chosen;
  std::vector<char*> all = pointers(arguments);
  add_simulate_command(app, chosen, program::command_text(static_cast<int>(arguments.size()), all.data()), mutant);
  return run_command_line(app, chosen, static_cast<int>(arguments.size()), all.data());
}
