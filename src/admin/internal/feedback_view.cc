#include "admin/internal/feedback_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "telemetry/json_text.h"

namespace smppd::admin {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> kOutcomes = {"accepted",  "refused",     "busy",   "uncertain",
                                                       "delivered", "undelivered", "expired"};
constexpr std::size_t kReports = 4;  // the first that receipts tell

// Of a party and a prefix; "*" is all of them.
struct Row {
  std::array<double, kOutcomes.size()> recent{};
  std::array<double, kOutcomes.size()> total{};
  double score = 1, per_second = 0, latency = 0, delay = 0;

  [[nodiscard]] double part(std::size_t outcome) const {
    const std::size_t first = outcome < kReports ? 0 : kReports;
    const std::size_t end = outcome < kReports ? kReports : kOutcomes.size();
    double sum = 0;
    for (std::size_t i = first; i < end; ++i) sum += recent[i];
    return sum > 0 ? recent[outcome] / sum : 0;
  }
};

// Ordered so that the whole comes before its hosts, and all prefixes together before each.
struct Table {
  bool on = false;
  double entries = 0, evicted = 0;
  std::map<std::string, std::map<std::string, std::map<std::string, Row>>> rows;  // upstream, endpoint, prefix
  std::map<std::string, double> per_second;                                       // by prefix, of all upstreams

  [[nodiscard]] double share(const std::string& upstream, const std::string& endpoint, const std::string& prefix,
                             const Row& row) const {
    double all = 0;
    if (endpoint == "*") {
      const auto found = per_second.find(prefix);
      all = found == per_second.end() ? 0 : found->second;
    } else if (const auto whole = rows.at(upstream).find("*"); whole != rows.at(upstream).end()) {
      const auto found = whole->second.find(prefix);
      all = found == whole->second.end() ? 0 : found->second.per_second;
    }
    return all > 0 ? row.per_second / all : 0;
  }
};

std::string label(const telemetry::Sample& sample, std::string_view name) {
  for (const auto& [key, value] : sample.labels) {
    if (std::string_view(key) == name) return value;
  }
  return "*";
}

void take(Table& table, const telemetry::Sample& sample, std::string_view what) {
  if (what == "entries" || what == "evicted_total") {
    // Each shard remembers the same.
    double& count = what == "entries" ? table.entries : table.evicted;
    count = std::max(count, sample.value);
    table.on = true;
    return;
  }
  const std::string prefix = label(sample, "prefix");
  Row& row = table.rows[label(sample, "upstream")][label(sample, "endpoint")][prefix];
  const auto outcome =
      static_cast<std::size_t>(std::ranges::find(kOutcomes, label(sample, "outcome")) - kOutcomes.begin());
  if (what == "score") row.score = sample.value;
  if (what == "messages_per_second") {
    row.per_second = sample.value;
    if (label(sample, "endpoint") == "*") table.per_second[prefix] += sample.value;
  }
  if (what == "latency_seconds") row.latency = sample.value;
  if (what == "receipt_delay_seconds") row.delay = sample.value;
  if (what == "recent_messages" && outcome < kOutcomes.size()) row.recent[outcome] = sample.value;
  if (what == "outcomes_total" && outcome < kOutcomes.size()) row.total[outcome] += sample.value;
}

Table table_of(const telemetry::Collector& collector) {
  constexpr std::string_view kOurs = "smppd_feedback_";
  Table table;
  for (const telemetry::Sample& sample : collector.samples()) {
    const std::string_view name = sample.description->name;
    if (name.starts_with(kOurs)) take(table, sample, name.substr(kOurs.size()));
  }
  // What is counted by host is the upstream's as well.
  for (auto& [upstream, endpoints] : table.rows) {
    Row& whole = endpoints["*"]["*"];
    for (auto& [endpoint, prefixes] : endpoints) {
      if (endpoint == "*") continue;
      for (std::size_t i = 0; i < kOutcomes.size(); ++i) whole.total[i] += prefixes["*"].total[i];
    }
  }
  return table;
}

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

json::object row_object(const Row& row, double share, bool with_totals) {
  json::object recent, rates, total;
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    recent.emplace(kOutcomes[i], rounded(row.recent[i]));
    rates.emplace(kOutcomes[i], rounded(row.part(i)));
    total.emplace(kOutcomes[i], static_cast<std::int64_t>(row.total[i]));
  }
  json::object out{{"score", rounded(row.score)},
                   {"share", rounded(share)},
                   {"messages_per_second", rounded(row.per_second)},
                   {"latency_seconds", row.latency},
                   {"receipt_delay_seconds", row.delay},
                   {"recent", std::move(recent)},
                   {"rates", std::move(rates)}};
  if (with_totals) out.emplace("total", std::move(total));
  return out;
}

