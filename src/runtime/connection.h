// One TCP connection of a shard. Input: the handler is shown all bytes not yet consumed, in the shard's shared buffer;
// what it leaves is kept (copied once) until more arrives. Output: reserve() and commit() append to the connection's
// blocks, which are written with one system call at the end of the turn. With TLS (connection_tls.cc) the same holds
// for what is inside it, a record of up to 16 KiB at a time; without, it costs a pointer.
//
// Owned by its session or link; must be closed before it is destroyed, and destroyed through EventLoop::retire() when
// that may happen inside one of its own callbacks. Idle cost: this object and the kernel's socket.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "runtime/event_loop.h"
#include "runtime/ip_address.h"
#include "runtime/tls.h"

namespace smppd::runtime {

class TlsStream;

// Where a connection's output waits for that of others: nowhere, until all had their piece, for its turn.
enum class PutOff : std::uint8_t { kNo, kGathered, kDue };

// kTls: the handshake failed or what came was broken; Connection::tls_failure() says why.
enum class CloseReason : std::uint8_t { kLocal, kPeer, kError, kConnectFailed, kTls };

class ConnectionHandler {
 public:
  // After connect(), and with TLS after adopt() too: the connection stands, with its TLS.
  virtual void on_connected() noexcept = 0;
  // Returns how many of the bytes were consumed; the rest is shown again together with what arrives next. The bytes
  // are valid during the call only.
  virtual std::size_t on_bytes(ByteSpan bytes) noexcept = 0;
  // Output fell below the low mark after it had been above the high mark.
  virtual void on_drained() noexcept = 0;
  // The last call; `error` is an errno or 0.
  virtual void on_closed(CloseReason reason, int error) noexcept = 0;

 protected:
  ~ConnectionHandler() = default;
};

class Connection final : public FdHandler {
 public:
  Connection(EventLoop& loop, ConnectionHandler& handler) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Takes over an accepted socket; with `tls` hands are shaken first, in the part that it is made for.
  void adopt(int fd, const TlsContext* tls = nullptr) noexcept;
  // Starts connecting; on_connected(), on_closed(kConnectFailed) or on_closed(kTls) follows, never inside this call.
  // With a client's `tls`, `host` is whom the certificate must name.
  void connect(const SocketAddress& to, const TlsContext* tls = nullptr, std::string_view host = {}) noexcept;

  // Room for exactly `bytes` contiguous octets of output, to be filled and committed before the next reserve().
  [[nodiscard]] std::uint8_t* reserve(std::size_t bytes) {
    if (output_tail_ == nullptr || output_tail_->room() < bytes) [[unlikely]]
      add_block(bytes);
    return output_tail_->data() + output_tail_->end;
  }
  void commit(std::size_t bytes) noexcept {
    output_tail_->end += static_cast<std::uint32_t>(bytes);
    if (output_bytes_ == 0) last_progress_ = loop_.now();
    output_bytes_ += bytes;
    if (output_bytes_ > kHighMark) was_congested_ = true;
    if (!dirty_ && writable_ && !connecting_) loop_.schedule_flush(*this);
  }
  void write(ByteSpan bytes);

  // What it carries is many people's: it stands in a line that goes before the others', and however little it carries,
  // nobody is known to wait for it.
  void share() noexcept { shared_ = true; }

  // While paused nothing is read; the peer is slowed down by TCP. resume shows kept bytes again at the next turn.
  void pause_reading() noexcept { paused_ = true; }
  void resume_reading() noexcept;
  [[nodiscard]] bool paused() const noexcept { return paused_; }

