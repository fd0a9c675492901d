#include "admin/internal/guard.h"

#include <gtest/gtest.h>

namespace smppd::admin {
namespace {

http::Request request(std::string method, http::Headers headers, bool loopback = true) {
  http::Request r;
  r.method = std::move(method);
  r.path = "/config";
  r.headers = std::move(headers);
  r.peer = {loopback ? "127.0.0.1" : "192.0.2.7", loopback};
  return r;
}

int status(const http::Request& r, const Access& access = {}, bool open = false) {
  const auto refused = refusal(r, access, open);
  return refused ? refused->status : 0;
}

const Access kPassword{"admin", "s3cret"};
const std::string kRight = "Basic YWRtaW46czNjcmV0";

TEST(Guard, ServesLoopbackClientsWithoutAuthentication) {
  EXPECT_EQ(status(request("GET", {{"Host", "127.0.0.1:8081"}})), 0);
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}})), 0);
  EXPECT_EQ(status(request("GET", {{"Host", "[::1]:8081"}})), 0);
  EXPECT_EQ(status(request("POST", {{"Host", "localhost:8081"}})), 0);
  EXPECT_EQ(status(request("GET", {})), 0);
}

TEST(Guard, RefusesOthersAndSaysWhatToConfigure) {
  const auto refused = refusal(request("GET", {{"Host", "10.0.0.1"}}, false), {}, false);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_NE(refused->body.find("configure management.auth"), std::string::npos);
}

TEST(Guard, LetsAnyoneReadWhatIsOpen) {
  EXPECT_EQ(status(request("GET", {}, false), {}, true), 0);
  EXPECT_EQ(status(request("HEAD", {}, false), kPassword, true), 0);
  EXPECT_EQ(status(request("POST", {}, false), {}, true), 403);
}

TEST(Guard, DoesNotTakeAReverseProxyForALocalClient) {
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}, {"X-Forwarded-For", "192.0.2.7"}})), 403);
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}, {"Forwarded", "for=192.0.2.7"}})), 403);
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}, {"Via", "1.1 x"}})), 403);
}

TEST(Guard, RefusesAForeignNameThatResolvesToLoopback) {
  EXPECT_EQ(status(request("GET", {{"Host", "evil.example:8081"}})), 403);
  EXPECT_EQ(status(request("GET", {{"Host", "127.0.0.1.evil.example"}})), 403);
  EXPECT_EQ(status(request("GET", {{"Host", ""}})), 403);
}

TEST(Guard, RefusesAPageOfAnotherSiteThatPosts) {
  EXPECT_EQ(status(request("POST", {{"Host", "localhost:8081"}, {"Origin", "https://evil.example"}})), 403);
  EXPECT_EQ(status(request("POST", {{"Host", "localhost:8081"}, {"Origin", "null"}})), 403);
  EXPECT_EQ(status(request("POST", {{"Host", "localhost:8081"}, {"Origin", "http://localhost:9999"}})), 403);
  EXPECT_EQ(status(request("POST", {{"Host", "localhost:8081"}, {"Sec-Fetch-Site", "cross-site"}})), 403);
  EXPECT_EQ(status(request("POST", {{"Host", "localhost:8081"}, {"Origin", "http://localhost:8081"}})), 0);
  EXPECT_EQ(status(request("POST", {{"Host", "x"}, {"Origin", "http://evil"}, {"Authorization", kRight}}), kPassword),
            403);
}

TEST(Guard, NeedsTheRightPasswordAlsoFromLoopback) {
  EXPECT_EQ(status(request("GET", {{"Host", "localhost"}}), kPassword), 401);
  EXPECT_EQ(status(request("GET", {{"Authorization", "Basic YWRtaW46d3Jvbmc="}}, false), kPassword), 401);
  EXPECT_EQ(status(request("GET", {{"Authorization", "Bearer s3cret"}}, false), kPassword), 401);
  EXPECT_EQ(status(request("GET", {{"Authorization", kRight}}, false), kPassword), 0);
  EXPECT_EQ(status(request("GET", {{"Host", "any.example"}, {"authorization", kRight}}, false), kPassword), 0);
}

TEST(Guard, AsksForBasicAuthenticationInThe401) {
  const auto refused = refusal(request("GET", {}), kPassword, false);
  ASSERT_TRUE(refused);
  ASSERT_EQ(refused->headers.size(), 1U);
  EXPECT_EQ(refused->headers[0].first, "WWW-Authenticate");
  EXPECT_EQ(refused->headers[0].second, "Basic realm=\"smppd\", charset=\"UTF-8\"");
}

TEST(HostOf, CutsThePortAndTheBrackets) {
  EXPECT_EQ(host_of("a.example:80"), "a.example");
  EXPECT_EQ(host_of("a.example"), "a.example");
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(host_of("[::1"), "");
  EXPECT_EQ(host_of("::1"), "");
  EXPECT_EQ(host_of(""), "");
}

}  // namespace
}  // namespace smppd::admin