json::object endpoint_object(const Table& table, const std::string& upstream, const std::string& endpoint) {
  const auto& prefixes = table.rows.at(upstream).at(endpoint);
  json::object out;
  json::array by_prefix;
  for (const auto& [prefix, row] : prefixes) {
    json::object one = row_object(row, table.share(upstream, endpoint, prefix, row), prefix == "*");
    if (prefix == "*") {
      out = std::move(one);
    } else {
      one.emplace("prefix", prefix);
      by_prefix.push_back(std::move(one));
    }
  }
  out.emplace("prefixes", std::move(by_prefix));
  return out;
}

json::object settings(const config::Feedback& feedback) {
  return {{"half_life_seconds", std::chrono::duration<double>(feedback.half_life).count()},
          {"explore", feedback.explore},
          {"tolerance", feedback.tolerance},
          {"prior", feedback.prior},
          {"memory", feedback.memory},
          {"prefix_digits", feedback.prefix_digits},
          {"max_entries", feedback.max_entries},
          {"shown_prefixes", feedback.shown_prefixes}};
}

}  // namespace

std::string feedback_json(const config::Config& config, const telemetry::Collector& collector) {
  const Table table = table_of(collector);
  json::array upstreams;
  for (const config::Upstream& upstream : config.upstreams) {
    const auto found = table.rows.find(upstream.name);
    if (found == table.rows.end()) continue;
    json::object out = endpoint_object(table, upstream.name, "*");
    out.emplace("name", telemetry::valid_utf8(upstream.name));
    out.emplace("algorithm", upstream.algorithm);
    json::array hosts;
    for (const auto& [endpoint, prefixes] : found->second) {
      if (endpoint == "*") continue;
      json::object host = endpoint_object(table, upstream.name, endpoint);
      host.emplace("host", telemetry::valid_utf8(endpoint));
      hosts.push_back(std::move(host));
    }
    out.emplace("hosts", std::move(hosts));
    upstreams.push_back(std::move(out));
  }
  return json::serialize(json::object{{"enabled", table.on},
                                      {"settings", settings(config.feedback)},
                                      {"entries", static_cast<std::int64_t>(table.entries)},
                                      {"evicted", static_cast<std::int64_t>(table.evicted)},
                                      {"upstreams", std::move(upstreams)}}) +
         "\n";
}

std::string feedback_text(const config::Config& config, const telemetry::Collector& collector) {
  const Table table = table_of(collector);
  if (!table.on) return "nothing is adaptive and feedback.enabled is false: outcomes are not followed\n";
  std::string text = fmt::format("{:<20} {:<21} {:<9} {:>6} {:>6} {:>8} {:>8} {:>8}", "upstream", "host", "prefix",
                                 "score", "share", "msg/s", "latency", "receipt");
  for (const std::string_view outcome : kOutcomes) text += fmt::format(" {:>11}", outcome);
  text += '\n';
  for (const config::Upstream& upstream : config.upstreams) {
    const auto found = table.rows.find(upstream.name);
    if (found == table.rows.end()) continue;
    for (const auto& [endpoint, prefixes] : found->second) {
      for (const auto& [prefix, row] : prefixes) {
        text += fmt::format("{:<20} {:<21} {:<9} {:>6.3f} {:>5.1f}% {:>8.1f} {:>7.3f}s {:>7.1f}s", upstream.name,
                            endpoint, prefix, row.score, 100 * table.share(upstream.name, endpoint, prefix, row),
                            row.per_second, row.latency, row.delay);
        for (std::size_t i = 0; i < kOutcomes.size(); ++i) text += fmt::format(" {:>10.1f}%", 100 * row.part(i));
        text += '\n';
      }
    }
  }
  return text;
}

}  // namespace smppd::admin
