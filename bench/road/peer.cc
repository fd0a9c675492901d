#include "road/peer.h"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace smppd::bench {

Peer::Peer(int fd) noexcept : fd_(fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Peer::~Peer() { ::close(fd_); }

bool Peer::write(ByteSpan bytes) const noexcept {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == std::ssize(bytes);
}

void Peer::fill() noexcept {
  const auto got = ::recv(fd_, buffer_.data() + size_, buffer_.size() - size_, MSG_DONTWAIT);
  if (got > 0) size_ += static_cast<std::size_t>(got);
}

void Peer::drop(std::size_t used) noexcept {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(used), buffer_.begin() + static_cast<std::ptrdiff_t>(size_),
            buffer_.begin());
  size_ -= used;
}

}  // namespace smppd::bench
