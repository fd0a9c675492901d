// Questions and orders to a running smppd over its management listener. Blocking, for commands.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "commands.h"

namespace smppd::cli {

// What came, and how the command ends; an error has been printed already.
struct Asked {
  int code = kOk;
  std::string body;
};
[[nodiscard]] Asked ask(const ManagementChoice& choice, const std::string& method, const std::string& target);

// The same where the answer is a JSON object, also the one that says why not.
struct AskedObject {
  int code = kOk;
  std::string body;
  boost::json::object answer;
};
[[nodiscard]] AskedObject ask_object(const ManagementChoice& choice, const std::string& method,
                                     const std::string& target);

// The text of a member; "-" for null and for what is not there.
[[nodiscard]] std::string shown(const boost::json::object& from, std::string_view key);

}  // namespace smppd::cli
