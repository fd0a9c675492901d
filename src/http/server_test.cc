#include "http/server.h"

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/test_client.h"
#include "telemetry/metrics.h"

namespace smppd::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HttpServer : public testing::Test {
 protected:
  HttpServer() {
    options_.name = "management";
    options_.address_option = "management.address";
    options_.address = "127.0.0.1";
  }
  void start(AsyncHandler handler) {
    auto server = Server::start(options_, std::move(handler));
    ASSERT_TRUE(server) << server.error();
    server_ = std::move(*server);
    ASSERT_NE(server_->port(), 0);
  }
  // Answers with what it was asked.
  void start_echo() {
    start([](const Request& request, const Reply& reply) {
      Response response;
      response.content_type = "text/plain";
      response.body = request.method + " " + request.path + " " + request.query + " " + request.body;
      reply(std::move(response));
    });
  }
  std::string metrics() const {
    telemetry::Collector collector;
    server_->collect(collector);
    return prometheus_text(collector);
  }
  // Waits for a state that the server's thread reaches on its own.
  void expect_metric(const std::string& line) const {
    for (int i = 0; i < 500 && metrics().find(line) == std::string::npos; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_THAT(metrics(), HasSubstr(line));
  }

  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

std::string get(std::string_view target) { return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n"; }

TEST_F(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  start_echo();
  TestClient client(server_->port());
  const std::string first = client.exchange(get("/a?b=c"));
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_THAT(first, EndsWith("GET /a b=c "));
  EXPECT_THAT(client.exchange("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
              EndsWith("POST /p  hello"));
}

TEST_F(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
  start_echo();
  TestClient client(server_->port());
  client.send(get("/1") + get("/2") + get("/3"));
  EXPECT_THAT(client.response(), EndsWith("GET /1  "));
  EXPECT_THAT(client.response(), EndsWith("GET /2  "));
  EXPECT_THAT(client.response(), EndsWith("GET /3  "));
}

TEST_F(HttpServer, ReadsARequestThatArrivesOctetByOctet) {
  start_echo();
  TestClient client(server_->port());
  for (const char c : get("/slow")) client.send(std::string_view(&c, 1));
  EXPECT_THAT(client.response(), EndsWith("GET /slow  "));
}

TEST_F(HttpServer, ReadsChunkedBodies) {
  start_echo();
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
              EndsWith("POST /c  abc"));
}

TEST_F(HttpServer, ClosesWhenTheClientAsksForItAndAfterHttp10) {
  start_echo();
  TestClient asks(server_->port());
  EXPECT_THAT(asks.exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HasSubstr("Connection: close"));
  EXPECT_TRUE(asks.closed_by_peer());
  TestClient old(server_->port());
  EXPECT_THAT(old.exchange("GET /old HTTP/1.0\r\n\r\n"), EndsWith("GET /old  "));
  EXPECT_TRUE(old.closed_by_peer());
}

TEST_F(HttpServer, AnswersHeadWithTheLengthButWithoutTheBody) {
  start_echo();
  TestClient client(server_->port());
  client.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.response(true), HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(client.exchange(get("/next")), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(HttpServer, TellsTheClientToGoOnWhenItAsksBeforeItsBody) {
  start_echo();
  TestClient client(server_->port());
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(client.exchange("ok"), EndsWith("POST /e  ok"));
}

TEST_F(HttpServer, RefusesABodyOverTheLimitBeforeReadingIt) {
  options_.max_body = 10;
  start_echo();
  TestClient declared(server_->port());
  const std::string answer = declared.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, EndsWith("{\"error\":\"the body is too large\",\"hint\":\"the limit is 10 octets\"}\n"));
  TestClient chunked(server_->port());
  EXPECT_THAT(
      chunked.exchange("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n0\r\n\r\n"),
      StartsWith("HTTP/1.1 413 "));
  expect_metric("smppd_http_refused_total{listener=\"management\",reason=\"too_large\"} 2\n");
}

TEST_F(HttpServer, DeliversARefusalEvenWhileTheClientIsStillSending) {
  options_.max_body = 10;
  start_echo();
  TestClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x'));
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServer, RefusesHeadersOverTheLimit) {
  options_.max_header = 1000;
  start_echo();
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  TestClient endless(server_->port());
  EXPECT_THAT(endless.exchange("GET /" + std::string(100'000, 'a')), StartsWith("HTTP/1.1 431 "));
}

std::string octets(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

TEST_F(HttpServer, Answers400AndClosesOnWhatIsNotHttp) {
  start_echo();
  const std::vector<std::string> bad{
      octets({0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC}),  // a TLS hello
      octets({0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1}),    // an SMPP enquire_link
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\nHost x\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",  // no Host
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nA: b\x01 c\r\n\r\n",
  };
  for (const std::string& bytes : bad) {
    TestClient client(server_->port());
    EXPECT_THAT(client.exchange(bytes), StartsWith("HTTP/1.1 400 ")) << testing::PrintToString(bytes);
    client.end_of_output();
    EXPECT_TRUE(client.closed_by_peer()) << testing::PrintToString(bytes);
  }
  expect_metric("reason=\"malformed\"} " + std::to_string(bad.size()) + "\n");
  TestClient http2(server_->port());
  EXPECT_THAT(http2.exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), StartsWith("HTTP/1.1 505 "));
}

TEST_F(HttpServer, TakesTheAbsoluteFormOfATarget) {
  start_echo();
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange(get("http://host:1/p?q")), EndsWith("GET /p q "));
  EXPECT_THAT(client.exchange(get("http://host")), EndsWith("GET /  "));
}

TEST_F(HttpServer, CutsAClientThatSendsItsRequestTooSlowly) {
  options_.request_timeout = 150ms;
  start_echo();
  TestClient client(server_->port());
  client.send("GET / HTTP/1.1\r\n");
  std::thread drip([&] {
    for (int i = 0; i < 20 && client.send("X: y\r\n"); ++i) std::this_thread::sleep_for(20ms);
  });
  expect_metric("reason=\"timeout\"} 1\n");
  drip.join();
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpServer, ClosesAnIdleConnectionAfterItsTime) {
  options_.idle_timeout = 50ms;
  start_echo();
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange(get("/")), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.closed_by_peer());
  expect_metric("smppd_http_connections_active{listener=\"management\"} 0\n");
}

TEST_F(HttpServer, CutsAClientThatDoesNotReadItsResponse) {
  options_.write_timeout = 100ms;
  start([](const Request&, const Reply& reply) {
    Response response;
    response.body = std::string(64U << 20, 'x');
    reply(std::move(response));
  });
  TestClient client(server_->port());
  client.send(get("/"));
  expect_metric("reason=\"timeout\"} 1\n");
  expect_metric("smppd_http_connections_active{listener=\"management\"} 0\n");
}

TEST_F(HttpServer, MakesRoomForANewConnectionByClosingTheOneIdleLongest) {
  options_.max_connections = 2;
  start_echo();
  TestClient first(server_->port());
  EXPECT_THAT(first.exchange(get("/")), StartsWith("HTTP/1.1 200"));
  TestClient second(server_->port());
  EXPECT_THAT(second.exchange(get("/")), StartsWith("HTTP/1.1 200"));
  TestClient third(server_->port());
  EXPECT_THAT(third.exchange(get("/")), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(first.closed_by_peer());
  EXPECT_THAT(second.exchange(get("/")), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServer, Answers503WhenAllConnectionsAreBusy) {
  options_.max_connections = 1;
  std::promise<Reply> held;
  start([&](const Request&, const Reply& reply) { held.set_value(reply); });
  TestClient busy(server_->port());
  busy.send(get("/"));
  const Reply reply = held.get_future().get();
  TestClient refused(server_->port());
  EXPECT_THAT(refused.response(), StartsWith("HTTP/1.1 503 "));
  reply(Response{});
  EXPECT_THAT(busy.response(), StartsWith("HTTP/1.1 200"));
  expect_metric("reason=\"connection_limit\"} 1\n");
}

TEST_F(HttpServer, SendsAReplyThatComesFromAnotherThreadLater) {
  std::vector<std::thread> threads;
  start([&](const Request& request, const Reply& reply) {
    threads.emplace_back([reply, path = request.path] {
      std::this_thread::sleep_for(5ms);
      Response response;
      response.body = path;
      reply(std::move(response));
      reply(error_response(500, "a second call is ignored"));
    });
  });
  TestClient client(server_->port());
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/" + std::to_string(i);
    EXPECT_THAT(client.exchange(get(path)), EndsWith("\r\n\r\n" + path));
  }
  server_->stop();
  for (auto& thread : threads) thread.join();
}

TEST_F(HttpServer, Answers503WhenTheReplyDoesNotComeAndIgnoresItLater) {
  options_.reply_timeout = 50ms;
  std::vector<Reply> held;
  start([&](const Request& request, const Reply& reply) {
    if (request.path == "/never") return held.push_back(reply);
    reply(Response{});
  });
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange(get("/never")), StartsWith("HTTP/1.1 503 "));
  held.front()(error_response(418, "late"));
  EXPECT_THAT(client.exchange(get("/")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServer, Answers500WhenAHandlerThrowsOrForgetsToReply) {
  start([](const Request& request, const Reply&) {
    if (request.path == "/throw") throw std::runtime_error("broken");
  });
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange(get("/throw")), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(client.exchange(get("/forget")), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServer, NeverLetsAHeaderValueBecomeASecondHeader) {
  start([](const Request&, const Reply& reply) {
    Response response;
    response.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b");
    reply(std::move(response));
  });
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange(get("/")), HasSubstr("X-Name: a  Set-Cookie: b\r\n"));
}

TEST_F(HttpServer, FinishesRequestsUnderWayWhenItStops) {
  std::promise<Reply> held;
  start([&](const Request&, const Reply& reply) { held.set_value(reply); });
  TestClient idle(server_->port());
  expect_metric("smppd_http_connections_active{listener=\"management\"} 1\n");
  TestClient busy(server_->port());
  busy.send(get("/"));
  const Reply reply = held.get_future().get();
  std::thread stopping([&] { server_->stop(); });
  EXPECT_TRUE(idle.closed_by_peer());
  reply(Response{});
  EXPECT_THAT(busy.response(), HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.closed_by_peer());
  stopping.join();
  EXPECT_FALSE(TestClient(server_->port()).connected());
}

TEST_F(HttpServer, StopsWithinItsDrainTimeAndSurvivesRepliesThatComeAfter) {
  options_.drain_timeout = 50ms;
  std::promise<Reply> held;
  start([&](const Request&, const Reply& reply) { held.set_value(reply); });
  TestClient busy(server_->port());
  busy.send(get("/"));
  const Reply reply = held.get_future().get();
  const auto begin = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  reply(Response{});
  EXPECT_TRUE(busy.closed_by_peer());
}

TEST_F(HttpServer, StopsAtOnceWhenNothingIsUnderWay) {
  options_.drain_timeout = 60s;
  start_echo();
  TestClient idle(server_->port());
  idle.exchange(get("/"));
  const auto begin = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(HttpServer, NamesTheAddressAndWhatToDoWhenThePortIsInUse) {
  start_echo();
  ServerOptions second = options_;
  second.port = server_->port();
  const auto outcome = Server::start(second, [](const Request&, const Reply&) {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), "cannot listen on 127.0.0.1:" + std::to_string(second.port) +
                                 " (management): Address already in use; another process has this port, stop it or "
                                 "change management.address");
}

TEST_F(HttpServer, NamesTheAddressWhenItIsNotOneOfThisMachine) {
  options_.address = "192.0.2.1";
  const auto outcome = Server::start(options_, [](const Request&, const Reply&) {});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error(), StartsWith("cannot listen on 192.0.2.1:0 (management): "));
  EXPECT_THAT(outcome.error(), EndsWith("; change management.address"));
}

TEST_F(HttpServer, TellsLoopbackPeersByTheirIpv4AddressAlsoOnAllInterfaces) {
  options_.address = "";
  start([](const Request& request, const Reply& reply) {
    Response response;
    response.body = request.peer.address + (request.peer.loopback ? " loopback" : " far");
    reply(std::move(response));
  });
  TestClient client(server_->port());
  EXPECT_THAT(client.exchange(get("/")), EndsWith("127.0.0.1 loopback"));
}

TEST_F(HttpServer, CountsAnswersByClass) {
  start(
      [](const Request& request, const Reply& reply) { reply(error_response(request.path == "/" ? 404 : 201, "x")); });
  TestClient client(server_->port());
  client.exchange(get("/"));
  client.exchange(get("/a"));
  client.exchange(get("/b"));
  EXPECT_THAT(metrics(), HasSubstr("smppd_http_requests_total{listener=\"management\",class=\"4xx\"} 1\n"));
  EXPECT_THAT(metrics(), HasSubstr("smppd_http_requests_total{listener=\"management\",class=\"2xx\"} 2\n"));
}

TEST_F(HttpServer, ServesManyClientsAtOnce) {
  start_echo();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      TestClient client(server_->port());
      for (int i = 0; i < 100; ++i) right += client.exchange(get("/x")).ends_with("GET /x  ") ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right.load(), 800);
}

}  // namespace
}  // namespace smppd::http
