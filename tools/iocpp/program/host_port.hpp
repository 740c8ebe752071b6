// HOST:PORT as a user writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace program {

/// A host, not looked up or checked, and a port. An IPv6 address stands without its brackets.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  /// `127.0.0.1:80`, `[::1]:80`, `:80`.
  std::string to_string() const;
};

/// `127.0.0.1:50000`, `[::1]:50000`, `localhost:50000`, `:50000` (the host is empty then). Nothing for anything else;
/// an IPv6 address needs its brackets.
std::optional<HostPort> parse_host_port(std::string_view text);

/// What is wrong with a text that was refused: "is not " and `forms`, or, where the port alone is a number out of its
/// range, from `least` on, that range.
std::string objection(std::string_view text, std::uint16_t least, std::string_view forms);

}  // namespace program
