// HTTP/1.1 requests out of a stream, by http_parser; what is kept of one is bounded.
#pragma once

#include <http_parser.h>

#include <cstdint>
#include <string>
#include <string_view>

struct Request {
  std::string target;
  std::string if_none_match;
  unsigned method = 0;
  bool keeps_alive = false;
  bool minor_version_0 = false;
};

/// Of one connection: one request at a time.
class RequestReader {
 public:
  RequestReader() {
    http_parser_init(&parser_, HTTP_REQUEST);
    parser_.data = this;
  }
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  enum class Found { request, nothing, error };
  /// Takes bytes off the front of `bytes`, up to the end of a request.
  Found read(std::string_view& bytes) {
    found_ = false;
    const std::size_t taken = http_parser_execute(&parser_, &settings(), bytes.data(), bytes.size());
    bytes.remove_prefix(taken);
    if (found_) http_parser_pause(&parser_, 0);
    if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) return Found::error;
    return found_ ? Found::request : Found::nothing;
  }

  const Request& request() const { return request_; }
  /// A request has begun, and is not complete.
  bool in_request() const { return in_request_; }
  /// Requests that have begun so far.
  std::uint64_t begun() const { return begun_; }

 private:
  static constexpr std::size_t value_bytes_max = 2'048;

  static RequestReader& of(http_parser* parser) { return *static_cast<RequestReader*>(parser->data); }
  /// Not 0 is an error; so is a value that is too long.
  static int append(std::string& value, const char* text, std::size_t size) {
    if (value.size() + size > value_bytes_max) return 1;
    value.append(text, size);
    return 0;
  }
  static int begin(http_parser* parser) {
    of(parser).request_ = {};
    of(parser).field_.clear();
    of(parser).in_request_ = true;
    ++of(parser).begun_;
    return 0;
  }
  static int url(http_parser* parser, const char* text, std::size_t size) {
    return append(of(parser).request_.target, text, size);
  }
  static int field(http_parser* parser, const char* text, std::size_t size) {
    RequestReader& reader = of(parser);
    if (reader.in_value_) reader.field_.clear();
    reader.in_value_ = false;
    return append(reader.field_, text, size);
  }
  static int value(http_parser* parser, const char* text, std::size_t size) {
    RequestReader& reader = of(parser);
    reader.in_value_ = true;
    constexpr std::string_view wanted = "if-none-match";
    if (reader.field_.size() != wanted.size()) return 0;
    for (std::size_t at = 0; at < wanted.size(); ++at)
      if ((reader.field_[at] | 0x20) != wanted[at]) return 0;
    return append(reader.request_.if_none_match, text, size);
  }
  static int complete(http_parser* parser) {
    RequestReader& reader = of(parser);
    reader.request_.method = parser->method;
    reader.request_.keeps_alive = http_should_keep_alive(parser) != 0;
    reader.request_.minor_version_0 = parser->http_minor == 0;
    reader.found_ = true;
    reader.in_request_ = false;
    http_parser_pause(parser, 1);  // the next one is read when this one is answered
    return 0;
  }
  static const http_parser_settings& settings() {
    static const http_parser_settings made = [] {
      http_parser_settings set{};
      set.on_message_begin = &begin;
      set.on_url = &url;
      set.on_header_field = &field;
      set.on_header_value = &value;
      set.on_message_complete = &complete;
      return set;
    }();
    return made;
  }

  http_parser parser_{};
  Request request_;
  std::string field_;
  std::uint64_t begun_ = 0;
  bool in_value_ = false;
  bool found_ = false;
  bool in_request_ = false;
};
