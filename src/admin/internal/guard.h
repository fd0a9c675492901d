// Who may ask the management listener what. Pure decisions on one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace smppd::admin {

struct Access {
  std::string username;  // empty: no authentication is configured
  std::string password;
};

// Nothing when the request may go on; otherwise the refusal. `open` marks probes and metrics, which anyone may read.
//
// Without authentication only loopback clients are served, and only under a name a foreign web page cannot have (DNS
// rebinding) and without the marks of a reverse proxy, which would make everyone local. A request that changes
// something must not come from another site's page.
[[nodiscard]] std::optional<http::Response> refusal(const http::Request& request, const Access& access, bool open);

// "host:port", "[::1]:port", "host" -> the host in it, without brackets; empty when it is none of these.
[[nodiscard]] std::string_view host_of(std::string_view authority) noexcept;

}  // namespace smppd::admin
