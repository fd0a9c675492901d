#include "config/internal/options.h"

namespace smppd::config {
namespace {

using runtime::ClientCertificates;
using runtime::TlsVersion;

Kind<TlsVersion> tls_version() {
  return enumeration<TlsVersion>({{"1.2", TlsVersion::kTls12}, {"1.3", TlsVersion::kTls13}});
}

// The files are read again at every reload, whether their names changed or not.
template <class T>
void describe_tls(Describe<T>& d, const char* cert, const char* ca) {
  d.value("enabled", &T::enabled, boolean(), "Whether TLS is spoken; false keeps the section without its effect.");
  d.value("cert", &T::cert, file_path(), cert).takes_effect(Effect::kNewConnections);
  d.value("key", &T::key, file_path(), "The certificate's private key, a PEM file.")
      .takes_effect(Effect::kNewConnections);
  d.value("key_password", &T::key_password, text(256), "Of an encrypted key; better as ${VAR} or ${file:/path}.")
      .is_secret()
      .takes_effect(Effect::kNewConnections);
  d.value("ca", &T::ca, file_path(), ca).takes_effect(Effect::kNewConnections);
  d.value("min_version", &T::min_version, tls_version(), "The oldest version of TLS that will do.")
      .takes_effect(Effect::kNewConnections);
  d.value("max_version", &T::max_version, tls_version(), "The newest one.").takes_effect(Effect::kNewConnections);
  d.value("cipher_suites", &T::cipher_suites, list_of(text(128)),
          "The suites that will do, by IANA's names or OpenSSL's; a version of which the list names none keeps its "
          "usual ones. Empty is OpenSSL's choice.")
      .takes_effect(Effect::kNewConnections);
}

}  // namespace

Options listener_tls_options() {
  using T = ListenerTls;
  Describe<T> d;
  describe_tls(d, "Our certificate, a PEM file, with those of its issuers behind it; needed.",
               "The certificates of those who may sign clients' certificates, a PEM file.");
  d.value("client_auth", &T::client_auth,
          enumeration<ClientCertificates>({{"none", ClientCertificates::kNone},
                                           {"request", ClientCertificates::kRequest},
                                           {"require", ClientCertificates::kRequire}}),
          "Whether clients show certificates: `request` checks one that is shown, `require` refuses who has none.")
      .takes_effect(Effect::kNewConnections);
  return d.take();
}

Options upstream_tls_options() {
  using T = UpstreamTls;
  Describe<T> d;
  describe_tls(d, "Our certificate for SMSCs that ask for one, a PEM file; with `key`.",
               "The certificates of those who may sign the SMSC's, a PEM file; empty is whom the system trusts.");
  d.value("skip_verify", &T::skip_verify, boolean(), "Accept every certificate: encrypted, but to whom is not known.")
      .takes_effect(Effect::kNewConnections);
  d.value("server_name", &T::server_name, text(253),
          "The name asked for (SNI) and looked for in the certificate, instead of the host's.")
      .takes_effect(Effect::kNewConnections);
  return d.take();
}

}  // namespace smppd::config
