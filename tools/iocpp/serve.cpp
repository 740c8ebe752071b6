#include "serve.hpp"

#include <iostream>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "accept_watch.hpp"
#include "command.hpp"
#include "program/figures.hpp"
#include "program/system.hpp"
#include "serve_report.hpp"
#include "services.hpp"

namespace {

std::string addresses_got(const iocpp::Server& server) {
  std::string text;
  for (std::size_t i = 0; i < server.listener_count(); ++i) {
    text += (text.empty() ? "" : ", ") + server.listener_name(i);
  }
  return text;
}

/// The address comes first, whatever else is said: scripts wait for that line.
void announce(const iocpp::Server& server, const ServeOptions& options) {
  std::ostream& out = options.json ? std::cerr : std::cout;  // with --json stdout is for the result alone
  out << "listening on " << addresses_got(server) << " (" << iocpp::to_string(server.backend()) << ", "
      << program::plural(server.shards(), "shard") << ")" << std::endl;
  if (server.took_over()) std::cerr << "took over from the server at " << options.server.hand_over_path << std::endl;
  if (options.server.backend == iocpp::Backend::automatic) std::cerr << server.backend_reason() << std::endl;
}

/// Those of systemd in place of the address that nobody gave, or beside those that were.
void add_systemd_listeners(const ServeOptions& options, std::vector<iocpp::Listen>& listen) {
  using Systemd = ServeOptions::Systemd;
  std::vector<iocpp::Listen> given = iocpp::listeners_from_systemd();
  if (given.empty() && options.systemd == Systemd::asked)
    throw WrongArgument(
        "--listen systemd: it has given no sockets; start this by a .socket unit (LISTEN_FDS, LISTEN_PID)");
  if (!given.empty() && options.systemd == Systemd::left)
    std::cerr << "systemd's sockets are left alone: their clients wait; add --listen systemd" << std::endl;
  if (given.empty() || options.systemd == Systemd::left) return;
  if (options.systemd == Systemd::automatic) listen.clear();
  listen.insert(listen.end(), std::make_move_iterator(given.begin()), std::make_move_iterator(given.end()));
}

}  // namespace

std::string to_string(Service service) {
  switch (service) {
    case Service::echo:
      return "echo";
    case Service::discard:
      return "discard";
    case Service::chargen:
      return "chargen";
    case Service::whoami:
      break;
  }
  return "whoami";
}

int serve(const ServeOptions& options) {
  program::raise_handle_limit();
  std::unique_ptr<iocpp::Server> server;
  iocpp::Options server_options = options.server;
  server_options.on_thread_start = [&](unsigned shard) {
    // As a task of the first shard, so that it serves by then, and `run` has taken the signals: who reads the line may
    // send one at once.
    if (shard != 0) return;
    if (server->post(0, [&] { announce(*server, options); })) announce(*server, options);
  };
  try {
    add_systemd_listeners(options, server_options.listen);
    server = make_server(options, server_options);
  } catch (const std::system_error& error) {
    throw WrongArgument(error.what());
  }
  AcceptWatch watch{*server};
  const iocpp::DrainReport drain = server->run();
  watch.stop();
  if (options.json) {
    const nlohmann::ordered_json json{{"command", "serve"},
                                      {"service", to_string(options.service)},
                                      {"listening", addresses_got(*server)},
                                      {"backend", iocpp::to_string(server->backend())},
                                      {"shards", server->shards()},
                                      {"counters", to_json(server->counters())},
                                      {"accept_health", watch.to_json()},
                                      {"drain", to_json(drain)}};
    std::cout << json.dump() << std::endl;
  } else {
    std::cout << "served\n";
    print(std::cout, server->counters(), drain);
    watch.print(std::cout);
  }
  return 0;
}
