#include "http/router.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/url.h"

namespace smppd::http {
namespace {

constexpr std::string_view kParameter = "{}";

// "/a/b" -> a, b; nothing when an escape is broken. Decoding after splitting keeps "%2F" inside its segment.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    auto decoded = percent_decode(segment);
    if (!decoded) return std::nullopt;
    segments.push_back(std::move(*decoded));
    path.remove_prefix(segment.size());
  }
  return segments;
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == kParameter ? segments[i].empty() : pattern[i] != segments[i]) return false;
  }
  return true;
}

std::vector<std::string> parameters_of(const std::vector<std::string>& pattern, std::vector<std::string>& segments) {
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == kParameter) parameters.push_back(std::move(segments[i]));
  }
  return parameters;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace

void Router::add(std::string_view method, std::string_view path, AsyncHandler handler) {
  routes_.push_back({std::string(method), segments_of(path).value_or(std::vector<std::string>{}), std::move(handler)});
}

void Router::add_sync(std::string_view method, std::string_view path, Handler handler) {
  add(method, path,
      [handler = std::move(handler)](const Request& request, const Reply& reply) { reply(handler(request)); });
}

void Router::operator()(Request request, const Reply& reply) const {
  auto segments = segments_of(request.path);
  if (!segments) {
    return reply(error_response(400, "the path holds a broken percent-escape", "write % as %25"));
  }
  const std::string_view wanted = request.method == "HEAD" ? std::string_view("GET") : request.method;
  std::vector<std::string> allowed;
  for (const Route& route : routes_) {
    if (!matches(route.segments, *segments)) continue;
    if (route.method == wanted) {
      request.parameters = parameters_of(route.segments, *segments);
      return route.handler(std::move(request), reply);
    }
    if (std::ranges::find(allowed, route.method) == allowed.end()) allowed.push_back(route.method);
    if (route.method == "GET") allowed.emplace_back("HEAD");
  }
  if (allowed.empty()) return reply(error_response(404, "there is nothing at " + request.path));

  const std::string methods = joined(allowed);
  Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    response = error_response(405, request.path + " does not take " + request.method, "use " + methods);
  }
  response.headers.emplace_back("Allow", methods);
  reply(std::move(response));
}

}  // namespace smppd::http
