#include "runtime/ip_address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace smppd::runtime {

namespace {
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
}

Fallible<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  in_addr v4{};
  if (inet_pton(AF_INET, copy.c_str(), &v4) == 1) {
    std::copy(kMapped.begin(), kMapped.end(), address.octets.begin());
    std::memcpy(address.octets.data() + 12, &v4, 4);
    return address;
  }
  if (inet_pton(AF_INET6, copy.c_str(), address.octets.data()) == 1) return address;
  return failure("\"" + copy + "\" is not an IP address");
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) noexcept {
  IpAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.octets.begin());
  std::copy(octets.begin(), octets.end(), address.octets.begin() + kMapped.size());
  return address;
}

bool IpAddress::is_v4() const noexcept { return std::equal(kMapped.begin(), kMapped.end(), octets.begin()); }

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return octets[12] == 127;
  return std::all_of(octets.begin(), octets.end() - 1, [](std::uint8_t o) { return o == 0; }) && octets[15] == 1;
}

bool IpAddress::is_private() const noexcept {
  if (is_loopback()) return true;
  if (is_v4()) {
    const std::uint8_t a = octets[12];
    const std::uint8_t b = octets[13];
    return a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 169 && b == 254);
  }
  return (octets[0] & 0xFE) == 0xFC || (octets[0] == 0xFE && (octets[1] & 0xC0) == 0x80);
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  if (is_v4()) {
    inet_ntop(AF_INET, octets.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, octets.data(), text, sizeof text);
  }
  return text;
}

SocketAddress SocketAddress::from(const sockaddr_storage& storage) noexcept {
  SocketAddress address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::copy(kMapped.begin(), kMapped.end(), address.ip.octets.begin());
    std::memcpy(address.ip.octets.data() + 12, &in.sin_addr, 4);
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(address.ip.octets.data(), &in.sin6_addr, 16);
    address.port = ntohs(in.sin6_port);
  }
  return address;
}

socklen_t SocketAddress::to(sockaddr_storage& storage) const noexcept {
  storage = {};
  if (ip.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.octets.data() + 12, 4);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, ip.octets.data(), 16);
  std::memcpy(&storage, &in, sizeof in);
  return sizeof in;
}

std::string SocketAddress::to_string() const {
  const std::string host = ip.is_v4() ? ip.to_string() : "[" + ip.to_string() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace smppd::runtime
