// What a request is answered with, and how an answer begins.
#pragma once

#include <array>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "document.hpp"
#include "request.hpp"

struct Answer {
  std::string_view status;
  std::string fields;       ///< Each with its "\r\n".
  std::string_view text{};  ///< The body, where it is no document.
  std::optional<Document> document{};
};

inline Answer answer_to(const Request& request, int folder) {
  if (request.method != HTTP_GET && request.method != HTTP_HEAD)
    return {"405 Method Not Allowed", "Allow: GET, HEAD\r\nContent-Length: 0\r\n"};
  std::optional<Document> document = Document::open(folder, request.target);
  if (!document) return {"404 Not Found", "Content-Type: text/plain\r\nContent-Length: 10\r\n", "not found\n"};
  const std::string etag = "ETag: " + document->etag + "\r\n";
  const bool is_known = request.if_none_match == "*" || request.if_none_match.find(document->etag) != std::string::npos;
  if (is_known) return {"304 Not Modified", etag};
  std::string fields = etag + "Content-Type: " + std::string{document->type} +
                       "\r\nX-Content-Type-Options: nosniff\r\nContent-Length: " + std::to_string(document->size) +
                       "\r\n";
  return {"200 OK", std::move(fields), {}, std::move(document)};
}

/// RFC 9110, 5.6.7.
inline std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", ::gmtime_r(&now, &parts));
  return {text.data(), size};
}

/// `connection`: what is said of it; nothing, where its version says it.
inline std::string head_of(const Answer& answer, std::string_view connection) {
  std::string head = "HTTP/1.1 " + std::string{answer.status} + "\r\nDate: " + http_date() + "\r\n";
  if (!connection.empty()) (head += "Connection: ").append(connection) += "\r\n";
  return (head += answer.fields) += "\r\n";
}
