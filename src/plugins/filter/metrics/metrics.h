// `middleware: - type: metrics`: what the built-in counters leave out, where the filter stands in the chain: who sends
// in which alphabet and in how many parts, and every command_status by client and upstream. `prometheus: false` counts
// nothing and exports nothing.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kMetricsFilter;

}  // namespace smppd::plugins
