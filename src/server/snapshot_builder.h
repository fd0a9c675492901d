// A loaded Config becomes what the shards use: compiled routes, clients, upstream facts, filters. Control thread; fails
// whole, changing nothing that runs.
#pragma once

#include <memory>
#include <vector>

#include "accounts/client_registry.h"
#include "base/result.h"
#include "config/config.h"
#include "flow/snapshot.h"
#include "message/names.h"
#include "upstream/upstream_set.h"

namespace smppd::server {

struct Publication {
  std::shared_ptr<const flow::Snapshot> snapshot;
  std::vector<std::unique_ptr<flow::FilterChain>> chains;  // one for each shard
  std::vector<upstream::UpstreamSet::Entry> upstreams;
};

// What outlives every configuration.
struct Lasting {
  message::Names names;
  accounts::ClientStates client_states;
  upstream::SharedLimits limits;
  std::uint64_t generation = 0;
};

// `before` is the configuration in force, null at the start.
[[nodiscard]] Fallible<Publication> build_publication(const config::ConfigPtr& config, const config::Config* before,
                                                      unsigned shards, Lasting& lasting);

}  // namespace smppd::server
