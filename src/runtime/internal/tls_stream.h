// TLS on one connection's socket: OpenSSL driven directly, through a BIO that sends and receives on the descriptor and
// remembers when the kernel had no more. Owned by its Connection, which tells it what epoll said and asks afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "runtime/tls.h"

struct ssl_st;  // OpenSSL's SSL

namespace smppd::runtime {

class TlsStream {
 public:
  enum class Step : std::uint8_t {
    kDone,    // something was read or written, or the handshake is over
    kWait,    // for the socket
    kClosed,  // the peer has said it is over, with or without close_notify
    kFailed,  // failure() says why
  };

  // A server's context accepts, a client's connects to `host`. Null when there is no memory.
  [[nodiscard]] static std::unique_ptr<TlsStream> make(const TlsContext& context, int fd, std::string_view host);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream();

  [[nodiscard]] Step shake_hands() noexcept;
  // At most one record's worth; `done` says how much.
  [[nodiscard]] Step read(std::uint8_t* out, std::size_t size, std::size_t& done) noexcept;
  // kDone: a part of the bytes, or all. After kWait the same bytes must come again, more may follow them.
  [[nodiscard]] Step write(ByteSpan bytes, std::size_t& done) noexcept;
  // Says close_notify if that can be said now, and frees everything but failure().
  void close(bool say_so) noexcept;

  [[nodiscard]] bool shaking_hands() const noexcept { return shaking_hands_; }
  [[nodiscard]] const TlsFailure& failure() const noexcept { return failure_; }
  // After kFailed: the errno of a connection that broke under an established TLS, or 0.
  [[nodiscard]] int socket_error() const noexcept { return shaking_hands_ ? 0 : error_; }
  [[nodiscard]] TlsInfo info() const noexcept;

  // What epoll said and the socket has not contradicted since.
  bool can_read = true;
  bool can_write = true;
  bool half_closed = false;  // the end of the stream is there to be read

  // For the BIO.
  [[nodiscard]] int receive(char* out, int size) noexcept;
  [[nodiscard]] int send(const char* bytes, int size) noexcept;
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  explicit TlsStream(int fd) : fd_(fd) {}
  [[nodiscard]] bool prepare(const TlsContext& context, std::string_view host) noexcept;
  [[nodiscard]] Step judge(int result) noexcept;
  void fail() noexcept;

  ssl_st* ssl_ = nullptr;
  int fd_;
  int error_ = 0;  // errno of the socket
  bool shaking_hands_ = true;
  bool ended_ = false;
  bool failed_ = false;
  TlsFailure failure_;
};

}  // namespace smppd::runtime
