// Values as people write them on a command line or in a script. Control path; failures are sentences for the user.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/ip_address.h"

namespace smppd::toolkit {

// "250us" "50ms" "1.5s" "2m" "1h"; "0" needs no unit.
[[nodiscard]] Fallible<Duration> parse_duration(std::string_view text);
// A share of one: "0.05" or "5%".
[[nodiscard]] Fallible<double> parse_share(std::string_view text);
// Events per second: "20000", "20k", "10/s", "600/m".
[[nodiscard]] Fallible<double> parse_rate(std::string_view text);
// "1000", "10k", "2M".
[[nodiscard]] Fallible<std::uint64_t> parse_count(std::string_view text);
[[nodiscard]] Fallible<bool> parse_switch(std::string_view text);
// "127.0.0.1:2775", "[::1]:2775", "host.example:2775", ":2775" (all interfaces). Blocks for a name lookup.
[[nodiscard]] Fallible<runtime::SocketAddress> parse_endpoint(std::string_view text);

// One "key=value" of a list such as "delay=50ms,state=DELIVRD:0.9,UNDELIV:0.1,swap".
struct Setting {
  std::string key;
  std::string value;  // empty for a bare key
};
// Splits at commas. After a key named in `list_keys`, items without '=' go on with its value, comma included.
[[nodiscard]] Fallible<std::vector<Setting>> parse_settings(std::string_view text,
                                                            std::initializer_list<std::string_view> list_keys = {});
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// "0A FF" or "0aff" to octets.
[[nodiscard]] Fallible<std::string> parse_hex(std::string_view text);

}  // namespace smppd::toolkit
