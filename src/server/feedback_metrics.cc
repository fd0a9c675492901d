// What became of messages, for /metrics and /feedback/stats. Every shard knows the same of the recent past, so one of
// them tells it; totals are added up over all. Labels are bounded: parties times `feedback.shown_prefixes`.
#include "server/metrics.h"

namespace smppd::server {

namespace {

using telemetry::Collector;
using telemetry::Labels;
using telemetry::MetricDescription;
using telemetry::MetricKind;
using upstream::Party;
using upstream::Quality;

constexpr MetricDescription kOutcomes{"smppd_feedback_outcomes_total", MetricKind::kCounter,
                                      "Ends of messages by upstream, host and outcome"};
constexpr MetricDescription kRecent{"smppd_feedback_recent_messages", MetricKind::kGauge,
                                    "Outcomes that a score rests on, the old ones faded"};
constexpr MetricDescription kScore{"smppd_feedback_score", MetricKind::kGauge,
                                   "How well messages fared lately: 1 is best, 0 worst"};
constexpr MetricDescription kRate{"smppd_feedback_messages_per_second", MetricKind::kGauge,
                                  "Messages answered or given up lately"};
constexpr MetricDescription kSmoothedLatency{"smppd_feedback_latency_seconds", MetricKind::kGauge,
                                             "Mean time to the answer lately"};
constexpr MetricDescription kDelay{"smppd_feedback_receipt_delay_seconds", MetricKind::kGauge,
                                   "Mean time to the receipt that says delivered lately"};
constexpr MetricDescription kEntries{"smppd_feedback_entries", MetricKind::kGauge,
                                     "Pairs of an upstream or host and a prefix that are remembered"};
constexpr MetricDescription kEvicted{"smppd_feedback_evicted_total", MetricKind::kCounter,
                                     "Such pairs forgotten because others were more in use"};

std::string host_label(const upstream::Group& group, std::uint8_t host) {
  if (host == Party::kWhole || host >= group.host_count()) return "*";
  const config::Endpoint& address = group.address(host);
  return address.host + ":" + std::to_string(address.port);
}

void collect_totals(const Quality& quality, const upstream::Group& group, Party party, Collector& collector) {
  const auto totals = quality.totals(party);
  for (std::size_t i = 0; i < upstream::kEndings; ++i) {
    if (totals[i] == 0) continue;
    collector.add(kOutcomes, static_cast<double>(totals[i]),
                  {{"upstream", group.name()},
                   {"endpoint", host_label(group, party.host)},
                   {"outcome", upstream::name_of(static_cast<upstream::Ending>(i))}});
  }
}

void collect_row(const Quality::Row& row, const upstream::Group& group, Collector& collector) {
  const Labels labels{{"upstream", group.name()},
                      {"endpoint", host_label(group, row.party.host)},
                      {"prefix", upstream::text_of(row.prefix)}};
  collector.add(kScore, row.score, labels);
  collector.add(kRate, row.per_second, labels);
  if (row.latency > 0) collector.add(kSmoothedLatency, row.latency, labels);
  if (row.delay > 0) collector.add(kDelay, row.delay, labels);
  for (std::size_t i = 0; i < upstream::kEndings; ++i) {
    if (row.counts[i] <= 0) continue;
    Labels of_outcome = labels;
    of_outcome.emplace_back("outcome", upstream::name_of(static_cast<upstream::Ending>(i)));
    collector.add(kRecent, row.counts[i], std::move(of_outcome));
  }
}

}  // namespace

void collect_feedback(flow::Flow& flow, unsigned shard, Collector& collector) {
  const Quality& quality = flow.quality();
  if (!quality.on()) return;
  const Labels of_shard{{"shard", std::to_string(shard)}};
  collector.add(kEntries, static_cast<double>(quality.entries()), of_shard);
  collector.add(kEvicted, static_cast<double>(quality.evicted()), of_shard);
  flow.upstreams().for_each([&](const upstream::Group& group) {
    collect_totals(quality, group, {group.id()}, collector);
    if (group.host_count() < 2) return;
    for (std::uint16_t host = 0; host < group.host_count(); ++host) {
      collect_totals(quality, group, {group.id(), static_cast<std::uint8_t>(host)}, collector);
    }
  });
  if (shard != 0) return;
  for (const Quality::Row& row : quality.rows(flow.snapshot().config->feedback.shown_prefixes)) {
    if (const upstream::Group* group = flow.upstreams().find(row.party.upstream)) collect_row(row, *group, collector);
  }
}

}  // namespace smppd::server
