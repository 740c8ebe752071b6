// Unix sockets: who may connect, whose path it is, and what is known of the peer.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "server/live_server.hpp"
#include "simulator/proxy_headers.hpp"

namespace iocpp::tests {
namespace {

namespace fs = std::filesystem;

/// Connects, sends and reads; ends with a failure of the test where it can't.
class UnixClient {
 public:
  explicit UnixClient(const std::string& path) : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    set_time_limit(socket_.get(), std::chrono::seconds{20});
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool abstract = path.front() == '@';
    if (abstract) address.sun_path[0] = '\0';
    const std::size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
    connected =
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) == 0;
  }

  std::string echo(std::string_view bytes, std::string_view before = {}) {
    const std::string all = std::string{before}.append(bytes);
    EXPECT_EQ(send_bytes(socket_.get(), all.data(), all.size()), static_cast<std::ptrdiff_t>(all.size()));
    std::string back(bytes.size(), '\0');
    std::size_t filled = 0;
    while (filled < back.size()) {
      const std::ptrdiff_t received = receive_bytes(socket_.get(), back.data() + filled, back.size() - filled);
      if (received <= 0) break;
      filled += static_cast<std::size_t>(received);
    }
    back.resize(filled);
    return back;
  }
  /// The server has ended its stream.
  bool ends() {
    char byte;
    return receive_bytes(socket_.get(), &byte, 1) == 0;
  }

  bool connected = false;

 private:
  Descriptor socket_;
};

class UnixSocket : public ::testing::Test {
 protected:
  UnixSocket() { journal.received = echo; }
  ~UnixSocket() override { fs::remove_all(folder); }
  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "iocpp-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return name;
  }
  Options options(unsigned permissions = 0600) const {
    return {.listen = {{.host = "unix:" + path, .unix_permissions = permissions}}};
  }

  const fs::path folder = make_folder();
  const std::string path = (folder / "socket").string();
  Journal journal;
};

TEST_F(UnixSocket, serves_and_closes_in_order) {
  LiveServer server{journal, options()};
  EXPECT_EQ(server->listener_name(), "unix:" + path);
  EXPECT_EQ(server->address().family, Address::Family::none);
  UnixClient client{path};
  EXPECT_EQ(client.echo("hello"), "hello");
  server->request_drain(std::chrono::seconds{10});
  EXPECT_TRUE(client.ends());
}

// Whoever may read the folder may lock it, and keep it locked.
TEST_F(UnixSocket, is_made_though_somebody_holds_the_folders_lock) {
  const Descriptor locked{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  ASSERT_EQ(::flock(locked.get(), LOCK_EX), 0);
  LiveServer server{journal, options()};
  EXPECT_EQ(UnixClient{path}.echo("hello"), "hello");
}

TEST_F(UnixSocket, several_shards_share_one_by_the_accepting_thread) {
  Options several = options();
  several.shards = 3;
  LiveServer server{journal, several};
  std::vector<UnixClient> clients;
  for (int number = 0; number < 30; ++number) {
    clients.emplace_back(path);
    EXPECT_EQ(clients.back().echo("hello"), "hello");
  }
  std::set<unsigned> shards;
  for (const Entry& entry : journal.all(Told::connect)) shards.insert(entry.id.shard());
  EXPECT_EQ(shards.size(), 3U);
}

TEST_F(UnixSocket, the_file_has_the_permissions_asked_for_and_goes_with_the_server) {
  {
    LiveServer server{journal, options(0640)};
    struct stat file {};
    ASSERT_EQ(::stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0640U);
  }
  EXPECT_FALSE(fs::exists(path));
}

/// This process's handle of the listener on the path.
int listener_on(const std::string& path) {
  for (int handle = 0; handle < 1024; ++handle) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) continue;
    sockaddr_un address{};
    socklen_t length = sizeof address;
    ::getsockname(handle, reinterpret_cast<sockaddr*>(&address), &length);
    if (address.sun_family == AF_UNIX && path == address.sun_path) return handle;
  }
  return -1;
}

