// The public peer: each call is a step of its script.
#include "simulator/user/user_simulation.hpp"

namespace iocpp {

using simulator::Step;
using Kind = Step::Kind;

SimulatedPeer& SimulatedPeer::append(simulator::Step&& step) {
  simulation_->running_->going().scripted().append(number_, std::move(step));
  return *this;
}

SimulatedPeer& SimulatedPeer::send(std::string_view bytes) {
  return append({.kind = Kind::send, .bytes = std::string{bytes}});
}
SimulatedPeer& SimulatedPeer::expect(std::string_view bytes) {
  return append({.kind = Kind::expect, .bytes = std::string{bytes}});
}
SimulatedPeer& SimulatedPeer::expect_bytes(std::size_t count) {
  return append({.kind = Kind::expect_bytes, .count = count});
}
SimulatedPeer& SimulatedPeer::expect_line(std::function<bool(std::string_view)> fits) {
  return append({.kind = Kind::expect_line, .fits = std::move(fits)});
}
SimulatedPeer& SimulatedPeer::expect_end() {
  return append({.kind = Kind::expect_end});
}
SimulatedPeer& SimulatedPeer::expect_reset() {
  return append({.kind = Kind::expect_reset});
}
SimulatedPeer& SimulatedPeer::half_close() {
  return append({.kind = Kind::half_close});
}
SimulatedPeer& SimulatedPeer::close() {
  return append({.kind = Kind::close});
}
SimulatedPeer& SimulatedPeer::reset() {
  return append({.kind = Kind::reset});
}
SimulatedPeer& SimulatedPeer::vanish() {
  return append({.kind = Kind::vanish});
}
SimulatedPeer& SimulatedPeer::read_slowly(std::size_t bytes, std::chrono::nanoseconds pause) {
  return append({.kind = Kind::read_slowly, .count = bytes, .time = pause});
}
SimulatedPeer& SimulatedPeer::read_freely() {
  return append({.kind = Kind::read_slowly, .count = SIZE_MAX});
}
SimulatedPeer& SimulatedPeer::wait(std::chrono::nanoseconds time) {
  return append({.kind = Kind::wait, .time = time});
}
SimulatedPeer& SimulatedPeer::stay() {
  return append({.kind = Kind::stay});
}

std::string_view SimulatedPeer::received() const {
  return simulation_->running_->server().scripted().received(number_);
}
PeerEnd SimulatedPeer::end() const {
  return simulation_->running_->server().scripted().end(number_);
}
bool SimulatedPeer::done() const {
  return simulation_->running_->server().scripted().done(number_);
}

}  // namespace iocpp
