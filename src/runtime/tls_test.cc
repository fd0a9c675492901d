// What a TLS context says of its options and files.
#include "runtime/tls.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/internal/tls_test_support.h"

namespace smppd::runtime {
namespace {

using testing::certificates;
using ::testing::HasSubstr;
using testing::server_options;

// "option: sentence" of everything that was said; the context must be null exactly when one is an error.
std::string said_of(const TlsOptions& options) {
  std::vector<TlsProblem> problems;
  const auto context = TlsContext::make(options, problems);
  std::string text;
  bool error = false;
  for (const TlsProblem& problem : problems) {
    text += (problem.warning ? "warning: " : "") + problem.option + ": " + problem.sentence + "\n";
    error = error || !problem.warning;
  }
  EXPECT_EQ(context == nullptr, error) << text;
  return text;
}

TEST(TlsContext, SaysEverythingAtOnce) {
  TlsOptions options = server_options();
  options.key = "/nowhere/server.key";
  options.client_certificates = ClientCertificates::kRequire;
  options.cipher_suites = {"TLS_ROT13"};
  options.min_version = TlsVersion::kTls13;
  options.max_version = TlsVersion::kTls12;
  const std::string said = said_of(options);
  EXPECT_THAT(said, HasSubstr("key: /nowhere/server.key cannot be read: No such file or directory"));
  EXPECT_THAT(said, HasSubstr("ca: is missing: `client_auth` needs to know who signs"));
  EXPECT_THAT(said, HasSubstr("cipher_suites: \"TLS_ROT13\" is no cipher suite"));
  EXPECT_THAT(said, HasSubstr("min_version: is newer than max_version"));
}

TEST(TlsContext, AServerNeedsACertificateAndItsKey) {
  TlsOptions options;
  options.server = true;
  EXPECT_THAT(said_of(options), HasSubstr("cert: is missing: a TLS listener needs `cert` and `key`"));
  options.cert = certificates().cert("server");
  EXPECT_THAT(said_of(options), HasSubstr("key: is missing: there is a `cert` without its key"));
  options.key = certificates().key("client");
  EXPECT_THAT(said_of(options), HasSubstr("client.key does not fit the certificate in "));
  options.key = certificates().cert("server");
  EXPECT_THAT(said_of(options), HasSubstr("has no private key that can be read"));
  options = server_options();
  options.cert = certificates().key("server");
  EXPECT_THAT(said_of(options), HasSubstr("cert: " + options.cert + " has no certificate in PEM form"));
  options = server_options();
  options.ca = certificates().key("server");
  EXPECT_THAT(said_of(options), HasSubstr("ca: " + options.ca + " has no certificate in PEM form"));
  options.ca = certificates().file("");
  EXPECT_THAT(said_of(options), HasSubstr("cannot be read"));
}

TEST(TlsContext, AnExpiredOrFutureCertificateIsAWarning) {
  TlsOptions options = server_options();
  options.cert = certificates().cert("old");
  options.key = certificates().key("old");
  EXPECT_THAT(said_of(options), HasSubstr("warning: cert: the certificate in " + options.cert + " has expired on "));
  options.cert = certificates().cert("young");
  options.key = certificates().key("young");
  EXPECT_THAT(said_of(options), HasSubstr("warning: cert: the certificate in " + options.cert + " is valid from "));
}

TEST(TlsContext, AnEncryptedKeyNeedsItsPassword) {
  TlsOptions options = server_options();
  options.cert = certificates().cert("locked");
  options.key = certificates().key("locked");
  EXPECT_THAT(said_of(options), HasSubstr("key: " + options.key + " is encrypted; give its password"));
  options.key_password = "close sesame";
  EXPECT_THAT(said_of(options), HasSubstr("has no private key that can be read with key_password"));
  EXPECT_THAT(said_of(options), ::testing::Not(HasSubstr("sesame")));
  options.key_password = "open sesame";
  EXPECT_EQ(said_of(options), "");
}

TEST(TlsContext, TakesBothNamesOfACipherSuite) {
  TlsOptions options = server_options();
  options.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256",
                           "TLS_AES_128_GCM_SHA256"};
  EXPECT_EQ(said_of(options), "");
}

}  // namespace
}  // namespace smppd::runtime
