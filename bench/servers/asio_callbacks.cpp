// Echo on Asio with callbacks: one thread, one pending operation a connection, one buffer each.
#include <array>
#include <asio.hpp>
#include <memory>

#include "arguments.hpp"

namespace {

using asio::ip::tcp;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, bench::Mode mode) : socket_{std::move(socket)}, mode_{mode} {}

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
                              if (error) return;
                              if (self->mode_ == bench::Mode::discard) return self->read();
                              self->write(size);
                            });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(buffer_.data(), size),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  bench::Mode mode_;
  std::array<char, 65536> buffer_;
};

void accept(tcp::acceptor& acceptor, bench::Mode mode) {
  acceptor.async_accept([&acceptor, mode](const asio::error_code& error, tcp::socket socket) {
    if (!error) {
      asio::error_code gone;  // a client that has left already
      socket.set_option(tcp::no_delay(true), gone);
      std::make_shared<Connection>(std::move(socket), mode)->read();
    }
    accept(acceptor, mode);
  });
}

}  // namespace

int main(int count, char** words) {
  auto arguments = bench::parse_arguments(count, words);
  asio::io_context context(1);
  tcp::acceptor acceptor(context);
  acceptor.open(tcp::v4());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.bind({asio::ip::address_v4::loopback(), arguments.port});
  acceptor.listen(4096);
  accept(acceptor, arguments.mode);
  bench::announce(acceptor.local_endpoint().port());
  context.run();
}
