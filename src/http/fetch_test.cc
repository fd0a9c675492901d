#include "http/fetch.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server.h"

namespace smppd::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class FetchFrom : public testing::Test {
 protected:
  FetchFrom() {
    ServerOptions options;
    options.name = "management";
    options.address = "127.0.0.1";
    auto server = Server::start(options, [](const Request& request, const Reply& reply) {
      if (request.path == "/refused") return reply(error_response(403, "not you", "log in"));
      Response response;
      const auto text = [&](const char* name) { return request.header(name) ? *request.header(name) : std::string(); };
      response.body = request.method + " " + request.path + "?" + request.query + " " + text("Host") + " " +
                      text("Authorization") + std::string(request.path == "/large" ? 3'000'000 : 0, 'x');
      reply(std::move(response));
    });
    server_ = std::move(*server);
    request_.host = "127.0.0.1";
    request_.port = server_->port();
  }

  std::unique_ptr<Server> server_;
  Fetch request_;
};

TEST_F(FetchFrom, GivesTheAnswerOfTheServer) {
  request_.method = "POST";
  request_.target = "/a/b?c=d";
  const auto answer = fetch(request_);
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /a/b?c=d 127.0.0.1:" + std::to_string(request_.port) + " ");
}

TEST_F(FetchFrom, NamesTheAddressItReachedAndNotTheNameItWasGiven) {
  request_.host = "localhost";
  const auto answer = fetch(request_);
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_THAT(answer->body, HasSubstr(" 127.0.0.1:"));
}

TEST_F(FetchFrom, SendsCredentials) {
  request_.credentials = {"admin", "s3c:ret"};
  EXPECT_THAT(fetch(request_)->body, HasSubstr("Basic YWRtaW46czNjOnJldA=="));
}

TEST_F(FetchFrom, TakesARefusalForAnAnswer) {
  request_.target = "/refused";
  const auto answer = fetch(request_);
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->status, 403);
  EXPECT_THAT(answer->body, HasSubstr("not you"));
}

TEST_F(FetchFrom, ReadsLargeAnswersWhole) {
  request_.target = "/large";
  EXPECT_GT(fetch(request_)->body.size(), 3'000'000U);
}

TEST_F(FetchFrom, SaysWhereNothingAnswers) {
  const std::uint16_t port = request_.port;
  server_.reset();
  const auto answer = fetch(request_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), "nothing answers at 127.0.0.1:" + std::to_string(port));
}

}  // namespace
}  // namespace smppd::http