TEST_F(UnixSocket, the_file_of_a_listener_that_was_made_anew_goes_with_the_server_too) {
  {
    Options one_by_one = options();
    one_by_one.accepts_in_flight = 1;
    one_by_one.limits.when_full = WhenFull::pause;
    LiveServer server{journal, one_by_one};
    const int listener = listener_on(path);
    ASSERT_GE(listener, 0);
    {
      // Foreign code puts a socket that does not listen in its place; the next accept finds out. A race, as that would
      // be, and so by calls that ThreadSanitizer does not see.
      const Descriptor kept{static_cast<int>(::syscall(SYS_dup, listener))};
      const Descriptor other{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      ASSERT_EQ(::syscall(SYS_dup3, other.get(), listener, O_CLOEXEC), listener);
      const UnixClient knocks{path};
      ASSERT_TRUE(eventually([&] { return server.counters().listeners_lost != 0; }));
    }
    ASSERT_TRUE(eventually([&] { return server.counters().listeners_restored != 0; }));
    EXPECT_EQ(UnixClient{path}.echo("hello"), "hello");
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(UnixSocket, a_path_on_which_nobody_listens_is_replaced) {
  {
    const Descriptor left{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(left.get(), 1), 0);
  }
  ASSERT_TRUE(fs::exists(path));
  LiveServer server{journal, options()};
  EXPECT_EQ(UnixClient{path}.echo("hello"), "hello");
}

TEST_F(UnixSocket, a_path_on_which_somebody_listens_is_in_use) {
  LiveServer server{journal, options()};
  try {
    Server second{on_loopback(options()), journal};
    FAIL() << "two servers on one path";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::address_in_use);
    EXPECT_NE(std::string{error.what()}.find("or this program itself"), std::string::npos) << error.what();
  }
  EXPECT_EQ(UnixClient{path}.echo("hello"), "hello") << "the first one's path is gone";
}

TEST_F(UnixSocket, a_file_that_is_no_socket_stays) {
  std::ofstream{path} << "precious";
  try {
    Server server{on_loopback(options()), journal};
    FAIL() << "a file was taken for a stale socket";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::address_in_use);
    EXPECT_NE(std::string{error.what()}.find("what is there is no socket"), std::string::npos) << error.what();
  }
  EXPECT_EQ(fs::file_size(path), 8U);
}

TEST_F(UnixSocket, a_path_that_a_successor_has_taken_stays) {
  auto first = std::make_unique<LiveServer>(journal, options());
  fs::remove(path);
  Journal other;
  other.received = echo;
  LiveServer second{other, options()};
  first.reset();
  EXPECT_EQ(UnixClient{path}.echo("hello"), "hello");
}

TEST_F(UnixSocket, an_abstract_name_needs_no_file) {
  const std::string name = "@iocpp-" + folder.filename().string();
  LiveServer server{journal, {.listen = {{.host = "unix:" + name}}}};
  EXPECT_EQ(UnixClient{name}.echo("hello"), "hello");
}

TEST_F(UnixSocket, a_name_that_is_none_is_refused) {
  for (const std::string& name : {std::string{"unix:"}, std::string{"unix:@"}, "unix:/" + std::string(107, 'x')}) {
    try {
      Server server{{.listen = {{.host = name}}}, journal};
      FAIL() << name;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::invalid_argument) << name;
    }
  }
}

// The port was overlooked.
TEST_F(UnixSocket, a_port_is_refused_and_so_is_the_same_path_twice) {
  const auto refusal_of = [](Options options) -> std::string {
    Handler handler;
    try {
      const Server server{std::move(options), handler};
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::invalid_argument);
      return error.what();
    }
    return "";
  };
  const std::string host = "unix:" + path;
  EXPECT_NE(refusal_of({.port = 7, .host = host}).find("leave Options::port alone"), std::string::npos);
  EXPECT_NE(refusal_of({.listen = {{.host = host, .port = 7}}}).find("leave Listen::port alone"), std::string::npos);
  EXPECT_NE(refusal_of({.listen = {{.host = host}, {.host = host}}}).find("0 and 1 are both"), std::string::npos);
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(UnixSocket, the_peers_credentials_are_known) {
  PeerCredentials peer;
  std::error_code error = make_error_code(errc::closed);
  journal.connected = [&](Connection connection) { error = connection.peer_credentials(peer); };
  LiveServer server{journal, options()};
  EXPECT_EQ(UnixClient{path}.echo("hello"), "hello");
  journal.wait_for(Told::connect);
  EXPECT_FALSE(error) << error.message();
  EXPECT_EQ(peer.process, ::getpid());
  EXPECT_EQ(peer.user, ::getuid());
  EXPECT_EQ(peer.group, ::getgid());
}

TEST_F(UnixSocket, a_tcp_connection_has_no_credentials) {
  std::error_code error;
  journal.connected = [&](Connection connection) {
    PeerCredentials peer;
    error = connection.peer_credentials(peer);
  };
  LiveServer server{journal};
  Client client = server.connect();
  EXPECT_EQ(client.echo("hello"), "hello");
  journal.wait_for(Told::receive);
  EXPECT_EQ(error, errc::not_supported);
}

TEST_F(UnixSocket, a_proxy_on_it_is_trusted) {
  Address seen;
  journal.connected = [&](Connection connection) { EXPECT_FALSE(connection.peer_address(seen)); };
  Options behind = options();
  behind.proxy_protocol.trusted = {"192.0.2.0/24"};
  LiveServer server{journal, behind};
  const Address address = simulator::ipv4(203, 0, 113, 5, 4711);
  UnixClient proxy{path};
  EXPECT_EQ(proxy.echo("hello", simulator::proxy_block(address, address)), "hello");
  journal.wait_for(Told::receive);
  EXPECT_EQ(seen, address);
}

TEST_F(UnixSocket, a_listener_beside_it_has_a_port) {
  Options both = options();
  both.listen.push_back({.host = "127.0.0.1"});
  LiveServer server{journal, both};
  EXPECT_EQ(UnixClient{path}.echo("hello"), "hello");
  EXPECT_EQ(Client{server->address(1).port}.echo("hello"), "hello");
}

}  // namespace
}  // namespace iocpp::tests
