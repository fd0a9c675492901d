// What is said of TLS sections; what their files are worth is runtime's to tell (tls_test.cc there).
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "config/internal/test_support.h"

namespace smppd::config {
namespace {

using namespace smppd::config::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string with_listener_tls(const std::string& tls) {
  return said_of("listeners:\n  - address: :2775\n    anonymous: true\n    tls: " + tls +
                 "\nupstreams: [{name: a, mock: {}}]\n");
}

std::string with_upstream_tls(const std::string& more) {
  return said_of_more("  - name: c\n    bind: {system_id: x}\n" + more);
}

TEST(Tls, EveryProblemOfEveryFileIsSaidWithItsLineAndKey) {
  const std::string said =
      with_listener_tls("{cert: /no.crt, key: /no.key, ca: /no.ca, client_auth: require, cipher_suites: [ROT13]}");
  EXPECT_THAT(said, HasSubstr("test.yaml:4:11: error: listeners[0].tls.cert: /no.crt cannot be read: No such file"));
  EXPECT_THAT(said, HasSubstr("error: listeners[0].tls.key: /no.key cannot be read: No such file"));
  EXPECT_THAT(said, HasSubstr("error: listeners[0].tls.ca: /no.ca cannot be read: No such file"));
  EXPECT_THAT(said, HasSubstr("error: listeners[0].tls.cipher_suites: \"ROT13\" is no cipher suite"));
}

TEST(Tls, AListenerNeedsACertificate) {
  EXPECT_THAT(with_listener_tls("{}"), HasSubstr("listeners[0].tls.cert: is missing: a TLS listener needs"));
}

TEST(Tls, ASectionThatIsOffIsNotLookedAt) {
  EXPECT_THAT(with_listener_tls("{enabled: false, cert: /no.crt, key: /no.key}"), Not(HasSubstr("error")));
}

TEST(Tls, UnknownWordsAreRefused) {
  EXPECT_THAT(with_listener_tls("{client_auth: perhaps}"), HasSubstr("`perhaps` is not one of none, request, require"));
  EXPECT_THAT(with_listener_tls("{min_version: \"1.1\"}"), HasSubstr("`1.1` is not one of 1.2, 1.3"));
  EXPECT_THAT(with_listener_tls("{server_name: x}"), HasSubstr("tls.server_name: unknown key"));
}

TEST(Tls, AnUpstreamNeedsNoFilesAndIsWarnedWhenItTrustsEverybody) {
  const std::string host = "    hosts: [\"smsc.example:2776\"]\n";
  EXPECT_THAT(with_upstream_tls(host + "    tls: {}\n"), AllOf(Not(HasSubstr("error")), Not(HasSubstr("tls"))));
  EXPECT_THAT(with_upstream_tls(host + "    tls: {skip_verify: true}\n"),
              HasSubstr("warning: upstreams[2].tls.skip_verify: anybody on the way can pose as this SMSC"));
  EXPECT_THAT(with_upstream_tls(host + "    tls: {cert: /no.crt}\n"),
              HasSubstr("error: upstreams[2].tls.key: is missing"));
}

TEST(Tls, ConnectionsThatWouldStayPlainAreRefused) {
  EXPECT_THAT(with_upstream_tls("    mock: {}\n    tls: {}\n"), HasSubstr("upstreams[2].tls: a `mock` has no connec"));
  EXPECT_THAT(with_upstream_tls("    outbind: {address: \":2776\", system_id: x}\n    tls: {}\n"),
              HasSubstr("error: upstreams[2].tls: the SMSC's own calls (`outbind`) are not encrypted yet"));
  EXPECT_THAT(
      said_of("listeners: [{address: \":2775\", name: in, tls: {}}]\n"
              "upstreams: [{name: a, mock: {}}]\n"
              "clients: [{system_id: x, password: y, outbind: {address: \"esme.example:1\"}}]\n"),
      HasSubstr("error: clients[0].outbind: calls to clients are not encrypted yet, and the listener `in` has"));
}

TEST(Tls, TheDumpHidesTheKeysPassword) {
  const auto loaded = load_yaml(
      "listeners: [{address: \":2775\", tls: {enabled: false, key_password: sesame}}]\nupstreams: [{name: a, mock: "
      "{}}]");
  ASSERT_NE(loaded.config, nullptr) << to_text(loaded.diagnostics);
  EXPECT_EQ(loaded.config->listeners[0].tls->key_password, "sesame");
  EXPECT_THAT(dump(*loaded.config, Format::kYaml), AllOf(HasSubstr("key_password"), Not(HasSubstr("sesame"))));
}

}  // namespace
}  // namespace smppd::config
