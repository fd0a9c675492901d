#include "runtime/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/internal/tls_stream.h"

namespace smppd::runtime {

namespace {
constexpr std::size_t kMaxIov = 16;
constexpr std::uint32_t kSmallRead = 4 * 1024;
constexpr std::size_t kFirstBlock = 4'000;
constexpr std::size_t kNextBlock = 65'000;

void set_no_delay(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
}  // namespace

Connection::Connection(EventLoop& loop, ConnectionHandler& handler) noexcept : loop_(loop), handler_(handler) {}

Connection::~Connection() {
  if (fd_ >= 0) {
    loop_.remove(fd_, *this);
    ::close(fd_);
  }
  loop_.unschedule(*this);
  release_output();
  if (partial_ != nullptr) loop_.buffers().give_back(partial_);
}

void Connection::forget() noexcept {
  read_size_ = kFirstRead;
  paused_ = readable_ = was_congested_ = close_when_flushed_ = half_closed_ = broken_ = unshown_ = false;
  little_ = 0;
  part_ = {};
  writable_ = true;
}

void Connection::adopt(int fd, const TlsContext* tls) noexcept {
  forget();
  fd_ = fd;
  last_progress_ = loop_.now();
  set_no_delay(fd);
  // Input that came before the socket was watched is reported by the first edge.
  if (!start_tls(tls, {}) || !loop_.add(fd_, *this)) return end(CloseReason::kError, errno);
  if (tls != nullptr && !tls->server()) loop_.schedule_read(*this);  // nobody else begins
}

void Connection::connect(const SocketAddress& to, const TlsContext* tls, std::string_view host) noexcept {
  forget();
  sockaddr_storage storage{};
  const socklen_t length = to.to(storage);
  fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  connecting_ = true;
  last_progress_ = loop_.now();
  if (fd_ >= 0) {
    set_no_delay(fd_);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&storage), length) == 0 || errno == EINPROGRESS) {
      if (start_tls(tls, host) && loop_.add(fd_, *this)) return;
    }
  }
  fail_connect(errno);
}

// Reported at the next turn, so that the caller sees the failure after connect() and not inside it.
void Connection::fail_connect(int error) noexcept {
  connect_error_ = error == 0 ? EIO : error;
  loop_.schedule_read(*this);
}

void Connection::add_block(std::size_t bytes) {
  Block* block = loop_.buffers().take(std::max(bytes, output_tail_ == nullptr ? kFirstBlock : kNextBlock));
  if (output_tail_ == nullptr) {
    output_ = block;
  } else {
    output_tail_->next = block;
  }
  output_tail_ = block;
}

void Connection::write(ByteSpan bytes) {
  std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Connection::resume_reading() noexcept {
  if (!paused_) return;
  paused_ = false;
  if (open() && !connecting_) loop_.schedule_read(*this);
}

void Connection::close() noexcept { end(CloseReason::kLocal, 0); }

void Connection::close_after_flush() noexcept {
  if (!open()) return;
  close_when_flushed_ = true;
  paused_ = true;
  loop_.schedule_flush(*this);
}

void Connection::on_events(std::uint32_t events) noexcept {
  if (connecting_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) finish_connect();
    if (!open() || connecting_) return;
  }
  if ((events & EPOLLOUT) != 0 && !writable_) {
    writable_ = true;
    if (output_bytes_ > 0) loop_.schedule_flush(*this);
    if (tls_ != nullptr) loop_.schedule_read(*this);  // the handshake may have waited for this
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable_ = true;
    if ((events & EPOLLRDHUP) != 0) half_closed_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) half_closed_ = broken_ = true;
    if (stands_in_line()) {
      loop_.schedule_read(*this);
    } else {
      read_available();
    }
  }
}

void Connection::finish_connect() noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) {
    end(CloseReason::kConnectFailed, error);
    return;
  }
  connecting_ = false;
  last_progress_ = loop_.now();
  if (tls_ != nullptr) return read_tls();  // shakes hands first
  handler_.on_connected();
  if (open() && output_bytes_ > 0) loop_.schedule_flush(*this);
}

// Reads once; a full read asks for another turn, so that no connection can keep the others waiting.
void Connection::read_available() noexcept {
  if (connect_error_ != 0) {
    end(CloseReason::kConnectFailed, connect_error_);
    return;
  }
  if (!open() || connecting_) return;
  if (paused_) {
    // A peer that is gone must be noticed even while it is not being read.
    if (broken_) end(CloseReason::kPeer, 0);
    return;
  }
  if (unshown_ && !show_kept()) return;
  if (tls_ != nullptr) return read_tls();
  if (!readable_) return;
  std::uint8_t* buffer = loop_.read_buffer() + EventLoop::kMaxPartial;
  const std::size_t wanted = std::min<std::size_t>(read_size_, read_limit());
  const ssize_t got = ::recv(fd_, buffer, wanted, 0);
  if (got == 0) {
    end(CloseReason::kPeer, 0);
    return;
  }
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      readable_ = false;
    } else if (errno == EINTR) {
      loop_.schedule_read(*this);
    } else {
      end(CloseReason::kError, errno);
    }
    return;
  }
  note_read(static_cast<std::size_t>(got));
  const bool full = static_cast<std::size_t>(got) == wanted;
  readable_ = full || half_closed_;
  if (full) {
    read_size_ = std::min<std::uint32_t>(read_size_ * 2, EventLoop::kReadBuffer);
  } else if (static_cast<std::uint32_t>(got) < read_size_ / 4) {
    read_size_ = std::max(read_size_ / 2, kFirstRead);
  }
  std::size_t kept = 0;
  if (partial_ != nullptr) {
    kept = partial_->size();
    std::memcpy(buffer - kept, partial_->data() + partial_->begin, kept);
  }
  if (show(buffer - kept, kept + static_cast<std::size_t>(got)) && readable_ && !paused_) loop_.schedule_read(*this);
}

