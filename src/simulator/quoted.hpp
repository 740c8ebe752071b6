// Bytes as a reader of a message can see them.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace iocpp::simulator {

/// In quotation marks, with escapes; of many bytes the beginning, and how many there are.
inline std::string quoted(std::string_view bytes) {
  constexpr std::size_t most = 60;
  std::string text{'"'};
  for (const char byte : bytes.substr(0, most)) {
    if (byte == '\n') {
      text += "\\n";
    } else if (byte == '\r') {
      text += "\\r";
    } else if (byte == '"' || byte == '\\') {
      text += {'\\', byte};
    } else if (byte >= ' ' && byte <= '~') {
      text += byte;
    } else {
      std::array<char, 5> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      text += escape.data();
    }
  }
  text += '"';
  return bytes.size() <= most ? text : text + "... (" + std::to_string(bytes.size()) + " bytes)";
}

}  // namespace iocpp::simulator
