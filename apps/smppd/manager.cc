#include "manager.h"

#include <array>
#include <iostream>
#include <memory>
#include <string_view>

#include <boost/json.hpp>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "config/loader.h"

namespace smppd::cli {

namespace {

namespace json = boost::json;

constexpr timeval kPatience{35, 0};  // the listener answers within 30 s

std::string base64(std::string_view from) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < from.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8U | (i + k < from.size() ? static_cast<std::uint8_t>(from[i + k]) : 0U);
    }
    for (unsigned k = 0; k < 4; ++k) {
      out += i + k <= from.size() ? kDigits[bits >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return out;
}

// A connected socket, or -1.
int connect_to(const Manager& manager) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(manager.host.c_str(), manager.port.c_str(), &hints, &found) != 0) return -1;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0) continue;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    if (::connect(fd, at->ai_addr, at->ai_addrlen) == 0) return fd;
    ::close(fd);
  }
  return -1;
}

}  // namespace

Fallible<Manager> manager_of(const ManagerChoice& choice) {
  Manager manager{"127.0.0.1", "8081", choice.username, choice.password};
  std::string address = choice.address;
  if (!choice.config.file.empty()) {
    const config::Loaded loaded =
        config::load_file(choice.config.file, {choice.config.lenient, choice.config.overrides, {}});
    std::cerr << config::to_text(loaded.diagnostics);
    if (loaded.config == nullptr) return failure(choice.config.file + " has errors");
    const config::Management& management = loaded.config->management;
    if (!management.enabled) return failure("management is switched off in " + choice.config.file);
    const std::string& host = management.address.host;
    if (!host.empty() && host != "0.0.0.0") manager.host = host == "::" ? "::1" : host;
    manager.port = std::to_string(management.address.port);
    if (manager.username.empty()) manager.username = management.username;
    if (manager.password.empty()) manager.password = management.password;
  }
  if (address.empty()) return manager;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return failure("--address " + address + " has no port; write host:port");
  manager.port = address.substr(colon + 1);
  manager.host = address.substr(0, colon);
  if (manager.host.starts_with('[') && manager.host.ends_with(']'))
    manager.host = manager.host.substr(1, manager.host.size() - 2);
  if (manager.host.empty()) manager.host = "127.0.0.1";
  return manager;
}

Fallible<std::string> ask(const Manager& manager, const std::string& method, const std::string& target) {
  const std::string name = manager.host + ":" + manager.port;
  const int fd = connect_to(manager);
  if (fd < 0) return failure("nothing answers at " + name + "; is smppd running, with this management.address?");
  // Without a password the listener answers those who ask for this machine by a name that no web page has.
  std::string request =
      method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n";
  if (!manager.username.empty()) {
    request += "Authorization: Basic " + base64(manager.username + ":" + manager.password) + "\r\n";
  }
  request += "\r\n";
  std::string answer;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    std::array<char, 16 * 1024> room;
    for (ssize_t got = 0; (got = ::recv(fd, room.data(), room.size(), 0)) > 0;) {
      answer.append(room.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos || !answer.starts_with("HTTP/1.1 ")) return failure(name + " gave no answer");
  std::string body = answer.substr(head + 4);
  if (answer.substr(9, 3) == "200") return body;
  boost::system::error_code bad;
  const json::value error = json::parse(body, bad);
  if (bad || !error.is_object() || !error.as_object().contains("error"))
    return failure(name + ": " + answer.substr(9, 3));
  return failure(std::string(error.at("error").as_string()));
}

}  // namespace smppd::cli
