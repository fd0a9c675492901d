// Sends a request to the handler of its path and method. Built once, then used on the server's thread only.
//
// An unknown path answers 404, a known one with another method 405 with Allow; HEAD is served by GET's handler (the
// server leaves the body out) and OPTIONS by the list of methods.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace smppd::http {

class Router {
 public:
  // A segment "{}" matches any one segment that is not empty; its decoded text is in Request::parameters.
  void add(std::string_view method, std::string_view path, AsyncHandler handler);
  void add_sync(std::string_view method, std::string_view path, Handler handler);

  void operator()(Request request, const Reply& reply) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    AsyncHandler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace smppd::http
