#include <windows.h>

#include <array>
#include <system_error>
#include <thread>
#include <utility>

#include "program_run.hpp"

namespace {

HANDLE handle_of(std::intptr_t handle) {
  return reinterpret_cast<HANDLE>(handle);
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(static_cast<int>(GetLastError()), std::system_category(), what);
}

/// Its writing end is for the program, its reading end stays here.
struct Pipe {
  Pipe() {
    SECURITY_ATTRIBUTES inherited{sizeof(inherited), nullptr, TRUE};
    if (CreatePipe(&read, &write, &inherited, 0) == 0) fail("CreatePipe");
    SetHandleInformation(read, HANDLE_FLAG_INHERIT, 0);
  }
  HANDLE read = nullptr;
  HANDLE write = nullptr;
};

std::string command_line_of(const std::string& program, const std::vector<std::string>& arguments) {
  std::string line = '"' + program + '"';
  for (const std::string& argument : arguments) line += " \"" + argument + '"';  // none of them has a quote
  return line;
}

std::string read_all(std::intptr_t handle) {
  std::string text;
  std::array<char, 4096> space;
  DWORD count = 0;
  while (ReadFile(handle_of(handle), space.data(), space.size(), &count, nullptr) != 0 && count != 0)
    text.append(space.data(), count);
  // The C library writes a line's end as two characters.
  std::erase(text, '\r');
  return text;
}

/// The Ctrl+C that is meant for the program reaches all of its console's programs, this one too.
BOOL WINAPI ignore_event(DWORD) {
  return TRUE;
}

}  // namespace

ProgramRun::ProgramRun(const std::vector<std::string>& arguments) {
  const Pipe output_pipe;
  const Pipe errors_pipe;
  STARTUPINFOA start{};
  start.cb = sizeof(start);
  start.dwFlags = STARTF_USESTDHANDLES;
  start.hStdOutput = output_pipe.write;
  start.hStdError = errors_pipe.write;
  PROCESS_INFORMATION made{};
  std::string line = command_line_of(IOCPP_PROGRAM, arguments);
  const BOOL done = CreateProcessA(nullptr, line.data(), nullptr, nullptr, TRUE, 0, nullptr, nullptr, &start, &made);
  CloseHandle(output_pipe.write);
  CloseHandle(errors_pipe.write);
  output_ = reinterpret_cast<std::intptr_t>(output_pipe.read);
  errors_ = reinterpret_cast<std::intptr_t>(errors_pipe.read);
  if (done == 0) fail(IOCPP_PROGRAM);
  CloseHandle(made.hThread);
  process_ = reinterpret_cast<std::intptr_t>(made.hProcess);
}

ProgramRun::~ProgramRun() {
  if (process_ != -1) {
    TerminateProcess(handle_of(process_), 1);
    WaitForSingleObject(handle_of(process_), INFINITE);
    CloseHandle(handle_of(process_));
  }
  CloseHandle(handle_of(output_));
  CloseHandle(handle_of(errors_));
}

bool ProgramRun::can_be_asked_to_end() {
  return GetConsoleCP() != 0;
}

void ProgramRun::terminate() const {
  interrupt();
}

void ProgramRun::interrupt() const {
  SetConsoleCtrlHandler(ignore_event, TRUE);
  if (GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) == 0) fail("GenerateConsoleCtrlEvent");
}

int ProgramRun::wait() {
  // Both at once: a full pipe would hold the program up.
  std::thread errors_reader{[this] { errors = read_all(errors_); }};
  output = read_all(output_);
  errors_reader.join();
  WaitForSingleObject(handle_of(process_), INFINITE);
  DWORD code = 0;
  GetExitCodeProcess(handle_of(process_), &code);
  CloseHandle(handle_of(std::exchange(process_, -1)));
  return static_cast<int>(code);
}

std::string ProgramRun::read_line(std::intptr_t handle) {
  std::string line;
  char character = 0;
  DWORD count = 0;
  while (ReadFile(handle_of(handle), &character, 1, &count, nullptr) != 0 && count == 1 && character != '\n')
    if (character != '\r') line += character;
  return line;
}
