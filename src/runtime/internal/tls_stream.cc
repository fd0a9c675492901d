#include "runtime/internal/tls_stream.h"

#include <cerrno>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "runtime/ip_address.h"

namespace smppd::runtime {

namespace {

TlsStream& stream_of(BIO* bio) noexcept { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* out, int size) noexcept {
  BIO_clear_retry_flags(bio);
  const int got = stream_of(bio).receive(out, size);
  if (got < 0 && !stream_of(bio).can_read) BIO_set_retry_read(bio);
  return got;
}

int bio_write(BIO* bio, const char* bytes, int size) noexcept {
  BIO_clear_retry_flags(bio);
  const int sent = stream_of(bio).send(bytes, size);
  if (sent < 0 && !stream_of(bio).can_write) BIO_set_retry_write(bio);
  return sent;
}

long bio_control(BIO* bio, int command, long, void*) noexcept {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return stream_of(bio).ended() ? 1 : 0;
    default: return 0;
  }
}

// One for the process; it lives as long as that.
const BIO_METHOD* socket_method() noexcept {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "smppd socket");
    BIO_meth_set_read(method, &bio_read);
    BIO_meth_set_write(method, &bio_write);
    BIO_meth_set_ctrl(method, &bio_control);
    return method;
  }();
  return kMethod;
}

// The peer's first bytes were no TLS record.
bool speaks_something_else(int reason) noexcept {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST ||
         reason == SSL_R_BAD_RECORD_TYPE || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
         reason == SSL_R_RECORD_LENGTH_MISMATCH || reason == SSL_R_LENGTH_TOO_SHORT;
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::make(const TlsContext& context, int fd, std::string_view host) {
  std::unique_ptr<TlsStream> stream(new TlsStream(fd));
  return stream->prepare(context, host) ? std::move(stream) : nullptr;
}

bool TlsStream::prepare(const TlsContext& context, std::string_view host) noexcept {
  ERR_clear_error();
  ssl_ = SSL_new(context.handle());
  BIO* bio = BIO_new(socket_method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return false;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  if (context.server()) {
    SSL_set_accept_state(ssl_);
    return true;
  }
  SSL_set_connect_state(ssl_);
  const std::string name = context.server_name().empty() ? std::string(host) : context.server_name();
  const bool is_address = IpAddress::parse(name).has_value();
  if (!name.empty() && !is_address && SSL_set_tlsext_host_name(ssl_, name.c_str()) != 1) return false;
  if (!context.verify() || name.empty()) return true;
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl_);
  return (is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())
                     : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size())) == 1;
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

int TlsStream::receive(char* out, int size) noexcept {
  if (!can_read) return -1;
  ssize_t got = 0;
  do {
    got = ::recv(fd_, out, static_cast<std::size_t>(size), 0);
  } while (got < 0 && errno == EINTR);
  if (got == 0) ended_ = true;
  if (got >= 0) {
    if (got < size && !half_closed) can_read = false;
    return static_cast<int>(got);
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    can_read = false;
  } else {
    error_ = errno;
  }
  return -1;
}

int TlsStream::send(const char* bytes, int size) noexcept {
  if (!can_write) return -1;
  ssize_t sent = 0;
  do {
    sent = ::send(fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    if (sent < size) can_write = false;
    return static_cast<int>(sent);
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    can_write = false;
  } else {
    error_ = errno;
  }
  return -1;
}

TlsStream::Step TlsStream::shake_hands() noexcept {
  if (failed_) return Step::kFailed;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    shaking_hands_ = false;
    return Step::kDone;
  }
  const Step step = judge(result);
  if (step != Step::kClosed) return step;
  failed_ = true;
  failure_ = {TlsFault::kClosed, "the peer closed the connection during the handshake"};
  return Step::kFailed;
}

TlsStream::Step TlsStream::read(std::uint8_t* out, std::size_t size, std::size_t& done) noexcept {
  if (failed_) return Step::kFailed;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_, out, size, &done);
  return result == 1 ? Step::kDone : judge(result);
}

TlsStream::Step TlsStream::write(ByteSpan bytes, std::size_t& done) noexcept {
  if (failed_) return Step::kFailed;
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &done);
  return result == 1 ? Step::kDone : judge(result);
}

TlsStream::Step TlsStream::judge(int result) noexcept {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return Step::kWait;
    case SSL_ERROR_ZERO_RETURN: return Step::kClosed;
    default: break;
  }
  if (ended_ && ERR_peek_error() == 0) return Step::kClosed;
  fail();
  return Step::kFailed;
}

void TlsStream::fail() noexcept {
  failed_ = true;
  const unsigned long error = ERR_peek_last_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  if (error == 0 || ERR_SYSTEM_ERROR(error)) {
    failure_ = {TlsFault::kClosed, std::strerror(error_ == 0 ? EIO : error_)};
  } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    failure_ = {TlsFault::kCertificate, std::string("the peer's certificate is not accepted: ") +
                                            X509_verify_cert_error_string(SSL_get_verify_result(ssl_))};
  } else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    failure_ = {TlsFault::kCertificate, "the peer sent no certificate"};
  } else if (shaking_hands_ && speaks_something_else(reason)) {
    failure_ = {TlsFault::kNotTls, "the peer does not speak TLS"};
  } else {
    const char* text = ERR_reason_error_string(error);
    failure_ = {reason >= SSL_AD_REASON_OFFSET ? TlsFault::kRefused : TlsFault::kProtocol,
                text == nullptr ? "OpenSSL does not say why" : text};
  }
  ERR_clear_error();
}

void TlsStream::close(bool say_so) noexcept {
  if (ssl_ == nullptr) return;
  if (say_so && !shaking_hands_ && !failed_ && can_write) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  SSL_free(ssl_);
  ssl_ = nullptr;
}

TlsInfo TlsStream::info() const noexcept {
  if (ssl_ == nullptr || shaking_hands_) return {};
  return {SSL_get_version(ssl_), SSL_get_cipher_name(ssl_)};
}

}  // namespace smppd::runtime
