#include "program/host_port.hpp"

#include <charconv>

namespace program {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return port;
}

}  // namespace

std::string HostPort::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if ((host.find(':') != std::string_view::npos) != bracketed) return std::nullopt;
  if (host.find_first_of("[] \t") != std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  return HostPort{std::string{host}, *port};
}

std::string objection(std::string_view text, std::uint16_t least, std::string_view forms) {
  const std::size_t colon = text.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const bool number = !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
  // With another port it would be an address; a number alone is taken for the port that it was meant as.
  const bool host_is_right =
      colon == std::string_view::npos || parse_host_port(std::string{text.substr(0, colon)} + ":1").has_value();
  const auto parsed = number ? parse_port(port) : std::nullopt;
  if (!number || !host_is_right || (parsed && *parsed >= least)) return "is not " + std::string{forms};
  return "has no such port: it is " + std::to_string(least) + " to 65535" + (least == 0 ? ", 0 for a free one" : "");
}

}  // namespace program
