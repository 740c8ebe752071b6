// Asks a server every second whether it accepts, and says so when that changes.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>

#include <iocpp/iocpp.hpp>

/// From its construction to `stop`, on a thread of its own. The server outlives it.
class AcceptWatch {
 public:
  explicit AcceptWatch(const iocpp::Server& server);
  ~AcceptWatch() { stop(); }
  AcceptWatch(const AcceptWatch&) = delete;
  AcceptWatch& operator=(const AcceptWatch&) = delete;

  void stop();

  // After `stop`.
  nlohmann::ordered_json to_json() const;
  void print(std::ostream& out) const;

 private:
  void run();
  void look();

  const iocpp::Server& server_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  bool stalled_ = false;
  unsigned seconds_stalled_ = 0;
  std::optional<iocpp::AcceptQueue> deepest_;
  std::optional<iocpp::AcceptDrops> first_;
  std::optional<iocpp::AcceptDrops> last_;
  std::thread thread_;
};
