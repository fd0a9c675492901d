// The options of each section, described once. Built on first use, immutable afterwards.
#pragma once

#include "config/option.h"

namespace smppd::config {

[[nodiscard]] const Options& root_options();
[[nodiscard]] Options listener_options();
[[nodiscard]] Options upstream_options();
[[nodiscard]] Options listener_tls_options();
[[nodiscard]] Options upstream_tls_options();
[[nodiscard]] Options match_options();
[[nodiscard]] Options mo_match_options();
[[nodiscard]] Options route_options();
[[nodiscard]] Options mo_route_options();
[[nodiscard]] Options client_options();
[[nodiscard]] Options filter_options();
[[nodiscard]] Options reconnect_options();
[[nodiscard]] Options retry_options();
void describe_storage(Describe<Config>& d);
[[nodiscard]] Kind<std::optional<MessageMode>> message_mode();

// Bounds that several sections share.
inline constexpr Millis kNone{0};
inline constexpr Millis kTick{1};
inline constexpr Millis kHour{3'600'000};
inline constexpr Millis kDay{86'400'000};
inline constexpr double kMaxRate = 100'000'000;
inline constexpr int kMaxCount = 100'000'000;

// Lengths of C-octet strings without their NUL, SMPP 3.4 §4.1; passwords as long as peers really use.
inline constexpr std::size_t kSystemId = 15;
inline constexpr std::size_t kPassword = 64;
inline constexpr std::size_t kSystemType = 12;
inline constexpr std::size_t kAddressRange = 40;
inline constexpr std::size_t kServiceType = 5;

[[nodiscard]] inline Kind<std::uint8_t> octet() { return integer<std::uint8_t>(0, 255); }

}  // namespace smppd::config
