// What lives on one shard: its flow (with the upstreams) and its sessions. Made and destroyed on the shard's thread.
#pragma once

#include <memory>
#include <vector>

#include "accounts/password_verifier.h"
#include "downstream/session_table.h"
#include "flow/flow.h"
#include "runtime/resolver.h"
#include "runtime/shard.h"
#include "server/outbind_door.h"
#include "server/snapshot_builder.h"
#include "telemetry/metrics.h"

namespace smppd::server {

class ShardUnit {
 public:
  // What the unit works with and does not own; outlives it.
  struct Lasting {
    runtime::Resolver& resolver;
    accounts::PasswordVerifier& verifier;
    store::Partition* partition;  // null without a store
  };
  ShardUnit(runtime::Shard& shard, const Lasting& lasting, const config::Receipts& receipts);
  ~ShardUnit();

  void apply(std::shared_ptr<const flow::Snapshot> snapshot, std::unique_ptr<flow::FilterChain> chain,
             const std::vector<upstream::UpstreamSet::Entry>& upstreams, const upstream::SharedLimits& limits,
             std::vector<downstream::SessionTable::Opened> listeners, const std::vector<OutbindDoor::Opened>& doors);
  // Stops accepting, says unbind to clients; once they are gone, to SMSCs.
  void drain() noexcept;
  [[nodiscard]] bool drained() noexcept;

  void collect(telemetry::Collector& collector);
  [[nodiscard]] bool any_upstream_bound();
  [[nodiscard]] flow::Flow& flow() noexcept { return flow_; }
  [[nodiscard]] downstream::SessionTable& sessions() noexcept { return sessions_; }

 private:
  static void on_tick(void* self) noexcept;
  void open_doors(const std::vector<OutbindDoor::Opened>& opened);

  runtime::Shard& shard_;
  flow::Flow flow_;
  downstream::SessionTable sessions_;
  std::vector<std::unique_ptr<OutbindDoor>> doors_;
  runtime::Timer timer_;
  bool draining_ = false;
  bool upstreams_draining_ = false;
};

}  // namespace smppd::server
