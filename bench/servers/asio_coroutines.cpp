// Echo on Asio with C++20 coroutines: one thread, one coroutine a connection.
#include <array>
#include <asio.hpp>

#include "arguments.hpp"

namespace {

using asio::ip::tcp;

asio::awaitable<void> serve(tcp::socket socket, bench::Mode mode) {
  std::array<char, 65536> buffer;
  asio::error_code gone;
  for (;;) {
    const std::size_t size =
        co_await socket.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
    if (gone) co_return;
    if (mode == bench::Mode::discard) continue;
    co_await asio::async_write(socket, asio::buffer(buffer.data(), size),
                               asio::redirect_error(asio::use_awaitable, gone));
    if (gone) co_return;
  }
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, bench::Mode mode) {
  for (;;) {
    asio::error_code gone;  // a client that has left already
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, gone));
    if (gone) continue;
    socket.set_option(tcp::no_delay(true), gone);
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), mode), asio::detached);
  }
}

}  // namespace

int main(int count, char** words) {
  const auto arguments = bench::parse_arguments(count, words);
  asio::io_context context(1);
  tcp::acceptor acceptor(context);
  acceptor.open(tcp::v4());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.bind({asio::ip::address_v4::loopback(), arguments.port});
  acceptor.listen(4096);
  asio::co_spawn(context, accept(acceptor, arguments.mode), asio::detached);
  bench::announce(acceptor.local_endpoint().port());
  context.run();
}
