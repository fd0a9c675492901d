#include "runtime/acceptor.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

namespace smppd::runtime {

namespace {

constexpr int kAcceptBatch = 64;
constexpr Duration kRetryAfter = std::chrono::milliseconds(100);

std::string explain(const SocketAddress& address, int error) {
  std::string sentence = "cannot listen on " + address.to_string() + ": " + std::strerror(error);
  if (error == EADDRINUSE) sentence += "; another process has this port: stop it or choose another address";
  if (error == EACCES) sentence += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  if (error == EADDRNOTAVAIL) sentence += "; this machine has no such address";
  return sentence;
}

Fallible<int> open_bound(const SocketAddress& address, bool reuse_port) {
  sockaddr_storage storage{};
  const socklen_t length = address.to(storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure(explain(address, errno));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    const int error = errno;
    ::close(fd);
    return failure(explain(address, error));
  }
  return fd;
}

}  // namespace

Fallible<int> listen_on(const SocketAddress& address, int backlog) {
  auto fd = open_bound(address, true);
  if (!fd) return fd;
  if (::listen(*fd, backlog) != 0) {
    const int error = errno;
    ::close(*fd);
    return failure(explain(address, error));
  }
  return fd;
}

Fallible<void> check_address_free(const SocketAddress& address) {
  auto fd = open_bound(address, false);
  if (!fd) return std::unexpected(fd.error());
  const bool free = ::listen(*fd, 1) == 0;
  const int error = errno;
  ::close(*fd);
  if (!free) return failure(explain(address, error));
  return {};
}

SocketAddress local_address(int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from(storage);
}

Acceptor::Acceptor(EventLoop& loop, AcceptHandler& handler) noexcept
    : loop_(loop), handler_(handler), retry_timer_(&Acceptor::retry, this) {}

Acceptor::~Acceptor() { stop(); }

void Acceptor::start(int fd) noexcept {
  fd_ = fd;
  if (!loop_.add(fd_, *this)) handler_.on_accept_error(errno);
}

void Acceptor::stop() noexcept {
  if (fd_ < 0) return;
  retry_timer_.cancel();
  loop_.remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
}

void Acceptor::retry(void* self) noexcept { static_cast<Acceptor*>(self)->on_events(0); }

void Acceptor::on_events(std::uint32_t) noexcept {
  for (int i = 0; i < kAcceptBatch && fd_ >= 0; ++i) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      handler_.on_accept(fd, SocketAddress::from(storage));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    handler_.on_accept_error(errno);
    loop_.timers().arm(retry_timer_, loop_.now() + kRetryAfter);
    return;
  }
  // More may be waiting and no new edge will tell; go on at the next tick.
  if (fd_ >= 0) loop_.timers().arm(retry_timer_, loop_.now());
}

}  // namespace smppd::runtime
