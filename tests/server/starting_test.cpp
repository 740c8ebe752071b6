// Making and starting a server: what fails, with which error, and that nothing is left behind.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server/failing_server.hpp"
#include "server/footprint.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

struct Groups {
  unsigned first_shards;
  unsigned second_shards;
};
class PortInUse : public ::testing::TestWithParam<Groups> {
 protected:
  static Options second(std::uint16_t port) {
    return {.port = port, .host = "127.0.0.1", .shards = GetParam().second_shards};
  }
};

TEST_P(PortInUse, refuses_a_second_server_of_this_process) {
  Journal journal;
  journal.received = echo;
  LiveServer first{journal, {.shards = GetParam().first_shards}};
  EXPECT_EQ(failure_of(second(first->port())).code(), errc::address_in_use);
  for (int count = 0; count < 20; ++count) EXPECT_EQ(first.connect().echo("mine"), "mine");
}

TEST_P(PortInUse, refuses_a_second_server_before_the_first_has_started) {
  Handler handler;
  const Server first({.host = "127.0.0.1", .shards = GetParam().first_shards}, handler);
  const std::system_error error = failure_of(second(first.port()));
  EXPECT_EQ(error.code(), errc::address_in_use);
  EXPECT_NE(std::string{error.what()}.find("or this program itself"), std::string::npos) << error.what();
}

INSTANTIATE_TEST_SUITE_P(Shards, PortInUse, ::testing::Values(Groups{1, 1}, Groups{1, 2}, Groups{2, 1}, Groups{2, 2}),
                         [](const auto& test) {
                           return std::to_string(test.param.first_shards) + "_then_" +
                                  std::to_string(test.param.second_shards);
                         });

TEST(Listening, on_the_same_port_again_after_the_first_server_is_gone) {
  std::uint16_t port = 0;
  for (int round = 0; round < 3; ++round) {
    Journal journal;
    journal.received = [](Connection connection, std::span<const std::byte> bytes) {
      connection.send(bytes);
      connection.close();  // first, so that this side is in TIME_WAIT
    };
    LiveServer server{journal, {.port = port, .shards = 2}};
    port = server->port();
    Client client = server.connect();
    EXPECT_EQ(client.echo("hello"), "hello");
    EXPECT_EQ(client.end(), Ending::in_order);
    client.close();
    journal.wait_for(Told::disconnect);
  }
}

TEST(Listening, on_an_address_that_is_not_ours) {
  EXPECT_EQ(failure_of({.host = "192.0.2.1"}).code(), errc::address_not_available);
  EXPECT_EQ(failure_of({.host = "2001:db8::1", .shards = 2}).code(), errc::address_not_available);
}

TEST(Listening, on_what_is_no_address) {
  for (const char* host :
       {"example.org", "127.0.0", "127.0.0.256", "::g", "1:2", "fe80::1%nothing", "127.0.0.1 ", "127.0.0.1%lo"}) {
    const std::system_error error = failure_of({.host = host});
    EXPECT_EQ(error.code(), errc::invalid_argument) << host;
    EXPECT_NE(std::string{error.what()}.find(host), std::string::npos) << error.what();
  }
}

// "Not a numeric address" did not say what is wrong with an address that looks like one.
TEST(Listening, on_a_host_with_brackets_or_a_port_says_where_the_port_belongs) {
  for (const char* host : {"[::1]", "127.0.0.1:80", "[::1]:80", "localhost:80"}) {
    const std::string one = failure_of({.host = host}).what();
    EXPECT_NE(one.find("Options::host '" + std::string{host} + "'"), std::string::npos) << one;
    EXPECT_NE(one.find("without brackets and port; the port is Options::port"), std::string::npos) << one;
    const std::string listed = failure_of({.listen = {{.host = host}}}).what();
    EXPECT_NE(listed.find("the port is Listen::port"), std::string::npos) << listed;
  }
}

