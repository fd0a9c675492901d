#include "admin/internal/guard.h"

#include <algorithm>

#include <arpa/inet.h>

#include "http/basic_auth.h"

namespace smppd::admin {
namespace {

using http::Request;
using http::Response;

bool is_ip_literal(std::string_view host) {
  const std::string text(host);
  in6_addr parsed{};
  return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 || ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

bool is_local_name(const Request& request) {
  const std::string* host = request.header("Host");
  if (host == nullptr) return true;  // HTTP/1.0: no browser
  const std::string_view name = host_of(*host);
  return http::equal_ignoring_case(name, "localhost") || is_ip_literal(name);
}

bool came_through_a_proxy(const Request& request) {
  return request.header("X-Forwarded-For") != nullptr || request.header("Forwarded") != nullptr ||
         request.header("Via") != nullptr;
}

bool changes_something(const Request& request) {
  return request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS";
}

// Browsers name the page's origin with every cross-site POST; programs send neither header.
bool is_from_another_site(const Request& request) {
  if (const std::string* site = request.header("Sec-Fetch-Site")) {
    if (*site != "same-origin" && *site != "none") return true;
  }
  const std::string* origin = request.header("Origin");
  if (origin == nullptr) return false;
  const std::string* host = request.header("Host");
  const std::size_t scheme = origin->find("://");
  if (host == nullptr || scheme == std::string::npos) return true;
  return !http::equal_ignoring_case(std::string_view(*origin).substr(scheme + 3), *host);
}

bool knows_the_password(const Request& request, const Access& access) {
  const std::string* header = request.header("Authorization");
  if (header == nullptr) return false;
  const auto given = http::parse_basic_auth(*header);
  if (!given) return false;
  const bool user = http::equal_in_constant_time(given->user, access.username);
  const bool password = http::equal_in_constant_time(given->password, access.password);
  return user && password;
}

}  // namespace

std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  if (std::ranges::count(authority, ':') > 1) return {};
  return authority.substr(0, authority.find(':'));
}

std::optional<Response> refusal(const Request& request, const Access& access, bool open) {
  if (open && !changes_something(request)) return std::nullopt;
  if (!access.username.empty()) {
    if (!knows_the_password(request, access)) {
      Response response = http::error_response(401, "this needs the user name and password of management.auth",
                                               "send them with HTTP Basic authentication");
      response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"smppd\", charset=\"UTF-8\"");
      return response;
    }
  } else if (!request.peer.loopback || came_through_a_proxy(request)) {
    return http::error_response(403, "without authentication only clients on this machine are served",
                                "configure management.auth with type basic, username and password");
  } else if (!is_local_name(request)) {
    return http::error_response(403, "without authentication this is served only under localhost or an IP address",
                                "use http://127.0.0.1, or configure management.auth");
  }
  if (changes_something(request) && is_from_another_site(request)) {
    return http::error_response(403, "a web page of another site may not change anything here",
                                "call it from a program, or from a page that smppd itself serves");
  }
  return std::nullopt;
}

}  // namespace smppd::admin
