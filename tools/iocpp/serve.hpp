// Runs a small server of the library until it is told to stop.
#pragma once

#include <string>

#include <iocpp/iocpp.hpp>

enum class Service { echo, discard, chargen, whoami };

std::string to_string(Service service);

struct ServeOptions {
  Service service = Service::echo;
  std::size_t message_bytes = 0;  ///< echo: a message of the client's is so long. 0: there are no messages.
  iocpp::Options server;
  bool json = false;
  /// Whether systemd's sockets are listened on: where it has given some and no address was, or as the user says.
  enum class Systemd { automatic, asked, left } systemd = Systemd::automatic;
};

/// Serves until SIGINT or SIGTERM, and returns the exit code. Throws `WrongArgument` where it can't listen.
int serve(const ServeOptions& options);
