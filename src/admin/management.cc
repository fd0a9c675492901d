#include "admin/management.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>

#include "admin/internal/feedback_view.h"
#include "admin/internal/guard.h"
#include "admin/internal/process_metrics.h"
#include "admin/internal/receipt_views.h"
#include "admin/internal/stats.h"
#include "admin/internal/store_routes.h"
#include "admin/internal/views.h"
#include "http/router.h"
#include "http/server.h"
#include "http/url.h"
#include "telemetry/log.h"

namespace smppd::admin {
namespace {

using http::Reply;
using http::Request;
using http::Response;
using telemetry::Collector;
using telemetry::MetricKind;

constexpr telemetry::Logger kLog{"admin"};
constexpr auto kReplyTimeout = std::chrono::seconds(30);
constexpr std::size_t kMostUnmatched = 1'000;  // in one answer
constexpr telemetry::MetricDescription kRefused{"smppd_admin_requests_refused_total", MetricKind::kCounter,
                                                "Management requests refused, by status: 401 or 403."};
constexpr telemetry::MetricDescription kReloads{"smppd_admin_reloads_total", MetricKind::kCounter,
                                                "Reloads asked for over HTTP, by result."};
constexpr telemetry::MetricDescription kBuild{"smppd_build_info", MetricKind::kGauge, "1; the version is a label."};
constexpr telemetry::MetricDescription kUptime{"smppd_uptime_seconds", MetricKind::kGauge, "Seconds since the start."};

constexpr std::string_view kIndex =
    R"({"endpoints":["GET /livez","GET /readyz","GET /healthz","GET /metrics","GET /stats?format=json|text",)"
    R"("GET /config?format=yaml|json","POST /config/reload","GET /clusters","GET /feedback/stats?format=json|text","GET /api/status","GET /api/upstreams",)"
    R"("GET /api/upstreams/NAME","GET /api/clients","GET /api/clients/SYSTEM_ID","GET /api/routes",)"
    R"("POST /api/config/reload","GET /api/receipts/formats","GET /api/receipts/unmatched?upstream=&limit=",)"
    R"("POST /api/receipts/unmatched/replay?upstream=",)"
    R"("GET /store/stats","GET /api/dead-letters","POST /api/dead-letters/ID/requeue",)"
    R"("POST /api/dead-letters/requeue","DELETE /api/dead-letters/ID","GET /api/messages/ID"]})"
    "\n";

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response text_response(std::string body, std::string content_type) {
  Response response;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  return response;
}

Response not_found(std::string_view kind, const std::string& name, std::string_view list) {
  return http::error_response(404, "there is no " + std::string(kind) + " named " + name,
                              std::string(list) + " lists what there is");
}

bool same_listener(const ManagementOptions& a, const ManagementOptions& b) {
  return a.enabled == b.enabled && a.address == b.address && a.port == b.port;
}

bool same_metrics_listener(const ManagementOptions& a, const ManagementOptions& b) {
  return a.metrics == b.metrics && a.address == b.address && a.metrics_port == b.metrics_port;
}

}  // namespace

ManagementOptions ManagementOptions::from(const config::Config& config) {
  ManagementOptions options;
  options.enabled = config.management.enabled;
  options.address = config.management.address.host;
  options.port = config.management.address.port;
  if (config.management.auth_type == "basic") {
    options.username = config.management.username;
    options.password = config.management.password;
  }
  options.metrics = config.metrics.enabled;
  options.metrics_path = config.metrics.path;
  options.metrics_port = config.metrics.port;
  return options;
}

// Routers are built once; what a reload may change is read through `options` under the mutex.
struct Management::State : std::enable_shared_from_this<State> {
  using Listener = std::unique_ptr<http::Server>;
  using Collected = std::function<void(const Collector&)>;

  State(ManagementOptions o, Backend& b, ReceiptBackend& r, Storekeeper& s)
      : backend(b), receipts(r), storekeeper(s), options(std::move(o)) {}

