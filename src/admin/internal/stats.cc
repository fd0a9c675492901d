#include "admin/internal/stats.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "telemetry/json_text.h"

namespace smppd::admin {
namespace {

using telemetry::Sample;

struct WellKnown {
  std::string_view metric;
  std::string_view dotted;  // {label} stands for that label's value
};
constexpr WellKnown kWellKnown[] = {
    {"smppd_connection_active", "listener.{listener}.downstream_cx_active"},
    {"smppd_downstream_connections_total", "listener.{listener}.downstream_cx_total"},
    {"smppd_upstream_connections_total", "cluster.{upstream}.upstream_cx_total"},
    {"smppd_upstream_connections_active", "cluster.{upstream}.upstream_cx_active"},
    {"smppd_upstream_requests_total", "cluster.{upstream}.upstream_rq_total"},
    {"smppd_upstream_timeouts_total", "cluster.{upstream}.upstream_rq_timeout"},
    {"smppd_upstream_health_checks_total", "cluster.{upstream}.health_check.{result}"},
    {"smppd_endpoint_requests_total", "cluster.{cluster}.endpoint.{endpoint}.rq_total"},
    {"smppd_endpoint_responses_total", "cluster.{cluster}.endpoint.{endpoint}.rq_{result}"},
    {"smppd_endpoint_latency_seconds", "cluster.{cluster}.endpoint.{endpoint}.rq_time"},
};

// Labels that place a metric in the hierarchy, outermost first, with the word they have there.
struct Scope {
  std::string_view label;
  std::string_view word;
};
constexpr Scope kScopes[] = {{"listener", "listener"}, {"upstream", "cluster"}, {"cluster", "cluster"},
                             {"endpoint", "endpoint"}, {"host", "endpoint"},    {"client", "client"}};

const std::string* label_of(const Sample& sample, std::string_view name) {
  for (const auto& [key, value] : sample.labels) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<std::string> fill_in(std::string_view pattern, const Sample& sample) {
  std::string out = "smppd.";
  while (true) {
    const std::size_t open = pattern.find('{');
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) return out;
    const std::size_t close = pattern.find('}', open);
    const std::string* value = label_of(sample, pattern.substr(open + 1, close - open - 1));
    if (value == nullptr || value->empty()) return std::nullopt;
    out += *value;
    pattern.remove_prefix(close + 1);
  }
}

std::string derived(const Sample& sample) {
  std::string out = "smppd";
  const auto is_scope = [](std::string_view label) {
    return std::ranges::any_of(kScopes, [&](const Scope& scope) { return scope.label == label; });
  };
  for (const Scope& scope : kScopes) {
    const std::string* value = label_of(sample, scope.label);
    if (value != nullptr && !value->empty()) fmt::format_to(std::back_inserter(out), ".{}.{}", scope.word, *value);
  }
  std::string_view name = sample.description->name;
  if (name.starts_with("smppd_")) name.remove_prefix(6);
  if (name.ends_with("_total")) name.remove_suffix(6);
  out += '.';
  out += name;
  for (const auto& [label, value] : sample.labels) {
    if (!is_scope(label) && !value.empty()) out += "." + value;
  }
  return out;
}

void add_to(Stats& stats, std::string_view name, const Sample& sample) {
  Stat& stat = stats[telemetry::valid_utf8(name)];
  if (sample.description->kind == telemetry::MetricKind::kHistogram) {
    stat.is_histogram = true;
    stat.histogram.merge(sample.histogram);
  } else {
    stat.value += sample.value;
  }
}

void append_number(std::string& out, double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(value));
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

}  // namespace

std::string dotted_name(const Sample& sample) {
  for (const WellKnown& row : kWellKnown) {
    if (row.metric != sample.description->name) continue;
    if (auto name = fill_in(row.dotted, sample)) return *name;
  }
  return derived(sample);
}

Stats stats_of(const telemetry::Collector& collector) {
  Stats stats;
  for (const Sample& sample : collector.samples()) add_to(stats, dotted_name(sample), sample);
  return stats;
}

Stats stats_about(const telemetry::Collector& collector, std::string_view scope, std::string_view value) {
  Stats stats;
  for (const Sample& sample : collector.samples()) {
    const bool concerned = std::ranges::any_of(kScopes, [&](const Scope& s) {
      const std::string* found = s.word == scope ? label_of(sample, s.label) : nullptr;
      return found != nullptr && *found == value;
    });
    if (!concerned) continue;
    const std::string name = dotted_name(sample);
    const std::string prefix = fmt::format(".{}.{}.", scope, value);
    const std::size_t at = name.find(prefix);
    add_to(stats, at == std::string::npos ? name : name.substr(at + prefix.size()), sample);
  }
  return stats;
}

std::string to_text(const Stats& stats) {
  std::string out;
  const auto seconds = [](std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; };
  for (const auto& [name, stat] : stats) {
    std::string line;
    telemetry::append_json_string(line, name);
    out += std::string_view(line).substr(1, line.size() - 2);
    if (stat.is_histogram) {
      const auto& h = stat.histogram;
      const double mean = h.count() == 0 ? 0 : h.sum() / static_cast<double>(h.count()) / 1e9;
      fmt::format_to(std::back_inserter(out),
                     ": count={} mean={:.9g} p50={:.9g} p90={:.9g} p99={:.9g} p99.9={:.9g} max={:.9g}\n", h.count(),
                     mean, seconds(h.percentile(50)), seconds(h.percentile(90)), seconds(h.percentile(99)),
                     seconds(h.percentile(99.9)), seconds(h.max()));
    } else {
      out += ": ";
      append_number(out, stat.value);
      out += '\n';
    }
  }
  return out;
}

}  // namespace smppd::admin
