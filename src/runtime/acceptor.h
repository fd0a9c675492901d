// A listening socket of one shard. Every shard has its own on the same address (SO_REUSEPORT); the kernel spreads the
// connections.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "runtime/event_loop.h"
#include "runtime/ip_address.h"
#include "runtime/timer_wheel.h"

namespace smppd::runtime {

class AcceptHandler {
 public:
  // Owns `fd` (non-blocking) from here on.
  virtual void on_accept(int fd, const SocketAddress& peer) noexcept = 0;
  // Accepting failed for want of descriptors or memory; it is tried again shortly.
  virtual void on_accept_error(int error) noexcept = 0;

 protected:
  ~AcceptHandler() = default;
};

// Opens, binds and listens. May be called on any thread; the sentence of a failure names the address and what to do.
[[nodiscard]] Fallible<int> listen_on(const SocketAddress& address, int backlog = 4096);
// True when nobody else listens on `address`; SO_REUSEPORT alone would silently share it.
[[nodiscard]] Fallible<void> check_address_free(const SocketAddress& address);
[[nodiscard]] SocketAddress local_address(int fd) noexcept;

class Acceptor final : public FdHandler {
 public:
  Acceptor(EventLoop& loop, AcceptHandler& handler) noexcept;
  ~Acceptor();
  // Takes over a socket of listen_on().
  void start(int fd) noexcept;
  void stop() noexcept;
  void on_events(std::uint32_t events) noexcept override;

 private:
  static void retry(void* self) noexcept;
  EventLoop& loop_;
  AcceptHandler& handler_;
  Timer retry_timer_;
  int fd_ = -1;
};

}  // namespace smppd::runtime