  void build_routes();
  void add_views();
  void add_receipt_routes();
  [[nodiscard]] std::optional<Response> no_such_upstream(const std::string& name);
  void handle(Request request, bool on_metrics_port, const Reply& reply);
  void refuse(const Request& request, Response response, const Reply& reply);
  [[nodiscard]] ManagementOptions current() {
    const std::lock_guard lock(mutex);
    return options;
  }

  Fallible<Listener> listen(const ManagementOptions& wanted, bool metrics_only);
  void when_collected(Collected use);
  void hand_out(Collector collected);
  void on_http_thread(std::function<void()> work);
  void collect_own(Collector& collector);

  void probe(const Health& health, const Reply& reply) const;
  void metrics(const Reply& reply);
  void stats(const Request& request, const Reply& reply);
  void feedback(const Request& request, const Reply& reply);
  void health(const Reply& reply);
  void config_dump(const Request& request, const Reply& reply);
  void reload(const Reply& reply);

  Backend& backend;
  ReceiptBackend& receipts;
  Storekeeper& storekeeper;
  http::Router router;

  std::mutex mutex;
  ManagementOptions options;
  Listener main;          // written by the control thread under the mutex
  Listener metrics_only;  // likewise
  std::vector<Listener> retired;
  std::vector<Collected> waiting;  // for the collection under way
  std::chrono::steady_clock::time_point collecting_since;

