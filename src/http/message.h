// Requests and responses as plain values, the same for every HTTP server and handler here. No thread of their own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smppd::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Peer {
  std::string address;  // textual IP without port; IPv4 also when it came over an IPv6 socket
  bool loopback = false;
};

struct Request {
  std::string method;  // as sent, case-sensitive (RFC 9110 §9.1)
  std::string path;    // starts with "/", still percent-encoded, without the query
  std::string query;   // behind the "?", still percent-encoded
  Headers headers;
  std::string body;
  Peer peer;
  std::vector<std::string> parameters;  // what the route's {} segments matched, decoded; filled in by Router

  // Value of the first header of that name (ASCII case ignored), null when there is none.
  [[nodiscard]] const std::string* header(std::string_view name) const noexcept;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;  // beside Content-Type, Content-Length, Connection and Date, which the server writes
};

// Answers one request: from any thread, once. Further calls are ignored; dropping every copy without a call answers
// 500.
using Reply = std::function<void(Response)>;
using Handler = std::function<Response(const Request&)>;
using AsyncHandler = std::function<void(Request, Reply)>;

// {"error": ..., "hint": ...}: what went wrong, and what the caller can do about it.
[[nodiscard]] Response error_response(int status, std::string_view error, std::string_view hint = {});

[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace smppd::http
