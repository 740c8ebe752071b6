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

int fd(std::intptr_t handle) {
  return static_cast<int>(handle);
}

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
  pid_t process = -1;
  const int error = posix_spawn(&process, program.c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(output_pipe.ends[1]);
  close(errors_pipe.ends[1]);
  output_ = output_pipe.ends[0];
  errors_ = errors_pipe.ends[0];
  if (error != 0) throw std::system_error(error, std::generic_category(), program);
  process_ = process;
}

ProgramRun::~ProgramRun() {
  if (process_ > 0) {
    kill(static_cast<pid_t>(process_), SIGKILL);
    waitpid(static_cast<pid_t>(process_), nullptr, 0);
  }
  close(fd(output_));
  close(fd(errors_));
}

bool ProgramRun::can_be_asked_to_end() {
  return true;
}

void ProgramRun::terminate() const {
  kill(static_cast<pid_t>(process_), SIGTERM);
}

void ProgramRun::interrupt() const {
  kill(static_cast<pid_t>(process_), SIGINT);
}

int ProgramRun::wait() {
  // Both at once: a full pipe would hold the program up.
  std::thread errors_reader{[this] { errors = read_all(fd(errors_)); }};
  output = read_all(fd(output_));
  errors_reader.join();
  int status = 0;
  while (waitpid(static_cast<pid_t>(process_), &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ProgramRun::read_line(std::intptr_t handle) {
  std::string line;
  char character = 0;
  while (read(fd(handle), &character, 1) == 1 && character != '\n') line += character;
  return line;
}