std::size_t Connection::read_limit() const noexcept {
  if (!loop_.heedful()) return EventLoop::kReadBuffer;
  return shared_ ? EventLoop::kSharedPiece : EventLoop::kPiece;
}

void Connection::note_read(std::size_t bytes) noexcept {
  loop_.note_read(bytes);
  if (!shared_) {
    loop_.shares().note(part_, bytes);
    if (light()) loop_.note_little();
  } else if (bytes >= kLittle) {
    little_ = 0;
  } else if (little_ < 2) {
    ++little_;  // once is nothing: those that bring much bring the rest of it in between
  }
}

// Shows what a pause left behind, in place. True when reading may go on.
bool Connection::show_kept() noexcept {
  unshown_ = false;
  if (partial_ == nullptr) return true;
  const std::size_t consumed = handler_.on_bytes(ByteSpan(partial_->data() + partial_->begin, partial_->size()));
  if (!open()) return false;
  partial_->begin += static_cast<std::uint32_t>(consumed);
  if (partial_->size() == 0) {
    loop_.buffers().give_back(partial_);
    partial_ = nullptr;
  }
  unshown_ = paused_;
  if (!paused_ && input_bytes() > EventLoop::kMaxPartial) {
    end(CloseReason::kError, EMSGSIZE);
    return false;
  }
  return !paused_;
}

// False when the handler closed the connection.
bool Connection::show(const std::uint8_t* begin, std::size_t size) noexcept {
  const std::size_t consumed = handler_.on_bytes(ByteSpan(begin, size));
  if (!open()) return false;
  if (paused_) {
    unshown_ = true;
    read_size_ = kSmallRead;
  }
  keep(begin + consumed, size - consumed);
  return open();
}

void Connection::keep(const std::uint8_t* begin, std::size_t size) noexcept {
  if (size > EventLoop::kMaxPartial && !paused_) {
    end(CloseReason::kError, EMSGSIZE);
    return;
  }
  if (partial_ != nullptr && (size == 0 || partial_->capacity < size || partial_->capacity > 8 * (size + 512))) {
    loop_.buffers().give_back(partial_);
    partial_ = nullptr;
  }
  if (size == 0) return;
  if (partial_ == nullptr) partial_ = loop_.buffers().take(size);
  std::memcpy(partial_->data(), begin, size);
  partial_->begin = 0;
  partial_->end = static_cast<std::uint32_t>(size);
}

void Connection::flush() noexcept {
  if (tls_ != nullptr) return flush_tls();
  while (open() && output_ != nullptr && writable_) {
    iovec parts[kMaxIov];
    std::size_t count = 0;
    std::size_t wanted = 0;
    for (Block* block = output_; block != nullptr && count < kMaxIov; block = block->next) {
      parts[count++] = {block->data() + block->begin, block->size()};
      wanted += block->size();
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t written = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        writable_ = false;
        return;
      }
      end(CloseReason::kError, errno);
      return;
    }
    sent(static_cast<std::size_t>(written));
    if (static_cast<std::size_t>(written) < wanted) {
      writable_ = false;
      break;
    }
  }
  flushed();
}

// The kernel, or TLS, has taken that much of the output.
void Connection::sent(std::size_t bytes) noexcept {
  last_progress_ = loop_.now();
  if (!shared_) loop_.shares().note(part_, bytes);
  output_bytes_ -= bytes;
  while (bytes > 0) {
    const std::uint32_t here = output_->size();
    if (bytes < here) {
      output_->begin += static_cast<std::uint32_t>(bytes);
      break;
    }
    bytes -= here;
    Block* done = output_;
    output_ = done->next;
    loop_.buffers().give_back(done);
  }
  if (output_ == nullptr) output_tail_ = nullptr;
}

void Connection::flushed() noexcept {
  if (!open()) return;
  if (was_congested_ && output_bytes_ < kLowMark) {
    was_congested_ = false;
    handler_.on_drained();
  }
  if (close_when_flushed_ && output_bytes_ == 0) end(CloseReason::kLocal, 0);
}

void Connection::release_output() noexcept {
  while (output_ != nullptr) {
    Block* next = output_->next;
    loop_.buffers().give_back(output_);
    output_ = next;
  }
  output_tail_ = nullptr;
  output_bytes_ = 0;
}

void Connection::end(CloseReason reason, int error) noexcept {
  if (fd_ < 0 && !connecting_) return;
  connecting_ = false;
  connect_error_ = 0;
  if (tls_ != nullptr) tls_->close(reason != CloseReason::kError && reason != CloseReason::kTls);
  if (fd_ >= 0) {
    loop_.remove(fd_, *this);
    ::close(fd_);
    fd_ = -1;
  }
  loop_.unschedule(*this);
  release_output();
  if (partial_ != nullptr) {
    loop_.buffers().give_back(partial_);
    partial_ = nullptr;
  }
  handler_.on_closed(reason, error);
}

}  // namespace smppd::runtime
