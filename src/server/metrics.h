// Every count of a shard by its name; docs/metrics.md has the list. Runs on the shard's thread.
#pragma once

#include "downstream/session_table.h"
#include "flow/flow.h"
#include "telemetry/metrics.h"

namespace smppd::server {

void collect_flow(flow::Flow& flow, unsigned shard, telemetry::Collector& collector);
void collect_upstreams(flow::Flow& flow, telemetry::Collector& collector);
void collect_feedback(flow::Flow& flow, unsigned shard, telemetry::Collector& collector);
void collect_sessions(downstream::SessionTable& sessions, flow::Flow& flow, telemetry::Collector& collector);

}  // namespace smppd::server
