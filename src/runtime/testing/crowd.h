// For tests only: connections that always have more to read, and one among them that brings an octet a turn.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/connection.h"

namespace smppd::runtime::testing {

// A connection that takes everything, and its peer.
struct End final : ConnectionHandler {
  explicit End(EventLoop& loop) : connection(loop, *this) {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    peer = pair[1];
    connection.adopt(pair[0]);
  }
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  ~End() { ::close(peer); }

  void send(std::string_view text) const {
    EXPECT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), std::ssize(text));
  }
  void fill() const {
    static const std::string much(256 * 1024, 'x');
    while (::send(peer, much.data(), much.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  // Turns until what has been sent is taken, so that nothing is left.
  void drain(EventLoop& loop) const {
    int left = 0;
    do {
      loop.run_once(Duration::zero());
      ASSERT_EQ(ioctl(connection.fd(), FIONREAD, &left), 0);
    } while (left > 0);
  }
  [[nodiscard]] std::string receive() const {
    std::string text(1 << 20, '\0');
    const auto got = ::read(peer, text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }

  void on_connected() noexcept override {}
  void on_drained() noexcept override {}
  void on_closed(CloseReason, int) noexcept override {}
  std::size_t on_bytes(ByteSpan bytes) noexcept override {
    taken += bytes.size();
    if (heard) heard();
    return bytes.size();
  }

  Connection connection;
  std::function<void()> heard;
  std::size_t taken = 0;
  int peer = -1;
};

class Crowd {
 public:
  Crowd(EventLoop& loop, std::size_t size) : modest(loop), loop_(loop) {
    loop.set_heed(std::chrono::hours(1));
    for (std::size_t i = 0; i < size; ++i) members.push_back(std::make_unique<End>(loop));
    for (int i = 0; i < 8; ++i) turn();  // they grow to their largest reads, and the loop learns who they are
  }

  // A turn in which every member has more to read than it gets.
  void turn() {
    modest.send("y");
    turn_without_modest();
  }
  void turn_without_modest() {
    for (const auto& member : members) member->fill();
    loop_.run_once(5ms);
  }
  // What has been read of the members since the last call.
  std::size_t taken() {
    std::size_t all = 0;
    for (auto& member : members) all += std::exchange(member->taken, 0);
    return all;
  }

  std::vector<std::unique_ptr<End>> members;
  End modest;

 private:
  EventLoop& loop_;
};

}  // namespace smppd::runtime::testing