  // Closes now; kLocal is reported. close_after_flush() first writes what is pending (bounded by the caller's timer).
  void close() noexcept;
  void close_after_flush() noexcept;
  [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] bool connecting() const noexcept { return connecting_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  // With TLS: whether the handshake is not over yet, what was agreed on, and from on_closed(kTls) on, what went wrong.
  [[nodiscard]] bool encrypted() const noexcept { return tls_ != nullptr; }
  [[nodiscard]] bool shaking_hands() const noexcept;
  [[nodiscard]] TlsInfo tls_info() const noexcept;
  [[nodiscard]] TlsFailure tls_failure() const;

  [[nodiscard]] std::size_t output_bytes() const noexcept { return output_bytes_; }
  [[nodiscard]] std::size_t input_bytes() const noexcept { return partial_ == nullptr ? 0 : partial_->size(); }
  [[nodiscard]] bool congested() const noexcept { return output_bytes_ > kHighMark; }
  // When output was last accepted by the kernel or was empty; for write timeouts.
  [[nodiscard]] Instant last_progress() const noexcept { return last_progress_; }

  void on_events(std::uint32_t events) noexcept override;

  static constexpr std::size_t kHighMark = 1024 * 1024;
  static constexpr std::size_t kLowMark = 256 * 1024;

 private:
  friend class EventLoop;
  // Has a small part in all that the loop carries, or, if it is shared, brings little at a time.
  [[nodiscard]] bool light() const noexcept { return shared_ ? little_ == 2 : loop_.shares().small(part_); }
  // Nobody is known to wait for its output.
  [[nodiscard]] bool patient() const noexcept { return shared_ || !light(); }
  [[nodiscard]] bool stands_in_line() const noexcept { return loop_.heedful() && !light(); }
  void add_block(std::size_t bytes);
  void finish_connect() noexcept;
  void read_available() noexcept;
  void fail_connect(int error) noexcept;
  [[nodiscard]] std::size_t read_limit() const noexcept;
  void note_read(std::size_t bytes) noexcept;
  bool show_kept() noexcept;
  bool show(const std::uint8_t* begin, std::size_t size) noexcept;
  void keep(const std::uint8_t* begin, std::size_t size) noexcept;
  void flush() noexcept;
  void sent(std::size_t bytes) noexcept;
  void flushed() noexcept;
  void release_output() noexcept;
  void end(CloseReason reason, int error) noexcept;
  void forget() noexcept;  // what an earlier socket of this connection left
  // connection_tls.cc
  [[nodiscard]] bool start_tls(const TlsContext* tls, std::string_view host) noexcept;
  [[nodiscard]] bool shake_hands() noexcept;
  void read_tls() noexcept;
  void flush_tls() noexcept;
  void end_tls() noexcept;
  void tell_tls() noexcept;
  void hear_tls() noexcept;

  EventLoop& loop_;
  ConnectionHandler& handler_;
  Connection* next_dirty_ = nullptr;
  Block* partial_ = nullptr;
  Block* output_ = nullptr;
  Block* output_tail_ = nullptr;
  std::unique_ptr<TlsStream> tls_;  // null: plain
  Instant last_progress_{};
  std::size_t output_bytes_ = 0;
  int fd_ = -1;
  int connect_error_ = 0;
  std::uint32_t read_size_ = kFirstRead;
  Shares::Part part_;
  bool connecting_ : 1 = false;
  bool paused_ : 1 = false;
  bool readable_ : 1 = false;  // the edge came and the socket was not read empty since
  bool writable_ : 1 = true;
  bool dirty_ : 1 = false;
  bool scheduled_ : 1 = false;
  bool shared_ : 1 = false;
  bool was_congested_ : 1 = false;
  bool close_when_flushed_ : 1 = false;
  bool half_closed_ : 1 = false;  // the peer sends no more; what it sent is still to be read
  bool broken_ : 1 = false;       // both directions are gone
  bool unshown_ : 1 = false;      // kept bytes may hold whole PDUs, because the handler paused among them
  std::uint8_t little_ : 2 = 0;   // of a shared one: so many of the last two reads running brought little
  PutOff put_off_ = PutOff::kNo;

  static constexpr std::uint32_t kFirstRead = 16 * 1024;
  static constexpr std::size_t kLittle = 1024;  // some ten short messages
};

}  // namespace smppd::runtime
