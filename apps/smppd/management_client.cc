#include "management_client.h"

#include <array>
#include <charconv>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace smppd::cli {

namespace {

constexpr time_t kPatienceSeconds = 40;  // the listener answers within 30

struct Socket {
  explicit Socket(int number) : fd(number) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

std::string base64(std::string_view from) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < from.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) bits = bits << 8U | (i + j < from.size() ? std::uint8_t(from[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j <= from.size() ? kDigits[bits >> (18U - 6U * static_cast<unsigned>(j)) & 0x3FU] : '=';
    }
  }
  return out;
}

int connect_to(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    const timeval patience{kPatienceSeconds, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(fd, one->ai_addr, one->ai_addrlen) == 0) return fd;
    ::close(fd);
  }
  return -1;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<std::uint8_t>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[octet >> 4U], kHex[octet & 0xFU]};
    }
  }
  return out;
}

ManagementAccess access_to(const config::Management& management) {
  ManagementAccess access;
  access.address = management.address;
  if (management.auth_type == "basic") {
    access.username = management.username;
    access.password = management.password;
  }
  return access;
}

Fallible<ManagementAnswer> ask_management(const ManagementAccess& access, std::string_view method,
                                          std::string_view target) {
  const std::string& wanted_host = access.address.host;
  const std::string host = wanted_host.empty() || wanted_host == "0.0.0.0" ? "127.0.0.1"
                           : wanted_host == "::"                           ? "::1"
                                                                           : wanted_host;
  const std::string shown =
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(access.address.port);
  const Socket socket(connect_to(host, access.address.port));
  if (socket.fd < 0) {
    return failure("nothing answers at " + shown + "; is smppd running, with this management.address?");
  }
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: " + shown +
                        "\r\nConnection: close\r\nContent-Length: 0\r\n";
  if (!access.username.empty()) {
    request += "Authorization: Basic " + base64(access.username + ":" + access.password) + "\r\n";
  }
  if (!send_all(socket.fd, request + "\r\n")) return failure("the connection to " + shown + " was lost");
  std::string whole;
  std::array<char, 16 * 1024> piece;
  ssize_t got = 0;
  while ((got = ::recv(socket.fd, piece.data(), piece.size(), 0)) > 0) {
    whole.append(piece.data(), static_cast<std::size_t>(got));
  }
  ManagementAnswer answer;
  const std::size_t end = whole.find("\r\n\r\n");
  const bool http = whole.starts_with("HTTP/1.1 ") && end != std::string::npos;
  if (!http || std::from_chars(whole.data() + 9, whole.data() + 12, answer.status).ec != std::errc()) {
    return failure("no whole answer came from " + shown + "; is that smppd's management.address?");
  }
  answer.body = whole.substr(end + 4);
  const std::size_t length = whole.find("\r\nContent-Length: ");
  std::size_t wanted = 0;
  if (length < end) std::from_chars(whole.data() + length + 18, whole.data() + end, wanted);
  if (length >= end || answer.body.size() != wanted) return failure("the answer of " + shown + " was cut short");
  return answer;
}

}  // namespace smppd::cli
