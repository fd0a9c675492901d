// Header values that decide about access: with a password configured, nothing but the password opens the door.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "admin/internal/guard.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::string_view second = first.size() == size ? std::string_view() : text.substr(first.size() + 1);
  http::Request request;
  request.method = "POST";
  request.peer = {"127.0.0.1", true};
  request.headers = {
      {"Host", std::string(first)}, {"Origin", std::string(second)}, {"Authorization", std::string(second)}};
  if (!admin::refusal(request, {"admin", "a password that no fuzzer finds"}, false)) std::abort();
  request.peer.loopback = false;
  if (!admin::refusal(request, {}, false)) std::abort();
  if (admin::host_of(first).size() > first.size()) std::abort();
  return 0;
}
