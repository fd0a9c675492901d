// For tests only: certificates of every sort, and the options of a server and of a client that use them.
#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/internal/test_certificates.h"
#include "runtime/tls.h"

namespace smppd::runtime::testing {

inline TestCertificates& certificates() {
  static TestCertificates all;
  static const bool kIssued = [] {
    all.issue({.name = "server"});
    all.issue({.name = "client"});
    all.issue({.name = "old", .from = -7200, .until = -3600});
    all.issue({.name = "young", .from = 3600});
    all.issue({.name = "other", .names = "DNS:elsewhere.test"});
    all.issue({.name = "locked", .password = "open sesame"});
    return true;
  }();
  static_cast<void>(kIssued);
  return all;
}

inline TlsOptions server_options() {
  TlsOptions options;
  options.server = true;
  options.cert = certificates().cert("server");
  options.key = certificates().key("server");
  return options;
}

inline TlsOptions client_options() {
  TlsOptions options;
  options.ca = certificates().cert("ca");
  return options;
}

inline std::shared_ptr<const TlsContext> make(const TlsOptions& options) {
  std::vector<TlsProblem> problems;
  auto context = TlsContext::make(options, problems);
  for (const TlsProblem& problem : problems) EXPECT_TRUE(problem.warning) << problem.option << ": " << problem.sentence;
  return context;
}

}  // namespace smppd::runtime::testing
