// A request to the management listener of a running smppd. Blocking, for commands.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace smppd::cli {

struct ManagementAccess {
  config::Endpoint address{"127.0.0.1", 8081};
  std::string username;  // empty: without authentication
  std::string password;
};

[[nodiscard]] ManagementAccess access_to(const config::Management& management);

struct ManagementAnswer {
  int status = 0;
  std::string body;
};

// On failure a sentence: nobody listens there, no answer within half a minute, or what answers is no HTTP.
[[nodiscard]] Fallible<ManagementAnswer> ask_management(const ManagementAccess& access, std::string_view method,
                                                        std::string_view target);

// For a path or a query.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace smppd::cli
