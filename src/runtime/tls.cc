#include "runtime/tls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace smppd::runtime {

namespace {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using Ciphers = std::unique_ptr<SSL, FreeWith<SSL_free>>;

constexpr std::uintmax_t kMostOfAFile = 1'000'000;

std::string reason_of_openssl() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL does not say why" : reason;
}

int version_number(TlsVersion version) noexcept {
  return version == TlsVersion::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

// Called for the password of an encrypted key; without one OpenSSL would ask the terminal.
int give_password(char* out, int size, int, void* password) noexcept {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.empty() || static_cast<int>(text.size()) > size) return -1;
  std::ranges::copy(text, out);
  return static_cast<int>(text.size());
}

std::string date_of(const ASN1_TIME* time) {
  const Bio out(BIO_new(BIO_s_mem()));
  char text[64] = {};
  if (ASN1_TIME_print(out.get(), time) != 1) return "an unreadable date";
  const int size = BIO_read(out.get(), text, sizeof text - 1);
  return {text, static_cast<std::size_t>(std::max(size, 0))};
}

class Builder {
 public:
  Builder(SSL_CTX* context, const TlsOptions& options, std::vector<TlsProblem>& problems)
      : context_(context), options_(options), problems_(problems) {}

  bool build() {
    ERR_clear_error();
    set_habits();
    use_versions();
    use_identity();
    use_trust();
    use_ciphers();
    return !failed_;
  }

 private:
  void error(const char* option, std::string sentence) {
    problems_.push_back({option, std::move(sentence), false});
    failed_ = true;
  }
  void warn(const char* option, std::string sentence) { problems_.push_back({option, std::move(sentence), true}); }

