#include "admin/internal/views.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "telemetry/json_text.h"

namespace smppd::admin {
namespace {

namespace json = boost::json;

json::string text(std::string_view from) { return json::string(telemetry::valid_utf8(from)); }

std::string body_of(const json::value& value) { return json::serialize(value) + "\n"; }

json::string time_text(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return json::string(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                                  utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec));
}

std::int64_t seconds_since(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() - time).count();
}

json::value number(double value) {
  if (!std::isfinite(value)) return nullptr;
  constexpr double kExact = 9007199254740992.0;  // beyond 2^53 a double has no units
  if (value == std::floor(value) && std::abs(value) <= kExact) return static_cast<std::int64_t>(value);
  return value;
}

json::object histogram_object(const telemetry::Histogram& h) {
  const auto seconds = [](std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; };
  return {{"count", h.count()},
          {"sum_seconds", h.sum() / 1e9},
          {"p50", seconds(h.percentile(50))},
          {"p90", seconds(h.percentile(90))},
          {"p99", seconds(h.percentile(99))},
          {"p99.9", seconds(h.percentile(99.9))},
          {"max", seconds(h.max())}};
}

json::object stats_object(const Stats& stats) {
  json::object out;
  for (const auto& [name, stat] : stats) {
    if (stat.is_histogram) {
      out.emplace(name, histogram_object(stat.histogram));
    } else {
      out.emplace(name, number(stat.value));
    }
  }
  return out;
}

json::array strings(const std::vector<std::string>& from) {
  json::array out;
  for (const std::string& s : from) out.push_back(text(s));
  return out;
}

json::string address_text(const config::Endpoint& endpoint) {
  if (endpoint.host.find(':') != std::string::npos) return text(fmt::format("[{}]:{}", endpoint.host, endpoint.port));
  return text(fmt::format("{}:{}", endpoint.host, endpoint.port));
}

// Null until something has reported on the upstream.
json::value health_of(std::string_view upstream, const telemetry::Collector& collector) {
  json::value healthy;
  for (const telemetry::Sample& sample : collector.samples()) {
    if (std::string_view(sample.description->name) != "smppd_upstream_health") continue;
    for (const auto& [label, value] : sample.labels) {
      if (std::string_view(label) != "upstream" || value != upstream) continue;
      healthy = (healthy.is_bool() && healthy.get_bool()) || sample.value > 0;
    }
  }
  return healthy;
}

json::object upstream_object(const config::Upstream& upstream, const telemetry::Collector& collector) {
  json::array hosts;
  for (const config::Host& host : upstream.hosts) {
    hosts.push_back(
        json::object{{"address", address_text(host.address)}, {"weight", host.weight}, {"priority", host.priority}});
  }
  if (upstream.outbind) hosts.push_back(json::object{{"outbind", address_text(upstream.outbind->address)}});
  return {
      {"name", text(upstream.name)},       {"healthy", health_of(upstream.name, collector)},
      {"mock", upstream.mock.has_value()}, {"algorithm", text(upstream.algorithm)},
      {"hosts", std::move(hosts)},         {"stats", stats_object(stats_about(collector, "cluster", upstream.name))}};
}

json::object client_object(const config::Client& client, const telemetry::Collector& collector) {
  json::object tags;
  for (const auto& [key, value] : client.tags) tags[telemetry::valid_utf8(key)] = text(value);
  return {{"system_id", text(client.system_id)},
          {"tier", text(client.tier)},
          {"tags", std::move(tags)},
          {"upstream", text(client.upstream)},
          {"max_connections", client.max_connections},
          {"messages_per_second", client.rate_limit.messages_per_second},
          {"allowed_ips", strings(client.allowed_ips)},
          {"stats", stats_object(stats_about(collector, "client", client.system_id))}};
}

json::object route_object(const config::Route& route) {
  json::array upstreams;
  for (const config::WeightedUpstream& one : route.upstreams) {
    upstreams.push_back(json::object{{"upstream", text(one.upstream)}, {"weight", one.weight}});
  }
  json::object out{{"name", text(route.name)}, {"priority", route.priority}, {"line", route.mark.line}};
  if (!upstreams.empty()) out["upstreams"] = std::move(upstreams);
  if (route.balance != "weight") out["balance"] = text(route.balance);
  if (!route.failover.empty()) out["failover"] = strings(route.failover);
  if (!route.table.empty()) out["table"] = text(route.table);
  if (route.response) out["response_status"] = route.response->status;
  return out;
}

json::array diagnostics_array(const std::vector<config::Diagnostic>& diagnostics) {
  json::array out;
  for (const config::Diagnostic& d : diagnostics) {
    out.push_back(json::object{{"severity", d.severity == config::Diagnostic::Severity::kError ? "error" : "warning"},
                               {"file", text(d.file)},
                               {"line", d.line},
                               {"column", d.column},
                               {"path", text(d.path)},
                               {"message", text(d.message)}});
  }
  return out;
}

}  // namespace

