#include "telemetry/metrics.h"

#include <cmath>
#include <map>
#include <unordered_map>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "telemetry/json_text.h"

namespace smppd::telemetry {
namespace {

// Seconds; from a proxy hop on loopback to a carrier that answers after a minute.
constexpr double kBucketBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                    0.25,   0.5,     1,      2.5,   5,      10,    15,   30,    60};

std::string identity(const Sample& sample) {
  std::string key = sample.description->name;
  for (const auto& [name, value] : sample.labels) {
    key += '\0';
    key += name;
    key += '\0';
    key += value;
  }
  return key;
}

prometheus::ClientMetric to_prometheus(const Sample& sample) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, valid_utf8(value)});
  switch (sample.description->kind) {
    case MetricKind::kCounter: metric.counter.value = sample.value; break;
    case MetricKind::kGauge: metric.gauge.value = sample.value; break;
    case MetricKind::kHistogram: {
      metric.histogram.sample_count = sample.histogram.count();
      metric.histogram.sample_sum = sample.histogram.sum() / 1e9;
      for (const double bound : kBucketBounds) {
        const auto nanoseconds = static_cast<std::uint64_t>(std::llround(bound * 1e9));
        metric.histogram.bucket.push_back({sample.histogram.count_below(nanoseconds), bound});
      }
      break;
    }
  }
  return metric;
}

prometheus::MetricType to_prometheus(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter: return prometheus::MetricType::Counter;
    case MetricKind::kGauge: return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

void Collector::merge(Collector&& other) {
  std::unordered_map<std::string, std::size_t> index;
  index.reserve(samples_.size() + other.samples_.size());
  for (std::size_t i = 0; i < samples_.size(); ++i) index.emplace(identity(samples_[i]), i);
  for (Sample& sample : other.samples_) {
    const auto [found, added] = index.try_emplace(identity(sample), samples_.size());
    if (added) {
      samples_.push_back(std::move(sample));
    } else {
      samples_[found->second].value += sample.value;
      samples_[found->second].histogram.merge(sample.histogram);
    }
  }
  other.samples_.clear();
}

std::string prometheus_text(const Collector& collector) {
  Collector merged;  // two probes of one shard may have counted under the same labels
  merged.merge(Collector(collector));
  std::map<std::string_view, prometheus::MetricFamily> families;
  for (const Sample& sample : merged.samples()) {
    prometheus::MetricFamily& family = families[sample.description->name];
    if (family.metric.empty()) {
      family.name = sample.description->name;
      family.help = sample.description->help;
      family.type = to_prometheus(sample.description->kind);
    }
    family.metric.push_back(to_prometheus(sample));
  }
  std::vector<prometheus::MetricFamily> list;
  list.reserve(families.size());
  for (auto& [name, family] : families) list.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(list);
}

}  // namespace smppd::telemetry
