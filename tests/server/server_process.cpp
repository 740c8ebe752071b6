#include "server/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "support/backend_under_test.hpp"

extern char** environ;

namespace iocpp::tests {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read = Descriptor{ends[0]};
    write = Descriptor{ends[1]};
  }
  Descriptor read;
  Descriptor write;
};

pid_t spawn(std::vector<std::string> words, int input, int output) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = -1;
  const int error = ::posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("can't start " + words[0]);
  return process;
}

}  // namespace

ServerProcess::ServerProcess(const ServerProcessOptions& options) {
  Pipe input;
  Pipe output;
  process_ = spawn({IOCPP_SERVER_PROCESS, std::to_string(options.port), std::to_string(options.shards),
                    options.accept_thread ? "1" : "0", std::to_string(options.handles),
                    options.backend.empty() ? std::string{to_string(backend_under_test())} : options.backend,
                    std::to_string(options.io_uring_barred_with)},
                   input.read.get(), output.write.get());
  to_ = std::move(input.write);
  from_ = std::move(output.read);
  output.write.close();
  greeting_ = read_line();
}

ServerProcess::~ServerProcess() {
  end();
}

int ServerProcess::end() {
  if (process_ < 0) return -1;
  to_.close();
  int status = 0;
  ::waitpid(std::exchange(process_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::uint16_t ServerProcess::port() const {
  if (!greeting_.starts_with("listening ")) throw std::runtime_error("the server process said: " + greeting_);
  return static_cast<std::uint16_t>(std::stoul(greeting_.substr(10)));
}

std::string ServerProcess::read_line() {
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    pollfd ready{.fd = from_.get(), .events = POLLIN, .revents = 0};
    std::array<char, 4096> piece;
    const ssize_t size = ::poll(&ready, 1, 30'000) == 1 ? ::read(from_.get(), piece.data(), piece.size()) : -1;
    if (size <= 0) return "nothing";
    unread_.append(piece.data(), static_cast<std::size_t>(size));
  }
}

std::string ServerProcess::ask(const std::string& question) {
  const std::string line = question + '\n';
  if (::write(to_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return "nothing";
  return read_line();
}

std::vector<std::uint64_t> ServerProcess::ask_numbers(const std::string& question, std::size_t count) {
  const std::string answer = ask(question);
  std::istringstream words{answer};
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = 0; words >> number;) numbers.push_back(number);
  if (numbers.size() != count) throw std::runtime_error("the server process said: " + answer);
  return numbers;
}

ServerProcess::Numbers ServerProcess::counters() {
  const auto numbers = ask_numbers("counters", 7);
  return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]};
}

ServerProcess::Rearming ServerProcess::reset_one() {
  const auto numbers = ask_numbers("reset one", 2);
  return {numbers[0], numbers[1]};
}

}  // namespace iocpp::tests
