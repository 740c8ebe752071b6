// A telemetry receiver: devices connect, send records, end their stream, and are told what has come of it. A record is
// its length in 4 bytes and then readings of 8 bytes, all big-endian.
#include <iocpp/iocpp.hpp>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>

namespace {

using Bytes = std::span<const std::byte>;

/// Over all shards.
struct Totals {
  std::atomic<std::uint64_t> devices = 0;
  std::atomic<std::uint64_t> records = 0;
  std::atomic<std::uint64_t> readings = 0;
};

/// What one device has sent.
struct Device {
  iocpp::PartialMessage partial;
  std::uint64_t records = 0;
  std::uint64_t readings = 0;
  std::uint64_t sum = 0;
  std::uint64_t checksum = 0;  ///< Depends on the order too.

  bool add(Bytes record) {
    if (record.empty() || record.size() % 8 != 0) return false;
    for (std::size_t at = 0; at < record.size(); at += 8) {
      std::uint64_t reading = 0;
      for (std::size_t byte = 0; byte < 8; ++byte)
        reading = reading << 8 | std::to_integer<std::uint64_t>(record[at + byte]);
      sum += reading;
      checksum = checksum * 31 + reading;
    }
    ++records;
    readings += record.size() / 8;
    return true;
  }
};

class Telemetry : public iocpp::Handler {
 public:
  explicit Telemetry(Totals& totals) : totals_{totals} {}

  void on_connect(iocpp::Connection connection) override { connection.emplace_context<Device>(); }

  void on_receive(iocpp::Connection connection, Bytes bytes) override {
    Device& device = *connection.context<Device>();
    const auto add = [&](Bytes record) { return device.add(record); };
    const iocpp::FramingResult result = framing_.read(connection, device.partial, bytes, add);
    if (!result || result.stopped) connection.abort();
  }

  void on_peer_shutdown(iocpp::Connection connection) override {
    const Device& device = *connection.context<Device>();
    if (!device.partial.empty()) return connection.abort();  // cut off in a record
    totals_.devices.fetch_add(1, std::memory_order_relaxed);
    totals_.records.fetch_add(device.records, std::memory_order_relaxed);
    totals_.readings.fetch_add(device.readings, std::memory_order_relaxed);
    connection.send(std::to_string(device.records) + " records, " + std::to_string(device.readings) +
                    " readings, sum " + std::to_string(device.sum) + ", checksum " + std::to_string(device.checksum) +
                    "\n");
    connection.close();
  }

  /// Who is in the middle of it may finish, until Options::drain_timeout is over.
  void on_drain(iocpp::Connection) override {}

 private:
  iocpp::Framing framing_{iocpp::LengthPrefix{.bytes = 4, .message_bytes_max = 64U << 10}};
  Totals& totals_;
};

}  // namespace

int main(int count, char** words) {
  iocpp::Options options = iocpp::Options::public_internet();
  options.port = static_cast<std::uint16_t>(count > 1 ? std::stoul(words[1]) : 50001);
  options.deadlines.first_byte = std::chrono::seconds{10};
  options.deadlines.lifetime = std::chrono::minutes{10};
  Totals totals;
  iocpp::Server server(options, [&totals](unsigned /*shard*/) { return std::make_unique<Telemetry>(totals); });
  std::printf("listening on port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  const iocpp::DrainReport report = server.run();
  std::printf("%llu devices, %llu records, %llu readings; at the end %llu cut off\n",
              static_cast<unsigned long long>(totals.devices), static_cast<unsigned long long>(totals.records),
              static_cast<unsigned long long>(totals.readings), static_cast<unsigned long long>(report.cut));
}
