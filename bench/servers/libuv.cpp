// Echo on libuv: one loop, one buffer for all reads, uv_try_write before a queued write, as its documentation advises.
#include <uv.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "arguments.hpp"

namespace {

bench::Mode mode = bench::Mode::echo;
std::vector<char> buffer(65536);

/// A write that could not be done at once, with its bytes.
struct Write {
  uv_write_t request;
  std::vector<char> bytes;
};

void check(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

void close(uv_stream_t* stream) {
  auto* handle = reinterpret_cast<uv_handle_t*>(stream);
  if (!uv_is_closing(handle)) uv_close(handle, [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
}

void written(uv_write_t* request, int status) {
  auto* write = static_cast<Write*>(request->data);
  if (status < 0) close(request->handle);
  delete write;
}

void echo(uv_stream_t* stream, char* bytes, std::size_t size) {
  uv_buf_t all = uv_buf_init(bytes, static_cast<unsigned>(size));
  const int sent = uv_stream_get_write_queue_size(stream) == 0 ? uv_try_write(stream, &all, 1) : UV_EAGAIN;
  if (sent < 0 && sent != UV_EAGAIN) return close(stream);
  const std::size_t done = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (done == size) return;
  auto* write = new Write{{}, {bytes + done, bytes + size}};
  write->request.data = write;
  uv_buf_t rest = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  if (uv_write(&write->request, stream, &rest, 1, written) < 0) {
    delete write;
    close(stream);
  }
}

/// After the peer's end: what is queued leaves first.
void finish(uv_stream_t* stream) {
  auto* request = new uv_shutdown_t;
  const int result = uv_shutdown(request, stream, [](uv_shutdown_t* ended, int) {
    close(ended->handle);
    delete ended;
  });
  if (result < 0) {
    delete request;
    close(stream);
  }
}

void received(uv_stream_t* stream, ssize_t size, const uv_buf_t* bytes) {
  if (size == UV_EOF) return finish(stream);
  if (size < 0) return close(stream);
  if (size > 0 && mode == bench::Mode::echo) echo(stream, bytes->base, static_cast<std::size_t>(size));
}

void connected(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* client = new uv_tcp_t;
  uv_tcp_init(listener->loop, client);
  auto* stream = reinterpret_cast<uv_stream_t*>(client);
  if (uv_accept(listener, stream) < 0) return close(stream);
  uv_tcp_nodelay(client, 1);
  uv_read_start(
      stream,
      [](uv_handle_t*, std::size_t, uv_buf_t* lent) {
        *lent = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
      },
      received);
}

}  // namespace

int main(int count, char** words) {
  const auto arguments = bench::parse_arguments(count, words);
  mode = arguments.mode;
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  sockaddr_in address{};
  check(uv_tcp_init(loop, &listener), "uv_tcp_init");
  check(uv_ip4_addr("127.0.0.1", arguments.port, &address), "uv_ip4_addr");
  check(uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0), "uv_tcp_bind");
  check(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, connected), "uv_listen");
  int length = sizeof address;
  check(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &length), "uv_tcp_getsockname");
  bench::announce(ntohs(address.sin_port));
  return uv_run(loop, UV_RUN_DEFAULT);
}
