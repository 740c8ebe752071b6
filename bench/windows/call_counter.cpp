#include "call_counter.hpp"

// The order of these matters.
#include <mswsock.h>
#include <windows.h>
#include <winsock2.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <thread>

namespace {

// What enters the kernel and has to do with sockets, completion ports, threads that wait or wake, and timers.
// QueryPerformanceCounter and the critical sections that nobody waits for stay in the program.
constexpr std::string_view names[]{"AcceptEx",
                                   "CancelIo",
                                   "CancelIoEx",
                                   "CloseHandle",
                                   "ConnectEx",
                                   "CreateEventA",
                                   "CreateEventW",
                                   "CreateIoCompletionPort",
                                   "DisconnectEx",
                                   "GetQueuedCompletionStatus",
                                   "GetQueuedCompletionStatusEx",
                                   "PostQueuedCompletionStatus",
                                   "QueueUserAPC",
                                   "ResetEvent",
                                   "SetEvent",
                                   "SetFileCompletionNotificationModes",
                                   "SetWaitableTimer",
                                   "SleepEx",
                                   "WSAEventSelect",
                                   "WSAIoctl",
                                   "WSARecv",
                                   "WSASend",
                                   "WSASocketA",
                                   "WSASocketW",
                                   "WaitForMultipleObjects",
                                   "WaitForSingleObject",
                                   "accept",
                                   "bind",
                                   "closesocket",
                                   "connect",
                                   "getpeername",
                                   "getsockname",
                                   "getsockopt",
                                   "ioctlsocket",
                                   "listen",
                                   "recv",
                                   "select",
                                   "send",
                                   "setsockopt",
                                   "shutdown",
                                   "socket"};

/// lock inc qword [counter]; jmp [original]. It keeps every register, so it fits every function.
struct Thunk {
  std::uint8_t code[24];
  volatile std::uint64_t count;
  void* original;
};

struct Counted {
  std::string_view name;
  Thunk* thunk;
};

std::deque<Counted> all_counted;

Thunk* make_thunk(std::string_view name, void* original) {
  static auto* next =
      static_cast<Thunk*>(VirtualAlloc(nullptr, 64 * 1024, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE));
  Thunk* thunk = next++;
  constexpr std::uint8_t code[24]{0xf0, 0x48, 0xff, 0x05, 16, 0, 0, 0,  // to `count`, 16 behind this instruction
                                  0xff, 0x25, 18,   0,    0,  0};       // to `original`, 18 behind this one
  std::memcpy(thunk->code, code, sizeof code);
  thunk->count = 0;
  thunk->original = original;
  all_counted.push_back({name, thunk});
  return thunk;
}

int(WSAAPI* ioctl_itself)(SOCKET, DWORD, void*, DWORD, void*, DWORD, DWORD*, WSAOVERLAPPED*,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE) = nullptr;

/// AcceptEx and the like are asked for at run time.
int WSAAPI ioctl_that_wraps(SOCKET socket, DWORD code, void* in, DWORD in_size, void* out, DWORD out_size,
                            DWORD* returned, WSAOVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
  const int result = ioctl_itself(socket, code, in, in_size, out, out_size, returned, overlapped, routine);
  constexpr GUID accept_ex = WSAID_ACCEPTEX;
  if (result == 0 && code == SIO_GET_EXTENSION_FUNCTION_POINTER && std::memcmp(in, &accept_ex, sizeof accept_ex) == 0) {
    void* function = nullptr;
    std::memcpy(&function, out, sizeof function);
    function = make_thunk("AcceptEx", function);
    std::memcpy(out, &function, sizeof function);
  }
  return result;
}

void replace(void** import, std::string_view name) {
  void* replacement = make_thunk(name, *import);
  if (name == "WSAIoctl") {
    ioctl_itself = reinterpret_cast<decltype(ioctl_itself)>(replacement);
    replacement = reinterpret_cast<void*>(&ioctl_that_wraps);
  }
  DWORD before = 0;
  VirtualProtect(import, sizeof *import, PAGE_READWRITE, &before);
  *import = replacement;
  VirtualProtect(import, sizeof *import, before, &before);
}

void replace_imports() {
  auto* base = reinterpret_cast<std::uint8_t*>(GetModuleHandleW(nullptr));
  const auto* dos = reinterpret_cast<IMAGE_DOS_HEADER*>(base);
  const auto* headers = reinterpret_cast<IMAGE_NT_HEADERS64*>(base + dos->e_lfanew);
  const auto& directory = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
  auto* library = reinterpret_cast<IMAGE_IMPORT_DESCRIPTOR*>(base + directory.VirtualAddress);
  for (; library->Name != 0; ++library) {
    const auto* asked = reinterpret_cast<IMAGE_THUNK_DATA64*>(base + library->OriginalFirstThunk);
    auto* found = reinterpret_cast<IMAGE_THUNK_DATA64*>(base + library->FirstThunk);
    for (; asked->u1.AddressOfData != 0; ++asked, ++found) {
      if (IMAGE_SNAP_BY_ORDINAL64(asked->u1.Ordinal)) continue;
      const auto* by_name = reinterpret_cast<IMAGE_IMPORT_BY_NAME*>(base + asked->u1.AddressOfData);
      for (const std::string_view name : names) {
        if (name == reinterpret_cast<const char*>(by_name->Name))
          replace(reinterpret_cast<void**>(&found->u1.Function), name);
      }
    }
  }
}

void print_counts() {
  std::string line = "{";
  for (const auto& [name, thunk] : all_counted) {
    if (thunk->count == 0) continue;
    line += (line.size() > 1 ? ", \"" : "\"") + std::string{name} + "\": " + std::to_string(thunk->count);
  }
  std::puts((line + "}").c_str());
  std::fflush(stdout);
}

}  // namespace

void count_calls() {
  replace_imports();
  std::thread{[] {
    for (int letter = std::getchar(); letter != EOF; letter = std::getchar()) {
      if (letter == '\n') print_counts();
    }
    std::_Exit(0);
  }}.detach();
}
