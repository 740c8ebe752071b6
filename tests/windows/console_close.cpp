// A console that is closed while a server has a connection: its drain, then the rest of main, then the end. Nothing can
// close a console on demand, so its event is sent to the handler by hand, on a thread as the system does.
#include <winsock2.h>
// Only after it.
#include <windows.h>

#include <cstdio>
#include <thread>

#include <iocpp/iocpp.hpp>

extern "C" BOOL WINAPI iocpp_on_console_event(DWORD event);

namespace {

struct CloseWhenServing : iocpp::Handler {
  void on_connect(iocpp::Connection) override {
    std::thread{[] {
      iocpp_on_console_event(CTRL_CLOSE_EVENT);
      // The system ends the process here. A handler that does not wait for the drain ends it too early.
      ExitProcess(3);
    }}.detach();
  }
};

/// Never reads and never closes, so that the drain takes all the time that it gets.
SOCKET stubborn_client(std::uint16_t port) {
  const SOCKET client = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return client;
}

}  // namespace

int main() {
  CloseWhenServing handler;
  iocpp::Options options{.host = "127.0.0.1"};
  options.drain_timeout = std::chrono::hours{1};
  options.linger_timeout = std::chrono::hours{1};
  iocpp::Server server(options, handler);
  const SOCKET client = stubborn_client(server.port());
  const iocpp::DrainReport report = server.run();
  closesocket(client);
  std::printf("drained, %u cut\n", static_cast<unsigned>(report.cut));
  return report.cut == 1 ? 0 : 1;
}
