// A connection with TLS: the same promises to its handler, kept through a TlsStream.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/connection.h"
#include "runtime/internal/tls_stream.h"

namespace smppd::runtime {

namespace {
constexpr std::size_t kRecord = 16 * 1024;
}  // namespace

bool Connection::shaking_hands() const noexcept { return tls_ != nullptr && tls_->shaking_hands(); }

TlsInfo Connection::tls_info() const noexcept { return tls_ == nullptr ? TlsInfo{} : tls_->info(); }

TlsFailure Connection::tls_failure() const { return tls_ == nullptr ? TlsFailure{} : tls_->failure(); }

bool Connection::start_tls(const TlsContext* tls, std::string_view host) noexcept {
  tls_.reset();
  if (tls == nullptr) return true;
  tls_ = TlsStream::make(*tls, fd_, host);
  if (tls_ == nullptr) errno = ENOMEM;
  return tls_ != nullptr;
}

void Connection::tell_tls() noexcept {
  tls_->can_read = readable_;
  tls_->can_write = writable_;
  tls_->half_closed = half_closed_;
}

void Connection::hear_tls() noexcept {
  readable_ = tls_->can_read;
  writable_ = tls_->can_write;
}

// True when bytes may be read now.
bool Connection::shake_hands() noexcept {
  if (!loop_.take_handshake()) {
    loop_.schedule_read(*this);
    return false;
  }
  tell_tls();
  const TlsStream::Step step = tls_->shake_hands();
  hear_tls();
  if (step == TlsStream::Step::kWait) return false;
  if (step != TlsStream::Step::kDone) {
    end(CloseReason::kTls, 0);
    return false;
  }
  last_progress_ = loop_.now();
  handler_.on_connected();
  if (!open()) return false;
  if (output_bytes_ > 0) loop_.schedule_flush(*this);
  return !paused_;
}

// Takes what has come, within bounds, shows it once, and asks for another turn when there may be more. Bytes may wait
// inside OpenSSL without the socket being readable, so that only its own word that it must wait is an end.
void Connection::read_tls() noexcept {
  if (tls_->shaking_hands() && !shake_hands()) return;
  std::uint8_t* buffer = loop_.read_buffer() + EventLoop::kMaxPartial;
  std::size_t got = 0;
  tell_tls();
  TlsStream::Step step = TlsStream::Step::kDone;
  const std::size_t wanted = read_limit();
  while (step == TlsStream::Step::kDone && got < wanted) {
    std::size_t done = 0;
    step = tls_->read(buffer + got, wanted - got, done);
    if (step == TlsStream::Step::kDone) got += done;
  }
  hear_tls();
  if (got > 0) {
    note_read(got);
    std::size_t kept = 0;
    if (partial_ != nullptr) {
      kept = partial_->size();
      std::memcpy(buffer - kept, partial_->data() + partial_->begin, kept);
    }
    // An end is found again by the next read.
    if (show(buffer - kept, kept + got) && !paused_ && (step != TlsStream::Step::kWait || readable_)) {
      loop_.schedule_read(*this);
    }
    return;
  }
  if (step == TlsStream::Step::kClosed) end(CloseReason::kPeer, 0);
  if (step == TlsStream::Step::kFailed) end_tls();
}

// A reset is the same with TLS as without.
void Connection::end_tls() noexcept {
  const int error = tls_->socket_error();
  end(error == 0 ? CloseReason::kTls : CloseReason::kError, error);
}

void Connection::flush_tls() noexcept {
  if (!open()) return;
  if (tls_->shaking_hands()) {
    if (output_bytes_ == 0) flushed();  // there may be nothing to wait for before a close
    return;
  }
  tell_tls();
  TlsStream::Step step = TlsStream::Step::kDone;
  while (output_ != nullptr && writable_ && step == TlsStream::Step::kDone) {
    std::size_t done = 0;
    step = tls_->write({output_->data() + output_->begin, std::min<std::size_t>(output_->size(), kRecord)}, done);
    writable_ = tls_->can_write;
    if (step == TlsStream::Step::kDone) sent(done);
  }
  hear_tls();
  if (step == TlsStream::Step::kClosed) return end(CloseReason::kPeer, 0);
  if (step == TlsStream::Step::kFailed) return end_tls();
  flushed();
}

}  // namespace smppd::runtime
