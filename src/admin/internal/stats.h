// The same samples that /metrics exports, under hierarchical names such as
// smppd.cluster.vodacom.upstream_rq_total.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "telemetry/metrics.h"

namespace smppd::admin {

// The dotted name of a sample: by the table of well-known names in stats.cc, else derived from its name and labels, so
// that no metric is missing. Several samples may share a name; they are added up.
[[nodiscard]] std::string dotted_name(const telemetry::Sample& sample);

struct Stat {
  bool is_histogram = false;
  double value = 0;
  telemetry::Histogram histogram;
};
using Stats = std::map<std::string, Stat, std::less<>>;

[[nodiscard]] Stats stats_of(const telemetry::Collector& collector);
// Only samples with one of these labels at that value; the common prefix up to that value is taken off the names.
[[nodiscard]] Stats stats_about(const telemetry::Collector& collector, std::string_view scope, std::string_view value);

// "name: value" lines; a histogram is one line of count, mean and percentiles in seconds.
[[nodiscard]] std::string to_text(const Stats& stats);

}  // namespace smppd::admin