// The system's answer was that another process listens there.
TEST(Listening, twice_on_one_port_names_the_two) {
  const Listen listen{.host = "127.0.0.1", .port = 50'001};
  const std::system_error error = failure_of({.listen = {{.host = "127.0.0.1"}, listen, listen}});
  EXPECT_EQ(error.code(), errc::invalid_argument);
  EXPECT_NE(std::string{error.what()}.find("1 and 2 are both '127.0.0.1' port 50001"), std::string::npos)
      << error.what();
}

TEST(Listening, says_of_a_listener_that_is_none_how_many_there_are) {
  Journal journal;
  const Server server{on_loopback(), journal};
  const auto said = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::out_of_range& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(said([&] { (void)server.address(5); }), "Server::address: listener 5 of 1");
  EXPECT_EQ(said([&] { (void)server.listener_name(1); }), "Server::listener_name: listener 1 of 1");
}

TEST(Listening, on_several_addresses_of_which_one_fails) {
  Options options;
  options.listen = {{.host = "127.0.0.1"}, {.host = "::1"}, {.host = "192.0.2.1"}};
  options.shards = 2;
  EXPECT_EQ(failure_of(options).code(), errc::address_not_available);
}

struct Boom : std::exception {};

/// Which factory fails, and whether accepting has a thread of its own.
struct Failing {
  unsigned shard;
  bool null;
  bool accept_thread;
};
class FailingFactory : public ::testing::TestWithParam<Failing> {};

TEST_P(FailingFactory, makes_start_fail_and_leaves_nothing) {
  const Failing failing = GetParam();
  const Footprint before = Footprint::now();
  std::vector<Client> waiting;
  {
    const auto factory = [failing](unsigned shard) -> std::unique_ptr<Handler> {
      if (shard != failing.shard) return std::make_unique<Handler>();
      if (failing.null) return nullptr;
      throw Boom{};
    };
    Server server(on_loopback({.shards = 3, .accept_thread = failing.accept_thread}), factory);
    for (int count = 0; count < 20; ++count) waiting.emplace_back(server.port());
    if (failing.null) {
      EXPECT_THROW(server.start(), std::system_error);
    } else {
      EXPECT_THROW(server.start(), Boom);
    }
    EXPECT_EQ(footprint_after({.descriptors = Footprint::now().descriptors, .threads = before.threads}).threads,
              before.threads);
    EXPECT_THROW(server.start(), std::system_error);
    const DrainReport report = server.wait();
    EXPECT_EQ(report.cut + report.idle_closed + report.finished + report.failed, 0U);
    EXPECT_EQ(server.counters().accepted, 0U);
    for (Client& client : waiting) EXPECT_NE(client.end(), Ending::silent);
  }
  waiting.clear();
  EXPECT_EQ(footprint_after(before), before);
}

INSTANTIATE_TEST_SUITE_P(Factories, FailingFactory,
                         ::testing::Values(Failing{0, false, false}, Failing{1, false, false}, Failing{2, true, false},
                                           Failing{0, true, true}, Failing{1, false, true}, Failing{2, false, true}));

TEST(Start, without_a_factory_is_an_error_at_once) {
  EXPECT_THROW(Server(on_loopback({}), HandlerFactory{}), std::system_error);
}

TEST(Start, twice_is_an_error_and_does_no_harm) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal};
  EXPECT_THROW(server->start(), std::system_error);
  EXPECT_THROW(server->run(), std::system_error);
  EXPECT_EQ(server.connect().echo("still here"), "still here");
}

TEST(Start, calls_on_thread_start_on_each_shard_before_its_handler_is_made) {
  std::mutex mutex;
  std::map<unsigned, std::thread::id> started;
  std::set<std::thread::id> distinct;
  Options options = on_loopback({.shards = 3});
  options.on_thread_start = [&](unsigned shard) {
    const std::lock_guard lock{mutex};
    started[shard] = std::this_thread::get_id();
    distinct.insert(std::this_thread::get_id());
  };
  Server server(options, [&](unsigned shard) {
    const std::lock_guard lock{mutex};
    EXPECT_EQ(started[shard], std::this_thread::get_id());
    return std::make_unique<Handler>();
  });
  server.start();
  const std::size_t threads = 3U + (accepting_threads(server) == 3U ? 0 : 1);  // the accepting thread has one too
  EXPECT_EQ(started.size(), threads);
  EXPECT_EQ(distinct.size(), threads);
}

}  // namespace
}  // namespace iocpp::tests
