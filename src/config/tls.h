// TLS as configured for a listener or an upstream. Plain values, any thread, immutable once loaded.
#pragma once

#include <string>
#include <vector>

#include "runtime/tls.h"

namespace smppd::config {

// What both sides have.
struct Tls {
  bool enabled = true;  // a section that is there means it
  std::string cert;
  std::string key;
  std::string key_password;
  std::string ca;
  runtime::TlsVersion min_version = runtime::TlsVersion::kTls12;
  runtime::TlsVersion max_version = runtime::TlsVersion::kTls13;
  std::vector<std::string> cipher_suites;
  bool operator==(const Tls&) const = default;
};

struct ListenerTls : Tls {
  runtime::ClientCertificates client_auth = runtime::ClientCertificates::kNone;
  bool operator==(const ListenerTls&) const = default;
};

struct UpstreamTls : Tls {
  bool skip_verify = false;
  std::string server_name;  // empty: the host's name
  bool operator==(const UpstreamTls&) const = default;
};

[[nodiscard]] runtime::TlsOptions tls_options(const ListenerTls& tls);
[[nodiscard]] runtime::TlsOptions tls_options(const UpstreamTls& tls);

}  // namespace smppd::config
