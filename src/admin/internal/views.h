// The JSON that the management endpoints answer with. Secrets never appear: each view names the members it shows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/internal/stats.h"
#include "admin/management.h"

namespace smppd::admin {

[[nodiscard]] std::string stats_json(const Stats& stats);
[[nodiscard]] std::string probe_json(const Health& health);
// Everything a person on call asks first; `ready` and the upstreams decide between ok, degraded and unavailable.
[[nodiscard]] std::string health_json(const Health& live, const Health& ready, const Status& status,
                                      const telemetry::Collector& collector);
[[nodiscard]] std::string status_json(const Status& status, const Health& ready);
[[nodiscard]] std::string upstreams_json(const config::Config& config, const telemetry::Collector& collector);
[[nodiscard]] std::string clients_json(const config::Config& config, const telemetry::Collector& collector);
[[nodiscard]] std::string routes_json(const config::Config& config);
// One of them by name; nothing when there is none.
[[nodiscard]] std::optional<std::string> upstream_json(const config::Config& config, std::string_view name,
                                                       const telemetry::Collector& collector);
[[nodiscard]] std::optional<std::string> client_json(const config::Config& config, std::string_view system_id,
                                                     const telemetry::Collector& collector);
[[nodiscard]] std::string reload_json(const ReloadOutcome& outcome);

}  // namespace smppd::admin
