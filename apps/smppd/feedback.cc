// smppd feedback: asks the running smppd what became of its messages.
#include <iostream>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "commands.h"
#include "config/loader.h"

namespace smppd::cli {

namespace {

constexpr time_t kPatience = 10;  // seconds

std::string base64(std::string_view in) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < in.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (at + i < in.size() ? static_cast<unsigned char>(in[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) out += at + i > in.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63U];
  }
  return out;
}

struct Socket {
  int fd = -1;
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

Fallible<void> connect_to(Socket& socket, const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) {
    return failure(host + ": " + ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  const timeval patience{kPatience, 0};
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    if (socket.fd >= 0) ::close(socket.fd);
    socket.fd = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket.fd, at->ai_addr, at->ai_addrlen) == 0) return {};
  }
  return failure("nothing answers at " + host + ":" + port + "; is smppd running, with this management.address?");
}

// The body of the answer to a GET. HTTP/1.0, so that it ends with the connection.
Fallible<std::string> fetch(const config::Management& management, const std::string& path) {
  const std::string& wanted = management.address.host;
  const std::string host = wanted.empty() || wanted == "0.0.0.0" ? "127.0.0.1" : wanted == "::" ? "::1" : wanted;
  Socket socket;
  if (auto connected = connect_to(socket, host, std::to_string(management.address.port)); !connected) {
    return std::unexpected(connected.error());
  }
  std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n";
  if (!management.auth_type.empty()) {
    request += "Authorization: Basic " + base64(management.username + ":" + management.password) + "\r\n";
  }
  request += "\r\n";
  std::string_view left = request;
  while (!left.empty()) {
    const ssize_t sent = ::send(socket.fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) return failure("the management listener closed the connection");
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  char buffer[16'384];
  for (ssize_t got = 0; (got = ::recv(socket.fd, buffer, sizeof buffer, 0)) != 0;) {
    if (got < 0) return failure("no answer within " + std::to_string(kPatience) + " s");
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.size() < 12) return failure("the answer is not HTTP");
  if (answer.compare(9, 3, "200") != 0) return failure("answered " + answer.substr(9, answer.find('\r') - 9));
  return answer.substr(end + 4);
}

}  // namespace

int show_feedback(const ConfigChoice& choice, bool json) {
  const config::Loaded loaded = config::load_file(choice.file, {choice.lenient, choice.overrides, {}});
  std::cerr << config::to_text(loaded.diagnostics);
  if (loaded.config == nullptr) return kBadConfig;
  const config::Management& management = loaded.config->management;
  if (!management.enabled) {
    std::cerr << "smppd: management.enabled is false in " << choice.file << ": there is nothing to ask\n";
    return kBadConfig;
  }
  const auto answer = fetch(management, json ? "/feedback/stats" : "/feedback/stats?format=text");
  if (!answer) {
    std::cerr << "smppd: " << answer.error() << "\n";
    return kFailed;
  }
  std::cout << *answer;
  return kOk;
}

}  // namespace smppd::cli
