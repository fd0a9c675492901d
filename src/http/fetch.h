// One request to an HTTP server and its whole answer, for commands. Blocks the calling thread; holds no connection
// between two calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/basic_auth.h"
#include "http/message.h"

namespace smppd::http {

struct Fetch {
  std::string host;  // a name or an address, IPv6 without brackets
  std::uint16_t port = 80;
  std::string method = "GET";
  std::string target = "/";  // percent-encoded
  std::optional<Credentials> credentials;
  std::chrono::seconds patience{40};  // for all of it
};

// The error is a sentence about the server: nothing listens there, it said nothing in time, or it does not speak HTTP.
// A status other than 200 is an answer, not an error.
[[nodiscard]] Fallible<Response> fetch(const Fetch& request);

}  // namespace smppd::http