  std::atomic<bool> reloading{false};
  std::atomic<std::uint64_t> unauthorised{0}, forbidden{0}, reloads_applied{0}, reloads_refused{0};
  telemetry::LogLimit refusals_logged;  // under the mutex
};

void Management::State::build_routes() {
  router.add_sync("GET", "/", [](const Request&) { return json_response(200, std::string(kIndex)); });
  router.add("GET", "/livez", [this](const Request&, const Reply& reply) { probe(backend.liveness(), reply); });
  router.add("GET", "/readyz", [this](const Request&, const Reply& reply) { probe(backend.readiness(), reply); });
  router.add("GET", "/healthz", [this](const Request&, const Reply& reply) { health(reply); });
  router.add("GET", "/stats", [this](const Request& request, const Reply& reply) { stats(request, reply); });
  router.add("GET", "/config", [this](const Request& request, const Reply& reply) { config_dump(request, reply); });
  for (const char* path : {"/config/reload", "/api/config/reload"}) {
    router.add("POST", path, [this](const Request&, const Reply& reply) { reload(reply); });
  }
  router.add_sync("GET", "/api/status", [this](const Request&) {
    return json_response(200, status_json(backend.status(), backend.readiness()));
  });
  add_views();
  add_receipt_routes();
  add_store_routes(router, backend, storekeeper, [weak = weak_from_this()](std::function<void()> work) {
    if (const auto state = weak.lock()) state->on_http_thread(std::move(work));
  });
}

void Management::State::add_views() {
  router.add("GET", "/feedback/stats",
             [this](const Request& request, const Reply& reply) { feedback(request, reply); });
  for (const char* path : {"/clusters", "/api/upstreams"}) {
    router.add("GET", path, [this](const Request&, const Reply& reply) {
      when_collected([this, reply](const Collector& collected) {
        reply(json_response(200, upstreams_json(*backend.status().config, collected)));
      });
    });
  }
  router.add("GET", "/api/upstreams/{}", [this](const Request& request, const Reply& reply) {
    when_collected([this, reply, name = request.parameters.at(0)](const Collector& collected) {
      auto view = upstream_json(*backend.status().config, name, collected);
      reply(view ? json_response(200, std::move(*view)) : not_found("upstream", name, "/api/upstreams"));
    });
  });
  router.add("GET", "/api/clients", [this](const Request&, const Reply& reply) {
    when_collected([this, reply](const Collector& collected) {
      reply(json_response(200, clients_json(*backend.status().config, collected)));
    });
  });
  router.add("GET", "/api/clients/{}", [this](const Request& request, const Reply& reply) {
    when_collected([this, reply, name = request.parameters.at(0)](const Collector& collected) {
      auto view = client_json(*backend.status().config, name, collected);
      reply(view ? json_response(200, std::move(*view)) : not_found("client", name, "/api/clients"));
    });
  });
  router.add_sync("GET", "/api/routes",
                  [this](const Request&) { return json_response(200, routes_json(*backend.status().config)); });
}

std::optional<Response> Management::State::no_such_upstream(const std::string& name) {
  const auto config = backend.status().config;
  const bool known = std::ranges::find(config->upstreams, name, &config::Upstream::name) != config->upstreams.end();
  if (known || name.empty()) return std::nullopt;
  return not_found("upstream", name, "/api/upstreams");
}

void Management::State::add_receipt_routes() {
  router.add("GET", "/api/receipts/formats", [this](const Request&, const Reply& reply) {
    receipts.receipt_formats(
        [reply](std::vector<ReceiptFormat> formats) { reply(json_response(200, formats_json(std::move(formats)))); });
  });
  router.add("GET", "/api/receipts/unmatched", [this](const Request& request, const Reply& reply) {
    const std::string upstream = http::query_value(request.query, "upstream").value_or("");
    if (auto refused = no_such_upstream(upstream)) return reply(std::move(*refused));
    const std::string text = http::query_value(request.query, "limit").value_or("100");
    std::size_t limit = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (status != std::errc{} || end != text.data() + text.size() || limit == 0 || limit > kMostUnmatched) {
      return reply(http::error_response(400, "limit=" + text + " is no number of receipts",
                                        "use 1 to " + std::to_string(kMostUnmatched)));
    }
    receipts.unmatched_receipts(upstream, limit, [reply](const UnmatchedReceipts& unmatched) {
      reply(json_response(200, unmatched_json(unmatched)));
    });
  });
  router.add("POST", "/api/receipts/unmatched/replay", [this](const Request& request, const Reply& reply) {
    const std::string upstream = http::query_value(request.query, "upstream").value_or("");
    if (auto refused = no_such_upstream(upstream)) return reply(std::move(*refused));
    receipts.replay_receipts(
        upstream, [reply](const ReplayOutcome& outcome) { reply(json_response(200, replay_json(outcome))); });
  });
}

void Management::State::handle(Request request, bool on_metrics_port, const Reply& reply) {
  const ManagementOptions now = current();
  const bool probe = request.path == "/livez" || request.path == "/readyz";
  const bool metrics_asked = now.metrics && request.path == now.metrics_path;
  if (on_metrics_port && !probe && !metrics_asked) {
    return reply(http::error_response(404, "this port serves metrics and probes only", "ask management.address"));
  }
  // Who sets a port of its own for metrics wants them scraped there; elsewhere they need the password if there is one.
  const bool open = probe || (metrics_asked && (on_metrics_port || now.username.empty()));
  if (auto refused = refusal(request, {now.username, now.password}, open)) {
    return refuse(request, std::move(*refused), reply);
  }
  const Reply uncached = [reply](Response response) {
    response.headers.emplace_back("Cache-Control", "no-store");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    reply(std::move(response));
  };
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (metrics_asked && reads) return metrics(uncached);
  router(std::move(request), uncached);
}

void Management::State::refuse(const Request& request, Response response, const Reply& reply) {
  ++(response.status == 401 ? unauthorised : forbidden);
  std::unique_lock lock(mutex);
  std::uint64_t suppressed = 0;
  const bool log = refusals_logged.allow(std::chrono::steady_clock::now(), suppressed);
  lock.unlock();
  if (log) {
    kLog.warn("refused a management request", {{"peer", request.peer.address},
                                               {"method", request.method},
                                               {"path", request.path},
                                               {"status", response.status},
                                               {"suppressed", suppressed}});
  }
  reply(std::move(response));
}

Fallible<Management::State::Listener> Management::State::listen(const ManagementOptions& wanted, bool only_metrics) {
  http::ServerOptions server;
  server.name = only_metrics ? "metrics" : "management";
  server.address_option = only_metrics ? "metrics.port" : "management.address";
  server.address = wanted.address;
  server.port = only_metrics ? wanted.metrics_port : wanted.port;
  server.reply_timeout = kReplyTimeout;
  server.max_body = 64 * 1024;
  return http::Server::start(std::move(server),
                             [weak = weak_from_this(), only_metrics](Request request, const Reply& reply) {
                               const auto state = weak.lock();
                               if (state == nullptr) return;
                               state->handle(std::move(request), only_metrics, reply);
                             });
}

// One collection serves everyone who asks while it is under way; one that never ended is given up when its clients were
// told so. `use` runs on a listener's thread.
void Management::State::when_collected(Collected use) {
  {
    const std::lock_guard lock(mutex);
    const auto now = std::chrono::steady_clock::now();
    const bool under_way = !waiting.empty() && now - collecting_since < kReplyTimeout;
    if (!under_way) waiting.clear();
    waiting.push_back(std::move(use));
    if (under_way) return;
    collecting_since = now;
  }
  backend.collect([weak = weak_from_this()](Collector collected) {
    if (const auto state = weak.lock()) state->hand_out(std::move(collected));
  });
}

void Management::State::hand_out(Collector collected) {
  const std::lock_guard lock(mutex);
  http::Server* server = main != nullptr ? main.get() : metrics_only.get();
  std::vector<Collected> uses = std::exchange(waiting, {});
  if (server == nullptr) return;
  server->post(
      [weak = weak_from_this(), uses = std::move(uses), shared = std::make_shared<Collector>(std::move(collected))] {
        const auto state = weak.lock();
        if (state == nullptr) return;
        state->collect_own(*shared);
        for (const Collected& use : uses) use(*shared);
      });
}

void Management::State::on_http_thread(std::function<void()> work) {
  const std::lock_guard lock(mutex);
  if (main != nullptr) main->post(std::move(work));
}

void Management::State::collect_own(Collector& collector) {
  const auto read = [](const std::atomic<std::uint64_t>& counter) { return static_cast<double>(counter.load()); };
  const Status status = backend.status();
  collector.add(kBuild, 1, {{"version", status.version}});
  const auto uptime = std::chrono::system_clock::now() - status.started;
  collector.add(kUptime, std::chrono::duration<double>(uptime).count());
  collector.add(kRefused, read(unauthorised), {{"status", "401"}});
  collector.add(kRefused, read(forbidden), {{"status", "403"}});
  collector.add(kReloads, read(reloads_applied), {{"result", "applied"}});
  collector.add(kReloads, read(reloads_refused), {{"result", "refused"}});
  collect_process(collector);
  telemetry::collect_logging(collector);
  const std::lock_guard lock(mutex);
  for (const Listener* listener : {&main, &metrics_only}) {
    if (*listener != nullptr) (*listener)->collect(collector);
  }
}

void Management::State::probe(const Health& health, const Reply& reply) const {
  reply(json_response(health.ok ? 200 : 503, probe_json(health)));
}

void Management::State::metrics(const Reply& reply) {
  when_collected([reply](const Collector& collected) {
    reply(text_response(prometheus_text(collected), "text/plain; version=0.0.4; charset=utf-8"));
  });
}

void Management::State::stats(const Request& request, const Reply& reply) {
  const std::string format = http::query_value(request.query, "format").value_or("json");
  if (format != "json" && format != "text") {
    return reply(http::error_response(400, "unknown format " + format, "use format=json or format=text"));
  }
  when_collected([reply, format](const Collector& collected) {
    const Stats all = stats_of(collected);
    reply(format == "json" ? json_response(200, stats_json(all))
                           : text_response(to_text(all), "text/plain; charset=utf-8"));
  });
}

void Management::State::feedback(const Request& request, const Reply& reply) {
  const std::string format = http::query_value(request.query, "format").value_or("json");
  if (format != "json" && format != "text") {
    return reply(http::error_response(400, "unknown format " + format, "use format=json or format=text"));
  }
  when_collected([this, reply, format](const Collector& collected) {
    const config::ConfigPtr config = backend.status().config;
    reply(format == "json" ? json_response(200, feedback_json(*config, collected))
                           : text_response(feedback_text(*config, collected), "text/plain; charset=utf-8"));
  });
}

void Management::State::health(const Reply& reply) {
  when_collected([this, reply](const Collector& collected) {
    const Health live = backend.liveness();
    const Health ready = backend.readiness();
    reply(json_response(live.ok && ready.ok ? 200 : 503, health_json(live, ready, backend.status(), collected)));
  });
}

void Management::State::config_dump(const Request& request, const Reply& reply) {
  const std::string format = http::query_value(request.query, "format").value_or("yaml");
  if (format == "yaml") {
    return reply(text_response(backend.config_dump(config::Format::kYaml), "application/yaml; charset=utf-8"));
  }
  if (format == "json") return reply(json_response(200, backend.config_dump(config::Format::kJson)));
  reply(http::error_response(400, "unknown format " + format, "use format=yaml or format=json"));
}

void Management::State::reload(const Reply& reply) {
  if (reloading.exchange(true)) {
    return reply(http::error_response(409, "a reload is under way", "ask again when it has ended"));
  }
  // The flag falls with the last copy of the callback, called or not.
  const std::shared_ptr<void> ended(nullptr, [weak = weak_from_this()](std::nullptr_t) {
    if (const auto state = weak.lock()) state->reloading = false;
  });
  backend.reload([weak = weak_from_this(), reply, ended](const ReloadOutcome& outcome) {
    if (const auto state = weak.lock()) ++(outcome.applied ? state->reloads_applied : state->reloads_refused);
    reply(json_response(outcome.applied ? 200 : 400, reload_json(outcome)));
  });
}

Management::Management(std::shared_ptr<State> state) : state_(std::move(state)) {}

Management::~Management() {
  for (const auto* listener : {&state_->main, &state_->metrics_only}) {
    if (*listener != nullptr) (*listener)->stop();
  }
  for (const auto& listener : state_->retired) listener->stop();
}

Fallible<std::unique_ptr<Management>> Management::start(const ManagementOptions& options, Backend& backend,
                                                        ReceiptBackend& receipts, Storekeeper& storekeeper) {
  ManagementOptions nothing;
  nothing.enabled = false;
  nothing.metrics = false;
  auto state = std::make_shared<State>(nothing, backend, receipts, storekeeper);
  state->build_routes();
  std::unique_ptr<Management> management(new Management(std::move(state)));
  if (auto listening = management->update(options); !listening) return std::unexpected(listening.error());
  return management;
}

Fallible<void> Management::update(const ManagementOptions& options) {
  State& state = *state_;
  const ManagementOptions before = state.current();
  const bool replace_main = !same_listener(before, options);
  const bool replace_metrics = !same_metrics_listener(before, options);
  Fallible<State::Listener> main;
  Fallible<State::Listener> metrics;
  if (replace_main && options.enabled) main = state.listen(options, false);
  if (!main) return std::unexpected(main.error());
  if (replace_metrics && options.metrics && options.metrics_port != 0) metrics = state.listen(options, true);
  if (!metrics) return std::unexpected(metrics.error());

  const std::lock_guard lock(state.mutex);
  state.options = options;
  const auto replace = [&](State::Listener& current, State::Listener next) {
    if (current != nullptr) {
      current->begin_stop();
      state.retired.push_back(std::move(current));
    }
    current = std::move(next);
  };
  if (replace_main) replace(state.main, std::move(*main));
  if (replace_metrics) replace(state.metrics_only, std::move(*metrics));
  return {};
}

std::uint16_t Management::port() const noexcept { return state_->main == nullptr ? 0 : state_->main->port(); }

std::uint16_t Management::metrics_port() const noexcept {
  return state_->metrics_only == nullptr ? 0 : state_->metrics_only->port();
}

}  // namespace smppd::admin
