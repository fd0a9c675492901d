// How counters leave the shards. A class keeps its counts as plain integers in a struct of its own (a probe); when the
// management listener asks, each shard calls collect() on its probes with a Collector, on the shard's own thread, so no
// count is ever shared. The control thread merges the shards' samples: same name and labels are added up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/histogram.h"

namespace smppd::telemetry {

enum class MetricKind : std::uint8_t { kCounter, kGauge, kHistogram };

// Declared once per metric, constant: name (smppd_<module>_<noun>_<unit>), kind, one sentence for HELP and the manual.
struct MetricDescription {
  const char* name;
  MetricKind kind;
  const char* help;
};

using Labels = std::vector<std::pair<const char*, std::string>>;

struct Sample {
  const MetricDescription* description;
  Labels labels;
  double value = 0;
  Histogram histogram;  // kHistogram only; values in nanoseconds, exported in seconds
};

class Collector {
 public:
  void add(const MetricDescription& description, double value, Labels labels = {}) {
    samples_.push_back(Sample{&description, std::move(labels), value, {}});
  }
  void add(const MetricDescription& description, const Histogram& histogram, Labels labels = {}) {
    samples_.push_back(Sample{&description, std::move(labels), 0, histogram});
  }
  // Adds another shard's samples into this one.
  void merge(Collector&& other);
  [[nodiscard]] const std::vector<Sample>& samples() const noexcept { return samples_; }

 private:
  std::vector<Sample> samples_;
};

// Prometheus text exposition format 0.0.4.
[[nodiscard]] std::string prometheus_text(const Collector& collector);

}  // namespace smppd::telemetry
