// GET /feedback/stats: what became of messages by upstream, host and prefix, made from the samples that /metrics
// exports too.
#pragma once

#include <string>

#include "admin/management.h"

namespace smppd::admin {

[[nodiscard]] std::string feedback_json(const config::Config& config, const telemetry::Collector& collector);
// A table for people.
[[nodiscard]] std::string feedback_text(const config::Config& config, const telemetry::Collector& collector);

}  // namespace smppd::admin
