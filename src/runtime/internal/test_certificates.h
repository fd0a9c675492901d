// For tests only: a certificate authority and what it signs, as PEM files in a directory of their own that goes with
// the object.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace smppd::runtime::testing {

class TestCertificates {
 public:
  struct Wish {
    std::string name;                                                // of the files, and the common name
    std::string names = "DNS:smsc.test,DNS:localhost,IP:127.0.0.1";  // subjectAltName
    long from = -3600, until = 86400;                                // seconds from now
    const char* password = nullptr;                                  // of the key
  };

  TestCertificates() : directory_(make_directory()), key_(EVP_EC_gen("P-256")) {
    authority_ = sign({.name = "ca", .names = ""}, key_, nullptr);
    write("ca", authority_, key_, nullptr);
  }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;
  ~TestCertificates() {
    X509_free(authority_);
    EVP_PKEY_free(key_);
    std::filesystem::remove_all(directory_);
  }

  // Writes NAME.crt and NAME.key, signed by this authority.
  void issue(const Wish& wish) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = sign(wish, key, authority_);
    write(wish.name, certificate, key, wish.password);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  [[nodiscard]] std::string cert(const std::string& name) const { return directory_ + "/" + name + ".crt"; }
  [[nodiscard]] std::string key(const std::string& name) const { return directory_ + "/" + name + ".key"; }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_ + "/" + name; }

 private:
  static std::string make_directory() {
    std::string path = (std::filesystem::temp_directory_path() / "smppd-certificates-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) std::abort();
    return path;
  }

  X509* sign(const Wish& wish, EVP_PKEY* key, X509* issuer) {
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), wish.until);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(wish.name.c_str()),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer));
    if (issuer == nullptr) extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (!wish.names.empty()) extend(certificate, NID_subject_alt_name, wish.names.c_str());
    X509_sign(certificate, key_, EVP_sha256());
    return certificate;
  }

  static void extend(X509* certificate, int what, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  void write(const std::string& name, X509* certificate, EVP_PKEY* key, const char* password) const {
    std::FILE* out = std::fopen(cert(name).c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    out = std::fopen(this->key(name).c_str(), "w");
    PEM_write_PKCS8PrivateKey(out, key, password == nullptr ? nullptr : EVP_aes_256_cbc(), password,
                              password == nullptr ? 0 : static_cast<int>(std::string_view(password).size()), nullptr,
                              nullptr);
    std::fclose(out);
  }

  std::string directory_;
  EVP_PKEY* key_;
  X509* authority_ = nullptr;
  long serial_ = 0;
};

}  // namespace smppd::runtime::testing
