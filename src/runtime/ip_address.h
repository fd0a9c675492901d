// An IPv4 or IPv6 address and port. IPv4 is held as v4-mapped IPv6 (::ffff:a.b.c.d), so comparing and hashing need no
// family.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include "base/result.h"

namespace smppd::runtime {

struct IpAddress {
  std::array<std::uint8_t, 16> octets{};

  [[nodiscard]] static Fallible<IpAddress> parse(std::string_view text);
  [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> octets) noexcept;
  [[nodiscard]] bool is_v4() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;
  // RFC 1918, RFC 4193, link-local and loopback.
  [[nodiscard]] bool is_private() const noexcept;
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const IpAddress&) const noexcept = default;
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  [[nodiscard]] static SocketAddress from(const sockaddr_storage& storage) noexcept;
  // Fills `storage` with the family the address really has; returns its length.
  socklen_t to(sockaddr_storage& storage) const noexcept;
  [[nodiscard]] std::string to_string() const;
  bool operator==(const SocketAddress&) const noexcept = default;
};

}  // namespace smppd::runtime
