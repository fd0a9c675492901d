#include "server/shard_unit.h"

#include <algorithm>

#include "server/metrics.h"

namespace smppd::server {

namespace {
constexpr Duration kTick = std::chrono::milliseconds(100);
constexpr unsigned kNode = 0;  // this build knows no cluster
}  // namespace

ShardUnit::ShardUnit(runtime::Shard& shard, const Lasting& lasting, const config::Receipts& receipts)
    : shard_(shard),
      flow_(shard, lasting.resolver, receipts, kNode, lasting.partition),
      sessions_(shard.loop(), lasting.resolver, flow_, lasting.verifier, shard.index()),
      timer_(&ShardUnit::on_tick, this) {
  shard_.loop().timers().arm(timer_, shard_.loop().now() + kTick);
}

ShardUnit::~ShardUnit() = default;

void ShardUnit::apply(std::shared_ptr<const flow::Snapshot> snapshot, std::unique_ptr<flow::FilterChain> chain,
                      const std::vector<upstream::UpstreamSet::Entry>& upstreams, const upstream::SharedLimits& limits,
                      std::vector<downstream::SessionTable::Opened> listeners,
                      const std::vector<OutbindDoor::Opened>& doors) {
  // Sessions look at the clients of the old configuration until they have found themselves in the new one.
  const auto before = flow_.shared_snapshot();
  const Instant drain_until = shard_.loop().now() + snapshot->config->runtime.drain_timeout;
  flow_.apply(std::move(snapshot), std::move(chain), upstreams, limits, drain_until);
  sessions_.apply(std::move(listeners));
  open_doors(doors);
}

void ShardUnit::open_doors(const std::vector<OutbindDoor::Opened>& opened) {
  std::vector<std::unique_ptr<OutbindDoor>> next;
  for (const OutbindDoor::Opened& one : opened) {
    const auto same = std::find_if(doors_.begin(), doors_.end(), [&](const auto& door) {
      return door && one.fd < 0 && door->upstream() == one.upstream;
    });
    next.push_back(same == doors_.end() ? std::make_unique<OutbindDoor>(flow_, shard_.loop(), one) : std::move(*same));
  }
  doors_ = std::move(next);
}

void ShardUnit::drain() noexcept {
  draining_ = true;
  sessions_.drain();
  for (const auto& door : doors_) door->close();
}

bool ShardUnit::drained() noexcept { return upstreams_draining_ && flow_.upstreams().drained(); }

void ShardUnit::on_tick(void* self) noexcept {
  auto& unit = *static_cast<ShardUnit*>(self);
  const Instant now = unit.shard_.loop().now();
  unit.flow_.tick();
  if (unit.draining_ && !unit.upstreams_draining_ && unit.sessions_.size() == 0 && unit.flow_.stop_sending()) {
    unit.upstreams_draining_ = true;
    unit.flow_.upstreams().drain(now + unit.flow_.snapshot().config->runtime.drain_timeout);
  }
  unit.shard_.loop().timers().arm(unit.timer_, now + kTick);
}

void ShardUnit::collect(telemetry::Collector& collector) {
  collect_flow(flow_, shard_.index(), collector);
  collect_upstreams(flow_, collector);
  collect_feedback(flow_, shard_.index(), collector);
  collect_sessions(sessions_, flow_, collector);
}

bool ShardUnit::any_upstream_bound() {
  bool bound = false;
  flow_.upstreams().for_each([&](upstream::Group& group) { bound = bound || group.alive(); });
  return bound;
}

}  // namespace smppd::server
