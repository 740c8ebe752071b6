#include "program_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

namespace {

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  std::array<int, 2> ends{};
};

std::string read_all(int handle) {
  std::string text;
  std::array<char, 4096> space;
  ssize_t count = 0;
  while ((count = read(handle, space.data(), space.size())) > 0)
    text.append(space.data(), static_cast<std::size_t>(count));
  return text;
}

}  // namespace

ProgramRun::ProgramRun(const std::vector<std::string>& arguments) {
  std::string program = IOCPP_PROGRAM;
  std::vector<std::string> texts = arguments;
  std::vector<char*> pointers{program.data()};
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);

  const Pipe output_pipe;
  const Pipe errors_pipe;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output_pipe.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors_pipe.ends[1], STDERR_FILENO);
  const int error = posix_spawn(&process_, program.c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(output_pipe.ends[1]);
  close(errors_pipe.ends[1]);
  output_ = output_pipe.ends[0];
  errors_ = errors_pipe.ends[0];
  if (error != 0) throw std::system_error(error, std::generic_category(), program);
}

ProgramRun::~ProgramRun() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  close(output_);
  close(errors_);
}

void ProgramRun::signal(int number) const {
  kill(process_, number);
}

int ProgramRun::wait() {
  // Both at once: a full pipe would hold the program up.
  std::thread errors_reader{[this] { errors = read_all(errors_); }};
  output = read_all(output_);
  errors_reader.join();
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ProgramRun::read_line(int handle) {
  std::string line;
  char character = 0;
  while (read(handle, &character, 1) == 1 && character != '\n') line += character;
  return line;
}