std::string stats_json(const Stats& stats) { return body_of(json::object{{"stats", stats_object(stats)}}); }

std::string probe_json(const Health& health) {
  return body_of(json::object{{"status", health.ok ? "ok" : "unavailable"}, {"reasons", strings(health.reasons)}});
}

std::string health_json(const Health& live, const Health& ready, const Status& status,
                        const telemetry::Collector& collector) {
  json::object upstreams;
  bool all_healthy = true;
  for (const config::Upstream& upstream : status.config->upstreams) {
    const json::value healthy = health_of(upstream.name, collector);
    all_healthy = all_healthy && (!healthy.is_bool() || healthy.get_bool());
    upstreams[telemetry::valid_utf8(upstream.name)] = json::object{{"healthy", healthy}};
  }
  const bool serving = live.ok && ready.ok;
  json::array reasons = strings(live.reasons);
  for (const json::value& reason : strings(ready.reasons)) reasons.push_back(reason);
  return body_of(json::object{{"status", !serving      ? "unavailable"
                                         : all_healthy ? "ok"
                                                       : "degraded"},
                              {"live", live.ok},
                              {"ready", ready.ok},
                              {"reasons", std::move(reasons)},
                              {"draining", status.draining},
                              {"version", text(status.version)},
                              {"uptime_seconds", seconds_since(status.started)},
                              {"upstreams", std::move(upstreams)}});
}

std::string status_json(const Status& status, const Health& ready) {
  const config::Config& config = *status.config;
  json::array listeners;
  for (const config::Listener& listener : config.listeners) {
    listeners.push_back(json::object{{"name", text(listener.name)},
                                     {"type", text(listener.type)},
                                     {"address", address_text(listener.address)},
                                     {"max_connections", listener.max_connections}});
  }
  return body_of(json::object{{"version", text(status.version)},
                              {"started", time_text(status.started)},
                              {"uptime_seconds", seconds_since(status.started)},
                              {"shards", status.shards},
                              {"ready", ready.ok},
                              {"reasons", strings(ready.reasons)},
                              {"draining", status.draining},
                              {"config_file", text(config.file)},
                              {"config_loaded", time_text(status.config_loaded)},
                              {"config_warnings", strings(config.warnings)},
                              {"listeners", std::move(listeners)},
                              {"upstreams", config.upstreams.size()},
                              {"routes", config.routes.size()},
                              {"clients", config.clients.size()}});
}

std::string upstreams_json(const config::Config& config, const telemetry::Collector& collector) {
  json::array out;
  for (const config::Upstream& upstream : config.upstreams) out.push_back(upstream_object(upstream, collector));
  return body_of(json::object{{"upstreams", std::move(out)}});
}

std::string clients_json(const config::Config& config, const telemetry::Collector& collector) {
  json::array out;
  for (const config::Client& client : config.clients) out.push_back(client_object(client, collector));
  return body_of(json::object{{"clients", std::move(out)}});
}

std::string routes_json(const config::Config& config) {
  std::vector<const config::Route*> order;
  order.reserve(config.routes.size());
  for (const config::Route& route : config.routes) order.push_back(&route);
  std::ranges::sort(order, {}, [](const config::Route* route) { return std::pair(route->priority, route); });
  json::array out;
  for (const config::Route* route : order) out.push_back(route_object(*route));
  return body_of(json::object{{"routes", std::move(out)}});
}

std::optional<std::string> upstream_json(const config::Config& config, std::string_view name,
                                         const telemetry::Collector& collector) {
  const auto found = std::ranges::find(config.upstreams, name, &config::Upstream::name);
  if (found == config.upstreams.end()) return std::nullopt;
  return body_of(upstream_object(*found, collector));
}

std::optional<std::string> client_json(const config::Config& config, std::string_view system_id,
                                       const telemetry::Collector& collector) {
  const auto found = std::ranges::find(config.clients, system_id, &config::Client::system_id);
  if (found == config.clients.end()) return std::nullopt;
  return body_of(client_object(*found, collector));
}

std::string reload_json(const ReloadOutcome& outcome) {
  json::object out;
  if (outcome.applied) {
    out["status"] = "reloaded";
    out["summary"] = text(outcome.summary);
  } else {
    out["error"] = text(outcome.summary.empty() ? "the configuration has errors" : outcome.summary);
    out["hint"] = "correct what the diagnostics name and try again; the former configuration stays in force";
  }
  out["diagnostics"] = diagnostics_array(outcome.diagnostics);
  return body_of(out);
}

}  // namespace smppd::admin
