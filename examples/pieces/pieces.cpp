// Pieces of code of pages and of the headers' comments: compiled, not run.
#include <iocpp/iocpp.hpp>
#include <iocpp/simulator.hpp>

#include <cstdio>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

iocpp::Options behind_proxies();
iocpp::Options behind_proxies() {
  iocpp::Options options{.port = 50000};
  options.proxy_protocol.trusted = {"10.0.0.0/8", "2001:db8:7::/48"};  // your proxies
  return options;
}

iocpp::Options activated();
iocpp::Options activated() {
  iocpp::Options options;
  options.listen = iocpp::listeners_from_systemd();  // empty: not started so
  return options;
}

bool simulated(iocpp::Handler& handler);
bool simulated(iocpp::Handler& handler) {
  iocpp::Simulation simulation{{.seed = 7, .faults = iocpp::FaultRate::light}};
  simulation.serve(handler);
  simulation.connect().send("hello\n").expect("hello\n").half_close().expect_end();
  const iocpp::SimulationResult result = simulation.run();
  return result.passed();
}

class EchoOfLines : public iocpp::Handler {
  iocpp::Framing lines_{iocpp::Delimiter{.text = "\r\n", .message_bytes_max = 1'000}};

  void on_connect(iocpp::Connection connection) override { connection.emplace_context<iocpp::PartialMessage>(); }
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    auto& partial = *connection.context<iocpp::PartialMessage>();
    const auto answer = [&](std::span<const std::byte> line) { connection.send(line); };
    if (!lines_.read(connection, partial, bytes, answer)) connection.abort();
  }
};

std::unique_ptr<iocpp::Handler> echo_of_lines();
std::unique_ptr<iocpp::Handler> echo_of_lines() {
  return std::make_unique<EchoOfLines>();
}

/// A file that is sent piece by piece, as fast as it is read.
class Producer : public iocpp::Handler {
 public:
  void on_connect(iocpp::Connection connection) override { send_more(connection); }
  void on_writable(iocpp::Connection connection) override { send_more(connection); }

 private:
  void send_more(iocpp::Connection connection) {
    for (std::vector<std::byte> piece = next_piece(); !piece.empty(); piece = next_piece()) {
      const iocpp::SendResult sent = connection.send(std::move(piece));
      if (!sent.queued || sent.above_high_watermark) return;  // it has ended; or on_writable goes on
    }
    connection.close();
  }

  std::vector<std::byte> next_piece() { return std::vector<std::byte>(left_ != 0 ? left_-- : 0); }
  std::size_t left_ = 3;
};

std::unique_ptr<iocpp::Handler> producer();
std::unique_ptr<iocpp::Handler> producer() {
  return std::make_unique<Producer>();
}

/// Who hears everything, shard by shard.
class Listeners : public iocpp::Handler {
 public:
  void say(iocpp::SharedBytes bytes) {
    for (const iocpp::Connection each : all) each.send(bytes);
  }
  std::vector<iocpp::Connection> all;
};

bool tell_all(iocpp::Server& server, const std::vector<Listeners*>& of_shard, const std::string& text);
bool tell_all(iocpp::Server& server, const std::vector<Listeners*>& of_shard, const std::string& text) {
  const auto begin = reinterpret_cast<const std::byte*>(text.data());
  const auto bytes = std::make_shared<const std::vector<std::byte>>(begin, begin + text.size());
  for (unsigned shard = 0; shard < server.shards(); ++shard) {
    const std::error_code error = server.post(shard, [=] { of_shard[shard]->say(bytes); });
    if (error) return false;
  }
  return true;
}

void write_counters(std::ostream& out, const iocpp::Counters& counters);
void write_counters(std::ostream& out, const iocpp::Counters& counters) {
  for (const iocpp::NamedCounter& each : iocpp::named_counters)
    out << each.name << ' ' << counters.*each.number << '\n';
}
