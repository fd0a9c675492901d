// TLS for connections: what a side shows and asks for, read from files once and shared by all connections made with it.
// Immutable once made, any thread. A reload makes a new one; connections keep the one they began with.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace smppd::runtime {

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };

// What a server wants to see of its clients' certificates.
enum class ClientCertificates : std::uint8_t { kNone, kRequest, kRequire };

struct TlsOptions {
  bool server = false;
  // PEM files. A server needs the first two; the chain follows the certificate in its file.
  std::string cert;
  std::string key;
  std::string key_password;
  std::string ca;  // whom to trust; empty: for a client what the system trusts, for a server nobody
  ClientCertificates client_certificates = ClientCertificates::kNone;
  bool verify = true;       // a client's: the server's certificate must be good and name the server
  std::string server_name;  // a client's: instead of the name it connects to, in SNI and in the certificate
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  std::vector<std::string> cipher_suites;  // IANA's or OpenSSL's names; empty: OpenSSL's choice
};

// Something wrong with the options, or a warning; `option` is the name of the field it is about.
struct TlsProblem {
  std::string option;
  std::string sentence;
  bool warning = false;
};

class TlsContext {
 public:
  // Null when there is an error among `problems`, which gets all there is to say at once. Reads files.
  [[nodiscard]] static std::shared_ptr<const TlsContext> make(const TlsOptions& options,
                                                              std::vector<TlsProblem>& problems);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  [[nodiscard]] ssl_ctx_st* handle() const noexcept { return handle_; }
  [[nodiscard]] bool server() const noexcept { return server_; }
  [[nodiscard]] bool verify() const noexcept { return verify_; }
  [[nodiscard]] const std::string& server_name() const noexcept { return server_name_; }

 private:
  TlsContext(ssl_ctx_st* handle, const TlsOptions& options);
  ssl_ctx_st* handle_;
  bool server_;
  bool verify_;
  std::string server_name_;
};

// Why a handshake, or TLS after it, failed.
enum class TlsFault : std::uint8_t {
  kNone,
  kNotTls,       // the peer speaks something else: plain SMPP, HTTP, a scanner
  kProtocol,     // no common version or cipher suite, or a broken record
  kCertificate,  // the peer's certificate is missing, or not good enough for us
  kRefused,      // the peer said no with an alert
  kClosed,       // the peer went away before the end of the handshake
};
inline constexpr std::size_t kTlsFaults = 6;
[[nodiscard]] std::string_view name_of(TlsFault fault) noexcept;

// Plain counts of a shard's connections on one listener or to one upstream.
struct TlsProbe {
  std::uint64_t handshakes = 0;  // that succeeded
  std::uint64_t timeouts = 0;    // closed in the middle of one
  std::array<std::uint64_t, kTlsFaults> faults{};
  void failed(TlsFault fault) noexcept { ++faults[static_cast<std::size_t>(fault)]; }
};

struct TlsFailure {
  TlsFault fault = TlsFault::kNone;
  std::string text;
};

// What a connection agreed on; static text.
struct TlsInfo {
  std::string_view version;
  std::string_view cipher;
};

}  // namespace smppd::runtime
