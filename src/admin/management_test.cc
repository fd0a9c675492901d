#include "admin/management.h"

#include <mutex>
#include <string>
#include <thread>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/receipt_backend.h"
#include "http/test_client.h"

namespace smppd::admin {
namespace {

using http::TestClient;
using telemetry::Collector;
using telemetry::MetricKind;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr telemetry::MetricDescription kUpstreamHealth{"smppd_upstream_health", MetricKind::kGauge, "Health."};
constexpr telemetry::MetricDescription kUpstreamRequests{"smppd_upstream_requests_total", MetricKind::kCounter,
                                                         "Requests."};

// A port that was free a moment ago.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0) return 0;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) return 0;
  ::close(fd);
  return ntohs(at.sin_port);
}

// Answers from another thread, as shards do.
class FakeBackend final : public Backend {
 public:
  ~FakeBackend() override {
    for (auto& thread : threads) thread.join();
  }
  void collect(std::function<void(Collector)> done) override {
    if (hold_collections) {
      held_collections.push_back(std::move(done));
      ++collections;
      return;
    }
    ++collections;
    threads.emplace_back([this, done = std::move(done)] {
      Collector collector;
      collector.add(kUpstreamHealth, carrier_healthy ? 1 : 0, {{"upstream", "carrier"}});
      collector.add(kUpstreamRequests, 42, {{"upstream", "carrier"}});
      done(std::move(collector));
    });
  }
  Health readiness() override { return ready; }
  Health liveness() override { return live; }
  Status status() override {
    Status status;
    status.version = "1.2.3";
    status.started = std::chrono::system_clock::now() - std::chrono::seconds(61);
    status.config_loaded = WallTime(std::chrono::seconds(1'700'000'000));
    status.shards = 2;
    status.config = config;
    return status;
  }
  std::string config_dump(config::Format format) override {
    return format == config::Format::kJson ? "{\"runtime\":{}}\n" : "runtime: {}\n";
  }
  void reload(std::function<void(ReloadOutcome)> done) override {
    if (hold_reload) {
      held_reload = std::move(done);
    } else {
      done(outcome);
    }
  }

  Health ready{true, {}};
  Health live{true, {}};
  ReloadOutcome outcome{true, "1 route added", {}};
  std::shared_ptr<const config::Config> config = example();
  std::atomic<bool> carrier_healthy{true};
  std::atomic<int> collections{0};
  bool hold_collections = false;
  bool hold_reload = false;
  std::vector<std::function<void(Collector)>> held_collections;
  std::function<void(ReloadOutcome)> held_reload;
  std::vector<std::thread> threads;

 private:
  static std::shared_ptr<const config::Config> example() {
    auto config = std::make_shared<config::Config>();
    config->file = "smppd.yaml";
    config->listeners.resize(1);
    config->listeners[0].name = "smpp_listener";
    config->listeners[0].address.port = 2775;
    config->upstreams.resize(1);
    config->upstreams[0].name = "carrier";
    config->upstreams[0].bind.password = "carrier-secret";
    config->upstreams[0].hosts.resize(1);
    config->upstreams[0].hosts[0].address = {"::1", 2776};
    config->clients.resize(1);
    config->clients[0].system_id = "acme \"1\"";
    config->clients[0].password = "client-secret";
    config->clients[0].tier = "gold";
    config->routes.resize(2);
    config->routes[0].name = "second";
    config->routes[1].name = "first";
    config->routes[1].priority = 1;
    config->routes[1].upstreams = {{"carrier", 1}};
    return config;
  }
};

class FakeReceipts final : public ReceiptBackend {
 public:
  void receipt_formats(std::function<void(std::vector<ReceiptFormat>)> done) override {
    ReceiptFormat learned;
    learned.upstream = "b";
    learned.configured = "auto";
    learned.learned = "hex_to_dec";
    learned.hex_to_dec = 7;
    learned.response_id = "7f3***1b0";
    learned.receipt_id = "213***144";
    ReceiptFormat configured;
    configured.upstream = "a";
    configured.configured = "as_is";
    done({learned, configured});
  }
  void unmatched_receipts(const std::string& upstream, std::size_t limit,
                          std::function<void(UnmatchedReceipts)> done) override {
    asked = upstream + ":" + std::to_string(limit);
    UnmatchedReceipts found;
    found.kept = 3;
    found.dropped = 2;
    UnmatchedReceipt one;
    one.upstream = "carrier";
    one.received = WallTime(std::chrono::seconds(1'700'000'000));
    one.text = "\xFF\"raw";
    found.receipts.push_back(one);
    done(found);
  }
  void replay_receipts(const std::string& upstream, std::function<void(ReplayOutcome)> done) override {
    asked = upstream;
    done({5, 2, 1});
  }
  std::string asked;
};

// Answers from this thread, with what the test put there.
class FakeStorekeeper final : public Storekeeper {
 public:
  void look(std::function<void(std::vector<store::StoreView>)> done) override { done(views); }
  void dead_letters(const store::DeadLetterQuery& query, store::OnDeadLetters done) override {
    asked = query;
    done(page);
  }
  void order(store::Order order, message::OwnId letter, store::OnOrder done) override {
    ordered.emplace_back(order, letter);
    done(result);
  }
  void requeue_all(const store::DeadLetterQuery& query, std::function<void(Requeued)> done) override {
    asked = query;
    done(requeued);
  }
  void find(std::vector<message::OwnId> ids, std::function<void(Found)> done) override {
    wanted = std::move(ids);
    done(found);
  }

  std::vector<store::StoreView> views;
  store::DeadLetterQuery asked;
  store::DeadLetterPage page;
  std::vector<std::pair<store::Order, message::OwnId>> ordered;
  store::OrderResult result = store::OrderResult::kDone;
  Requeued requeued;
  std::vector<message::OwnId> wanted;
  Found found;
};

class ManagementApi : public testing::Test {
 protected:
  ManagementApi() {
    options_.address = "127.0.0.1";
    options_.port = 0;
  }
  void start() {
    auto started = Management::start(options_, backend_, receipts_, storekeeper_);
    ASSERT_TRUE(started) << started.error();
    management_ = std::move(*started);
  }
  std::string ask(const std::string& method, const std::string& target, const std::string& headers = {}) {
    TestClient client(management_->port());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
    return client.response();
  }
  static std::string body(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }
  boost::json::value json(const std::string& target) { return boost::json::parse(body(ask("GET", target))); }

  ManagementOptions options_;
  FakeBackend backend_;
  FakeReceipts receipts_;
  FakeStorekeeper storekeeper_;
  std::unique_ptr<Management> management_;
};

TEST_F(ManagementApi, ProbesSayOkOrWhatIsMissing) {
  start();
  EXPECT_THAT(ask("GET", "/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask("GET", "/readyz"), EndsWith("{\"status\":\"ok\",\"reasons\":[]}\n"));
  backend_.ready = {false, {"no upstream is bound"}};
  backend_.live = {false, {"shard 1 has not turned for 12 s"}};
  const std::string ready = ask("GET", "/readyz");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ready, EndsWith("{\"status\":\"unavailable\",\"reasons\":[\"no upstream is bound\"]}\n"));
  EXPECT_THAT(ask("GET", "/livez"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(ManagementApi, ShowsIdFormatsWithTheirEvidence) {
  start();
  EXPECT_THAT(ask("GET", "/api/receipts/formats"),
              EndsWith(R"({"formats":[{"upstream":"a","configured":"as_is","learned":null,"evidence":{"as_is":0,)"
                       R"("hex_to_dec":0,"dec_to_hex":0,"ambiguous":0},"last_pair":null},{"upstream":"b",)"
                       R"("configured":"auto","learned":"hex_to_dec","evidence":{"as_is":0,"hex_to_dec":7,)"
                       R"("dec_to_hex":0,"ambiguous":0},"last_pair":{"response":"7f3***1b0","receipt":"213***144"}}]})"
                       "\n"));
}

TEST_F(ManagementApi, ShowsUnmatchedReceiptsWithinBounds) {
  start();
  const auto answer = json("/api/receipts/unmatched?upstream=carrier&limit=7");
  EXPECT_EQ(receipts_.asked, "carrier:7");
  EXPECT_EQ(answer.at("kept"), 3);
  EXPECT_EQ(answer.at("dropped"), 2);
  EXPECT_EQ(answer.at("unmatched").at(0).at("received"), "2023-11-14T22:13:20Z");
  EXPECT_TRUE(answer.at("unmatched").at(0).at("id").is_null());
  (void)json("/api/receipts/unmatched");
  EXPECT_EQ(receipts_.asked, ":100");
  EXPECT_THAT(ask("GET", "/api/receipts/unmatched?upstream=nobody"), StartsWith("HTTP/1.1 404 "));
  for (const char* limit : {"0", "1001", "x", "-1", "5x", ""}) {
    EXPECT_THAT(ask("GET", std::string("/api/receipts/unmatched?limit=") + limit), StartsWith("HTTP/1.1 400 "))
        << limit;
  }
}

TEST_F(ManagementApi, ReplaysUnmatchedReceiptsOnlyWhenTold) {
  start();
  const std::string answer = ask("POST", "/api/receipts/unmatched/replay?upstream=carrier", "Content-Length: 0\r\n");
  EXPECT_THAT(answer, EndsWith(R"({"tried":5,"matched":2,"client_away":1,"left":3})"
                               "\n"));
  EXPECT_EQ(receipts_.asked, "carrier");
  EXPECT_THAT(ask("GET", "/api/receipts/unmatched/replay"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(ask("POST", "/api/receipts/unmatched/replay?upstream=nobody", "Content-Length: 0\r\n"),
              StartsWith("HTTP/1.1 404 "));
}

TEST_F(ManagementApi, HealthIsDegradedWhenAnUpstreamIsDownAndUnavailableWhenNotReady) {
  start();
  EXPECT_EQ(json("/healthz").at("status"), "ok");
  EXPECT_EQ(json("/healthz").at("upstreams").at("carrier").at("healthy"), true);
  backend_.carrier_healthy = false;
  EXPECT_EQ(json("/healthz").at("status"), "degraded");
  EXPECT_THAT(ask("GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
  backend_.ready = {false, {"draining"}};
  EXPECT_THAT(ask("GET", "/healthz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(json("/healthz").at("reasons").at(0), "draining");
  EXPECT_EQ(json("/healthz").at("version"), "1.2.3");
}

TEST_F(ManagementApi, MetricsHoldTheShardsTheProcessAndTheListenersOwn) {
  start();
  const std::string answer = ask("GET", "/metrics");
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: no-store\r\n"));
  for (const char* line :
       {"\nsmppd_upstream_health{upstream=\"carrier\"} 1\n", "\nsmppd_build_info{version=\"1.2.3\"} 1\n",
        "\nsmppd_uptime_seconds 6", "\nprocess_resident_memory_bytes ", "\nprocess_open_fds ",
        "\nsmppd_telemetry_log_lines_dropped_total ", "\nsmppd_http_connections_active{listener=\"management\"} 1\n",
        "\nsmppd_admin_reloads_total{result=\"applied\"} 0\n"}) {
    EXPECT_THAT(answer, HasSubstr(line));
  }
}

TEST_F(ManagementApi, MetricsMoveToAnotherPathOrAreOff) {
  options_.metrics_path = "/prom";
  start();
  EXPECT_THAT(ask("GET", "/prom"), HasSubstr("smppd_upstream_health"));
  EXPECT_THAT(ask("GET", "/metrics"), StartsWith("HTTP/1.1 404 "));
  options_.metrics = false;
  ASSERT_TRUE(management_->update(options_));
  EXPECT_THAT(ask("GET", "/prom"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ManagementApi, StatsComeAsJsonAndAsDottedLines) {
  start();
  EXPECT_EQ(json("/stats").at("stats").at("smppd.cluster.carrier.upstream_rq_total"), 42);
  EXPECT_THAT(ask("GET", "/stats?format=text"), HasSubstr("\nsmppd.cluster.carrier.upstream_rq_total: 42\n"));
  EXPECT_THAT(ask("GET", "/stats?format=xml"),
              EndsWith("{\"error\":\"unknown format xml\",\"hint\":\"use format=json or format=text\"}\n"));
}

TEST_F(ManagementApi, ConfigComesAsYamlOrJson) {
  start();
  EXPECT_THAT(ask("GET", "/config"), EndsWith("\r\n\r\nruntime: {}\n"));
  EXPECT_THAT(ask("GET", "/config?format=json"), EndsWith("\r\n\r\n{\"runtime\":{}}\n"));
  EXPECT_THAT(ask("GET", "/config?format=toml"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ManagementApi, ReloadReportsWhatChanged) {
  start();
  for (const char* path : {"/config/reload", "/api/config/reload"}) {
    const std::string answer = ask("POST", path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_EQ(boost::json::parse(body(answer)).at("summary"), "1 route added");
  }
  EXPECT_THAT(ask("GET", "/config/reload"), HasSubstr("\r\nAllow: POST\r\n"));
  EXPECT_THAT(ask("GET", "/metrics"), HasSubstr("smppd_admin_reloads_total{result=\"applied\"} 2\n"));
}

TEST_F(ManagementApi, ReloadAnswers400WithEveryDiagnostic) {
  using Severity = config::Diagnostic::Severity;
  backend_.outcome = {false,
                      "2 errors in smppd.yaml",
                      {{Severity::kError, "smppd.yaml", 3, 7, "routes[0].upstream", "there is no upstream \"b\""},
                       {Severity::kError, "smppd.yaml", 9, 1, "listners", "unknown key, did you mean listeners?"}}};
  start();
  const std::string answer = ask("POST", "/config/reload");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  const auto document = boost::json::parse(body(answer));
  EXPECT_EQ(document.at("error"), "2 errors in smppd.yaml");
  ASSERT_EQ(document.at("diagnostics").as_array().size(), 2U);
  EXPECT_EQ(document.at("diagnostics").at(0).at("line"), 3);
  EXPECT_EQ(document.at("diagnostics").at(1).at("message"), "unknown key, did you mean listeners?");
}

TEST_F(ManagementApi, RefusesASecondReloadWhileOneIsUnderWay) {
  backend_.hold_reload = true;
  start();
  TestClient first(management_->port());
  first.send("POST /config/reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (ask("POST", "/config/reload").find(" 409 ") == std::string::npos) std::this_thread::yield();
  backend_.held_reload(backend_.outcome);
  backend_.held_reload = nullptr;
  EXPECT_THAT(first.response(), StartsWith("HTTP/1.1 200 "));
  backend_.hold_reload = false;
  EXPECT_THAT(ask("POST", "/config/reload"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ManagementApi, ListsUpstreamsClientsAndRoutesWithoutTheirSecrets) {
  start();
  EXPECT_EQ(json("/clusters"), json("/api/upstreams"));
  const auto upstream = json("/api/upstreams/carrier");
  EXPECT_EQ(upstream.at("healthy"), true);
  EXPECT_EQ(upstream.at("hosts").at(0).at("address"), "[::1]:2776");
  EXPECT_EQ(upstream.at("stats").at("upstream_rq_total"), 42);
  EXPECT_EQ(json("/api/clients").at("clients").at(0).at("tier"), "gold");
  EXPECT_EQ(json("/api/clients/acme%20%221%22").at("system_id"), "acme \"1\"");
  const auto routes = json("/api/routes").at("routes");
  EXPECT_EQ(routes.at(0).at("name"), "first");
  EXPECT_EQ(routes.at(1).at("name"), "second");
  for (const char* path : {"/clusters", "/api/clients", "/api/routes", "/api/status", "/healthz", "/stats"}) {
    EXPECT_THAT(ask("GET", path), Not(HasSubstr("secret"))) << path;
  }
  EXPECT_THAT(ask("GET", "/api/upstreams/nobody"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("GET", "/api/clients/nobody"), HasSubstr("there is no client named nobody"));
}

TEST_F(ManagementApi, StatusSaysWhatRunsSinceWhen) {
  start();
  const auto status = json("/api/status");
  EXPECT_EQ(status.at("config_loaded"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(status.at("shards"), 2);
  EXPECT_EQ(status.at("listeners").at(0).at("name"), "smpp_listener");
  EXPECT_GE(status.at("uptime_seconds").as_int64(), 61);
}

TEST_F(ManagementApi, NeedsThePasswordForAllButProbes) {
  options_.username = "admin";
  options_.password = "s3cret";
  start();
  EXPECT_THAT(ask("GET", "/livez"), StartsWith("HTTP/1.1 200 "));
  for (const char* path : {"/", "/metrics", "/stats", "/config", "/healthz", "/clusters", "/api/status", "/nothing"}) {
    const std::string answer = ask("GET", path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 ")) << path;
    EXPECT_THAT(answer, HasSubstr("\r\nWWW-Authenticate: Basic realm=\"smppd\""));
    EXPECT_THAT(ask("GET", path, "Authorization: Basic YWRtaW46czNjcmV0\r\n"), Not(StartsWith("HTTP/1.1 401 ")))
        << path;
  }
  EXPECT_THAT(ask("POST", "/config/reload"), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(ask("GET", "/metrics", "Authorization: Basic YWRtaW46czNjcmV0\r\n"),
              HasSubstr("smppd_admin_requests_refused_total{status=\"401\"} 9\n"));
}

TEST_F(ManagementApi, RefusesAForeignPageThatPostsAReload) {
  start();
  const std::string answer = ask("POST", "/config/reload", "Origin: https://evil.example\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(ask("GET", "/metrics"), HasSubstr("smppd_admin_requests_refused_total{status=\"403\"} 1\n"));
}

TEST_F(ManagementApi, ServesOnlyMetricsAndProbesOnTheMetricsPort) {
  options_.username = "admin";
  options_.password = "s3cret";
  options_.metrics_port = free_port();
  start();
  ASSERT_EQ(management_->metrics_port(), options_.metrics_port);
  TestClient client(management_->metrics_port());
  const std::string host = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  EXPECT_THAT(client.exchange("GET /metrics" + host), HasSubstr("smppd_upstream_health"));
  EXPECT_THAT(client.exchange("GET /readyz" + host), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(client.exchange("GET /config" + host), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(client.exchange("POST /config/reload" + host), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ManagementApi, AsksTheShardsOnceForAllWhoAskMeanwhile) {
  backend_.hold_collections = true;
  start();
  TestClient a(management_->port());
  TestClient b(management_->port());
  a.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (backend_.collections == 0) std::this_thread::yield();
  b.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ask("GET", "/livez");  // b's request was read before this one
  backend_.held_collections.at(0)(Collector{});
  EXPECT_THAT(a.response(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(b.response(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(backend_.collections, 1);
}

TEST_F(ManagementApi, OutlivesNoneOfItsCallers) {
  backend_.hold_collections = true;
  start();
  TestClient client(management_->port());
  client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (backend_.collections == 0) std::this_thread::yield();
  management_.reset();
  backend_.held_collections.at(0)(Collector{});
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(ManagementApi, ChangesThePasswordWithoutClosingConnections) {
  start();
  TestClient client(management_->port());
  const std::string request = "GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n";
  EXPECT_THAT(client.exchange(request), StartsWith("HTTP/1.1 200 "));
  options_.username = "admin";
  options_.password = "x";
  ASSERT_TRUE(management_->update(options_));
  EXPECT_THAT(client.exchange(request), StartsWith("HTTP/1.1 401 "));
}

TEST_F(ManagementApi, MovesToAnotherPortAndKeepsTheOldOneWhenTheNewOneIsTaken) {
  start();
  const std::uint16_t before = management_->port();
  auto other = Management::start(options_, backend_, receipts_, storekeeper_);
  ASSERT_TRUE(other);
  ManagementOptions taken = options_;
  taken.port = (*other)->port();
  const auto refused = management_->update(taken);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("Address already in use"));
  EXPECT_EQ(management_->port(), before);
  EXPECT_THAT(ask("GET", "/livez"), StartsWith("HTTP/1.1 200 "));

  taken.port = free_port();
  ASSERT_TRUE(management_->update(taken));
  EXPECT_EQ(management_->port(), taken.port);
  EXPECT_THAT(ask("GET", "/livez"), StartsWith("HTTP/1.1 200 "));
  while (TestClient(before).connected()) std::this_thread::yield();
}

TEST_F(ManagementApi, ListensNowhereWhenDisabled) {
  options_.enabled = false;
  start();
  EXPECT_EQ(management_->port(), 0);
  EXPECT_EQ(management_->metrics_port(), 0);
}

TEST(ManagementOptions, ComeFromTheConfiguration) {
  config::Config config;
  config.management.address = {"", 9090};
  config.management.auth_type = "basic";
  config.management.username = "u";
  config.management.password = "p";
  config.metrics.path = "/m";
  config.metrics.port = 9100;
  const auto options = ManagementOptions::from(config);
  EXPECT_EQ(options.address, "");
  EXPECT_EQ(options.port, 9090);
  EXPECT_EQ(options.username, "u");
  EXPECT_EQ(options.metrics_path, "/m");
  EXPECT_EQ(options.metrics_port, 9100);
}

store::StoreView shard_with(std::uint64_t waiting) {
  store::StoreView view;
  view.stats.items = waiting;
  view.queues.push_back({store::QueueView::Kind::kUpstream, "carrier", 7, 2, waiting, 1});
  view.queues.push_back({store::QueueView::Kind::kClient, "", 0xAB, 0, 3, 0});
  return view;
}

TEST_F(ManagementApi, AddsUpWhatWaitsOverTheShards) {
  start();
  storekeeper_.views = {shard_with(5), shard_with(6)};
  const auto stats = json("/store/stats").as_object();
  EXPECT_EQ(stats.at("total").at("items").as_int64(), 11);
  EXPECT_EQ(stats.at("shards").as_array().size(), 2U);
  const auto queue = stats.at("queues").as_array().at(0).as_object();
  EXPECT_EQ(queue.at("upstream").as_string(), "carrier");
  EXPECT_EQ(queue.at("waiting").as_int64(), 11);
  const auto inbox = stats.at("inboxes").as_array().at(0).as_object();
  EXPECT_TRUE(inbox.at("client").is_null());
  EXPECT_EQ(inbox.at("unknown").as_string(), "00000ab");
  EXPECT_EQ(inbox.at("waiting").as_int64(), 6);
}

TEST_F(ManagementApi, WithoutStorageSaysSoAndOrdersNothing) {
  start();
  EXPECT_EQ(json("/store/stats").at("storage").as_string(), "off");
  EXPECT_THAT(ask("DELETE", "/api/dead-letters/0102030405060708"), StartsWith("HTTP/1.1 409"));
  EXPECT_TRUE(storekeeper_.ordered.empty());
}

TEST_F(ManagementApi, OrdersAboutDeadLettersSayHowTheyEnded) {
  auto config = std::make_shared<config::Config>(*backend_.config);
  config->storage.enabled = true;
  backend_.config = config;
  start();
  EXPECT_THAT(ask("POST", "/api/dead-letters/0102030405060708/requeue"), HasSubstr("\"status\":\"queued\""));
  EXPECT_THAT(ask("DELETE", "/api/dead-letters/0102030405060708"), HasSubstr("\"status\":\"dropped\""));
  EXPECT_THAT(storekeeper_.ordered, testing::ElementsAre(std::pair(store::Order::kRequeue, 0x0102030405060708U),
                                                         std::pair(store::Order::kDrop, 0x0102030405060708U)));
  using enum store::OrderResult;
  for (const auto& [result, status] :
       {std::pair(kUnknown, "404"), std::pair(kNoRoom, "503"), std::pair(kNoRoute, "409"),
        std::pair(kUnreadable, "409"), std::pair(kFailed, "503")}) {
    storekeeper_.result = result;
    EXPECT_THAT(ask("POST", "/api/dead-letters/0102030405060708/requeue"),
                StartsWith(std::string("HTTP/1.1 ") + status));
  }
  storekeeper_.requeued = {3, 1, kNoRoom, true};
  const std::string stopped = ask("POST", "/api/dead-letters/requeue?reason=refused");
  EXPECT_THAT(stopped, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(stopped, HasSubstr("\"queued\":3"));
}

TEST_F(ManagementApi, AsksAfterAMessageByEveryNumberItsIdMayMean) {
  auto config = std::make_shared<config::Config>(*backend_.config);
  config->storage.enabled = true;
  backend_.config = config;
  start();
  EXPECT_THAT(ask("GET", "/api/messages/1234567890123456"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(storekeeper_.wanted, testing::ElementsAre(0x1234567890123456U, 1234567890123456U));
  EXPECT_THAT(ask("GET", "/api/messages/736d7070-6400-8000-8102-030405060708"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(storekeeper_.wanted, testing::ElementsAre(0x0102030405060708U));
}

}  // namespace
}  // namespace smppd::admin
