// For tests only: a blocking socket to a port on 127.0.0.1 that sends and shows exact bytes.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace smppd::http {

class TestClient {
 public:
  explicit TestClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { ::close(fd_); }

  [[nodiscard]] bool connected() const noexcept { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_of_output() { ::shutdown(fd_, SHUT_WR); }

  // One whole response by its Content-Length (`head_only`: without the body); what came so far if the peer closes or
  // ten seconds pass.
  std::string response(bool head_only = false) {
    std::size_t end = std::string::npos;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return take(held_.size());
    }
    end += 4;
    const std::size_t at = held_.find("Content-Length: ");
    if (!head_only && at < end) end += static_cast<std::size_t>(std::atol(held_.c_str() + at + 16));
    while (held_.size() < end) {
      if (!read_more()) return take(held_.size());
    }
    return take(end);
  }
  std::string exchange(std::string_view bytes) {
    send(bytes);
    return response();
  }
  // True when the peer closed and nothing unread is left.
  bool closed_by_peer() { return held_.empty() && !read_more() && ended_; }

 private:
  bool read_more() {
    pollfd readable{fd_, POLLIN, 0};
    if (::poll(&readable, 1, 10'000) <= 0) return false;
    char bytes[16 * 1024];
    const ssize_t got = ::recv(fd_, bytes, sizeof(bytes), 0);
    ended_ = got <= 0;
    if (got > 0) held_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }
  std::string take(std::size_t size) {
    std::string taken = held_.substr(0, size);
    held_.erase(0, size);
    return taken;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string held_;
};

}  // namespace smppd::http
