// What the commands do, and what is answered, in RESP2.
#pragma once

#include <charconv>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "commands.hpp"
#include "store.hpp"

class Interpreter {
 public:
  void execute(Command words) {
    if (words.empty()) return;
    std::string& name = words[0];
    for (char& letter : name) letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
    const std::size_t arguments = words.size() - 1;
    if (name == "GET" && arguments == 1) return bulk(store_.get(words[1]));
    if (name == "SET" && arguments == 2) {
      store_.set(std::move(words[1]), std::move(words[2]));
      return say({"+OK"});
    }
    if (name == "PING" && arguments <= 1) return arguments == 0 ? say({"+PONG"}) : bulk(&words[1]);
    if (name == "ECHO" && arguments == 1) return bulk(&words[1]);
    if (name == "INCR" && arguments == 1) return increment(std::move(words[1]));
    if (name == "DBSIZE" && arguments == 0) return number(static_cast<long long>(store_.size()));
    if ((name == "DEL" || name == "EXISTS") && arguments >= 1) {
      long long count = 0;
      for (std::size_t at = 1; at < words.size(); ++at)
        count += name == "DEL" ? store_.erase(words[at]) : store_.get(words[at]) != nullptr;
      return number(count);
    }
    if (name == "COMMAND") return say({"*0"});
    if (name == "CONFIG" && arguments == 2) {
      const std::string none;
      say({"*2"});
      bulk(&words[2]);
      return bulk(&none);
    }
    say({"-ERR unknown command, or wrong number of arguments"});
  }

  void fail(std::string_view why) { say({"-ERR ", why}); }

  std::string reply;  ///< Of the commands that are under way.

 private:
  void increment(std::string key) {
    long long value = 0;
    if (const std::string* text = store_.get(key)) {
      const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
      if (error != std::errc{} || end != text->data() + text->size() || value == std::numeric_limits<long long>::max())
        return say({"-ERR value is not an integer or out of range"});
    }
    store_.set(std::move(key), std::to_string(++value));
    number(value);
  }

  void say(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) reply += part;
    reply += "\r\n";
  }
  void number(long long value) { say({":", std::to_string(value)}); }
  void bulk(const std::string* text) {
    if (text == nullptr) return say({"$-1"});
    say({"$", std::to_string(text->size()), "\r\n", *text});
  }

  Store store_{64U << 20};
};
