// The management listener of a running smppd, for the commands that ask it.
#pragma once

#include <string>

#include "base/result.h"
#include "commands.h"

namespace smppd::cli {

struct Manager {
  std::string host, port, username, password;
};

// Where it is; prints what is wrong with the configuration.
[[nodiscard]] Fallible<Manager> manager_of(const ManagerChoice& choice);

// The body of the answer; the error says why there is none, or why the listener refused.
[[nodiscard]] Fallible<std::string> ask(const Manager& manager, const std::string& method, const std::string& target);

}  // namespace smppd::cli
