#include "http/message.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "http/basic_auth.h"
#include "http/router.h"
#include "http/url.h"

namespace smppd::http {
namespace {

TEST(PercentDecode, DecodesEscapesAndRefusesBrokenOnes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d"), "a b/c+d");
  EXPECT_EQ(percent_decode("a+b", Plus::kSpace), "a b");
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%4g"), std::nullopt);
  EXPECT_EQ(percent_decode("%00"), std::nullopt);
}

TEST(PercentEncode, IsTakenBackByDecoding) {
  EXPECT_EQ(percent_encode("a b/c+d~\xC3\xA9"), "a%20b%2Fc%2Bd~%C3%A9");
  EXPECT_TRUE(rc::check([](const std::string& text) {
    RC_PRE(text.find('\0') == std::string::npos);
    RC_ASSERT(percent_decode(percent_encode(text)) == text);
    RC_ASSERT(percent_decode(percent_encode(text), Plus::kSpace) == text);
  }));
}

TEST(QueryValue, FindsTheFirstValueOfAKey) {
  EXPECT_EQ(query_value("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(query_value("a=1&b=x%26y+z", "b"), "x&y z");
  EXPECT_EQ(query_value("flag&b", "b"), "");
  EXPECT_EQ(query_value("a=%zz&a=2", "a"), "2");
  EXPECT_EQ(query_value("&&=&", "a"), std::nullopt);
  EXPECT_EQ(query_value("", "a"), std::nullopt);
}

TEST(BasicAuth, ReadsUserAndPassword) {
  const auto found = parse_basic_auth("Basic YWRtaW46czNjOnJldA==");  // admin:s3c:ret
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "admin");
  EXPECT_EQ(found->password, "s3c:ret");
  EXPECT_TRUE(parse_basic_auth("bAsIc   YTpi"));
}

TEST(BasicAuth, RefusesEverythingElse) {
  for (const char* text : {"", "Basic", "Basic ", "Bearer YTpi", "BasicYTpi", "Basic YTpi=", "Basic YTp", "Basic YT!i",
                           "Basic YTpi YTpi", "Basic YQ==", "Basic YTpjZB==", "Basic ===="}) {
    EXPECT_FALSE(parse_basic_auth(text)) << text;
  }
}

TEST(BasicAuth, ReadsBackWhatItWrites) {
  EXPECT_EQ(basic_auth({"admin", "s3c:ret"}), "Basic YWRtaW46czNjOnJldA==");
  EXPECT_TRUE(rc::check([](const std::string& password) {
    const auto found = parse_basic_auth(basic_auth({"admin", password}));
    RC_ASSERT(found && found->user == "admin" && found->password == password);
  }));
}

TEST(BasicAuth, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
}

TEST(ErrorResponse, IsJsonWithAnEscapedErrorAndHint) {
  EXPECT_EQ(error_response(400, "a \"b\"", "c\n").body, "{\"error\":\"a \\\"b\\\"\",\"hint\":\"c\\n\"}\n");
  EXPECT_EQ(error_response(500, "x").body, "{\"error\":\"x\"}\n");
}

class Routing : public testing::Test {
 protected:
  Routing() {
    router_.add_sync("GET", "/config", [](const Request&) { return text("config"); });
    router_.add_sync("POST", "/config/reload", [](const Request&) { return text("reload"); });
    router_.add_sync("GET", "/api/clients/{}", [](const Request& r) { return text("client " + r.parameters.at(0)); });
  }
  static Response text(std::string body) {
    Response response;
    response.body = std::move(body);
    return response;
  }
  Response ask(std::string method, std::string path) {
    Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    Response got;
    router_(std::move(request), [&](Response response) { got = std::move(response); });
    return got;
  }
  Router router_;
};

TEST_F(Routing, FindsTheHandlerOfPathAndMethod) {
  EXPECT_EQ(ask("GET", "/config").body, "config");
  EXPECT_EQ(ask("HEAD", "/config").body, "config");
  EXPECT_EQ(ask("POST", "/config/reload").body, "reload");
}

TEST_F(Routing, HandsOverDecodedSegments) {
  EXPECT_EQ(ask("GET", "/api/clients/a%2Fb").body, "client a/b");
  EXPECT_EQ(ask("GET", "/api/clients/").status, 404);
  EXPECT_EQ(ask("GET", "/api/clients/a/b").status, 404);
  EXPECT_EQ(ask("GET", "/api/clients/%zz").status, 400);
}

TEST_F(Routing, Answers404And405WithTheMethodsAllowed) {
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/config/").status, 404);
  const Response wrong = ask("DELETE", "/config");
  EXPECT_EQ(wrong.status, 405);
  ASSERT_EQ(wrong.headers.size(), 1U);
  EXPECT_EQ(wrong.headers[0], (std::pair<std::string, std::string>("Allow", "GET, HEAD")));
  EXPECT_EQ(ask("GET", "/config/reload").status, 405);
  EXPECT_EQ(ask("OPTIONS", "/config").status, 204);
}

}  // namespace
}  // namespace smppd::http