  void set_habits() {
    SSL_CTX_set_mode(context_,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                      SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context_, 1);  // one system call for a record, or for several small ones
    // Sessions are resumed by tickets, which the client keeps.
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context_, 1);
    constexpr unsigned char kSmpp[] = {'s', 'm', 'p', 'p', 'd'};
    SSL_CTX_set_session_id_context(context_, kSmpp, sizeof kSmpp);
  }

  void use_versions() {
    if (options_.min_version > options_.max_version) {
      return error("min_version", "is newer than max_version");
    }
    SSL_CTX_set_min_proto_version(context_, version_number(options_.min_version));
    SSL_CTX_set_max_proto_version(context_, version_number(options_.max_version));
  }

  // Null with an error reported, also when there is nothing of this sort in the file.
  Bio open(const char* option, const std::string& path) {
    std::error_code wrong;
    std::string reason = "it is no regular file";
    std::ostringstream text;
    if (const bool regular = std::filesystem::is_regular_file(path, wrong); wrong) {
      reason = wrong.message();
    } else if (regular && std::filesystem::file_size(path, wrong) > kMostOfAFile) {
      reason = "it has more than a megabyte";
    } else if (regular) {
      const std::ifstream file(path, std::ios::binary);
      reason = file ? "" : std::strerror(errno);
      text << file.rdbuf();
    }
    if (!reason.empty()) {
      error(option, path + " cannot be read: " + reason);
      return nullptr;
    }
    const std::string content = text.str();
    Bio bio(BIO_new(BIO_s_mem()));
    BIO_write(bio.get(), content.data(), static_cast<int>(content.size()));
    return bio;
  }

  void use_identity() {
    if (options_.cert.empty() && options_.key.empty()) {
      if (options_.server) error("cert", "is missing: a TLS listener needs `cert` and `key`");
      return;
    }
    if (options_.cert.empty()) return error("cert", "is missing: there is a `key` without its certificate");
    if (options_.key.empty()) return error("key", "is missing: there is a `cert` without its key");
    const Certificate certificate = use_certificate();
    const Key key = use_key();
    if (!certificate || !key) return;
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
      ERR_clear_error();
      error("key", options_.key + " does not fit the certificate in " + options_.cert);
    } else if (SSL_CTX_use_PrivateKey(context_, key.get()) != 1) {
      error("key", options_.key + " cannot be used: " + reason_of_openssl());
    }
  }

  Certificate use_certificate() {
    const Bio file = open("cert", options_.cert);
    if (!file) return nullptr;
    Certificate certificate(PEM_read_bio_X509_AUX(file.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
      error("cert", options_.cert + " has no certificate in PEM form: " + reason_of_openssl());
      return nullptr;
    }
    if (SSL_CTX_use_certificate(context_, certificate.get()) != 1) {
      error("cert", options_.cert + " cannot be used: " + reason_of_openssl());
      return nullptr;
    }
    check_dates(*certificate);
    while (X509* next = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
      if (SSL_CTX_add0_chain_cert(context_, next) == 1) continue;
      X509_free(next);
      error("cert", options_.cert + ": a certificate of the chain cannot be used: " + reason_of_openssl());
    }
    ERR_clear_error();
    return certificate;
  }

  void check_dates(const X509& certificate) {
    const ASN1_TIME* end = X509_get0_notAfter(&certificate);
    const ASN1_TIME* begin = X509_get0_notBefore(&certificate);
    if (X509_cmp_current_time(end) < 0) {
      warn("cert",
           "the certificate in " + options_.cert + " has expired on " + date_of(end) + "; peers will refuse it");
    } else if (X509_cmp_current_time(begin) > 0) {
      warn("cert", "the certificate in " + options_.cert + " is valid from " + date_of(begin) + " only");
    }
  }

  Key use_key() {
    const Bio file = open("key", options_.key);
    if (!file) return nullptr;
    std::string password = options_.key_password;
    Key key(PEM_read_bio_PrivateKey(file.get(), nullptr, &give_password, &password));
    if (!key) {
      const bool locked =
          ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ && options_.key_password.empty();
      const std::string reason = reason_of_openssl();
      error("key", options_.key + (locked ? " is encrypted; give its password in `key_password`"
                                          : " has no private key that can be read" +
                                                std::string(options_.key_password.empty() ? "" : " with key_password") +
                                                ": " + reason));
    }
    return key;
  }

  void use_trust() {
    const bool asks = !options_.server || options_.client_certificates != ClientCertificates::kNone;
    if (options_.ca.empty()) {
      if (!options_.server) {
        SSL_CTX_set_default_verify_paths(context_);
        ERR_clear_error();
      } else if (asks) {
        error("ca", "is missing: `client_auth` needs to know who signs the clients' certificates");
      }
    } else {
      trust_file(asks && options_.server);
    }
    int mode = SSL_VERIFY_NONE;
    if (options_.server && asks) mode = SSL_VERIFY_PEER;
    if (!options_.server && options_.verify) mode = SSL_VERIFY_PEER;
    if (options_.client_certificates == ClientCertificates::kRequire) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context_, mode, nullptr);
  }

  void trust_file(bool name_to_clients) {
    const Bio file = open("ca", options_.ca);
    if (!file) return;
    X509_STORE* store = SSL_CTX_get_cert_store(context_);
    std::size_t found = 0;
    while (const Certificate one{PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)}) {
      X509_STORE_add_cert(store, one.get());
      if (name_to_clients) SSL_CTX_add_client_CA(context_, one.get());
      ++found;
    }
    ERR_clear_error();
    if (found == 0) error("ca", options_.ca + " has no certificate in PEM form");
  }

  // OpenSSL keeps the suites of TLS 1.3 apart; a list that names none of one version leaves that version's alone.
  void use_ciphers() {
    if (options_.cipher_suites.empty()) return;
    const Ciphers all = every_cipher();
    std::string old_suites;
    std::string new_suites;
    for (const std::string& wanted : options_.cipher_suites) {
      const SSL_CIPHER* cipher = find(all.get(), wanted);
      if (cipher == nullptr) {
        error("cipher_suites", "\"" + wanted + "\" is no cipher suite that OpenSSL has here");
        continue;
      }
      const bool of_13 = std::string_view(SSL_CIPHER_get_version(cipher)) == "TLSv1.3";
      std::string& list = of_13 ? new_suites : old_suites;
      list += (list.empty() ? "" : ":") + std::string(SSL_CIPHER_get_name(cipher));
    }
    if (failed_) return;
    if (!old_suites.empty() && SSL_CTX_set_cipher_list(context_, old_suites.c_str()) != 1) {
      error("cipher_suites", "none of them can be used: " + reason_of_openssl());
    }
    if (!new_suites.empty() && SSL_CTX_set_ciphersuites(context_, new_suites.c_str()) != 1) {
      error("cipher_suites", "none of them can be used: " + reason_of_openssl());
    }
  }

  Ciphers every_cipher() {
    const std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> context(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_cipher_list(context.get(), "ALL");
    SSL_CTX_set_ciphersuites(context.get(),
                             "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"
                             "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256");
    return Ciphers(SSL_new(context.get()));
  }

  static const SSL_CIPHER* find(const SSL* all, const std::string& name) {
    const STACK_OF(SSL_CIPHER)* ciphers = SSL_get_ciphers(all);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
      const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
      const char* standard = SSL_CIPHER_standard_name(cipher);
      if (name == SSL_CIPHER_get_name(cipher) || (standard != nullptr && name == standard)) return cipher;
    }
    return nullptr;
  }

  SSL_CTX* context_;
  const TlsOptions& options_;
  std::vector<TlsProblem>& problems_;
  bool failed_ = false;
};

}  // namespace

TlsContext::TlsContext(ssl_ctx_st* handle, const TlsOptions& options)
    : handle_(handle), server_(options.server), verify_(options.verify), server_name_(options.server_name) {}

TlsContext::~TlsContext() { SSL_CTX_free(handle_); }

std::shared_ptr<const TlsContext> TlsContext::make(const TlsOptions& options, std::vector<TlsProblem>& problems) {
  SSL_CTX* handle = SSL_CTX_new(options.server ? TLS_server_method() : TLS_client_method());
  if (handle == nullptr) {
    problems.push_back({"", "OpenSSL cannot be used: " + reason_of_openssl(), false});
    return nullptr;
  }
  std::shared_ptr<const TlsContext> context(new TlsContext(handle, options));
  return Builder(handle, options, problems).build() ? context : nullptr;
}

std::string_view name_of(TlsFault fault) noexcept {
  switch (fault) {
    case TlsFault::kNone: return "none";
    case TlsFault::kNotTls: return "not_tls";
    case TlsFault::kProtocol: return "protocol";
    case TlsFault::kCertificate: return "certificate";
    case TlsFault::kRefused: return "refused";
    case TlsFault::kClosed: return "closed";
  }
  return "";
}

}  // namespace smppd::runtime
