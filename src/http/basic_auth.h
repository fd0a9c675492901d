// HTTP Basic authentication (RFC 7617). Pure functions for text a peer wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smppd::http {

struct Credentials {
  std::string user;  // holds no colon
  std::string password;
};

// Value of an Authorization header; nothing unless it is well-formed Basic with canonical base64.
[[nodiscard]] std::optional<Credentials> parse_basic_auth(std::string_view authorization);

// The value of an Authorization header that parse_basic_auth() reads back.
[[nodiscard]] std::string basic_auth(const Credentials& credentials);

// Takes time that depends on the lengths only.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace smppd::http
