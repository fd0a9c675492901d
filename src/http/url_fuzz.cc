// Text that a peer wrote into a request line or an Authorization header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/basic_auth.h"
#include "http/router.h"
#include "http/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto decoded = percent_decode(text); decoded && decoded->size() > size) std::abort();
  if (const auto value = query_value(text, "format"); value && value->size() > size) std::abort();
  if (const auto found = parse_basic_auth(text); found && found->user.find(':') != std::string::npos) std::abort();
  Router router;
  router.add_sync("GET", "/api/{}", [](const Request& request) {
    if (request.parameters.size() != 1 || request.parameters[0].empty()) std::abort();
    return Response{};
  });
  Request request;
  request.method = "GET";
  request.path = text;
  int replies = 0;
  router(request, [&](const Response&) { ++replies; });
  if (replies != 1) std::abort();
  return 0;
}
