// Echo on libevent: bufferevents, whose input is moved to their output without a copy.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstdlib>

#include "arguments.hpp"
#include "listener.hpp"

namespace {

bench::Mode mode = bench::Mode::echo;

void received(bufferevent* connection, void*) {
  evbuffer* input = bufferevent_get_input(connection);
  if (mode == bench::Mode::discard) {
    evbuffer_drain(input, evbuffer_get_length(input));
  } else {
    bufferevent_write_buffer(connection, input);
  }
}

void sent(bufferevent* connection, void*) {
  bufferevent_free(connection);
}

/// The peer's end, or an error. What is queued leaves first.
void ended(bufferevent* connection, short what, void*) {
  const bool all_sent = evbuffer_get_length(bufferevent_get_output(connection)) == 0;
  if ((what & BEV_EVENT_EOF) == 0 || all_sent) return bufferevent_free(connection);
  bufferevent_disable(connection, EV_READ);
  bufferevent_setcb(connection, nullptr, sent, ended, nullptr);
}

void accepted(evconnlistener* listener, evutil_socket_t socket, sockaddr*, int, void*) {
  bufferevent* connection = bufferevent_socket_new(evconnlistener_get_base(listener), socket, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connection, received, nullptr, ended, nullptr);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

}  // namespace

int main(int count, char** words) {
  const auto arguments = bench::parse_arguments(count, words);
  mode = arguments.mode;
  event_base* base = event_base_new();
  const int socket = bench::listen_on(arguments.port, SOCK_NONBLOCK);
  if (evconnlistener_new(base, accepted, nullptr, LEV_OPT_CLOSE_ON_FREE, 0, socket) == nullptr) return 1;
  return event_base_dispatch(base);
}
