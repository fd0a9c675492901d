// What the management listener is told: called on the HTTP thread.
#include <mutex>

#include "server/server.h"

namespace smppd::server {

namespace {
constexpr std::int64_t kPulseLimitNs = 5'000'000'000;

std::int64_t steady_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }
}  // namespace

void Server::collect(std::function<void(telemetry::Collector)> done) {
  struct Gathering {
    std::mutex mutex;
    telemetry::Collector all;
    unsigned left;
    std::function<void(telemetry::Collector)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->left = shards_.count();
  gathering->done = std::move(done);
  for (unsigned i = 0; i < shards_.count(); ++i) {
    shards_.shard(i).loop().post([this, i, gathering] {
      telemetry::Collector mine;
      if (units_[i] != nullptr) units_[i]->collect(mine);
      std::unique_lock lock(gathering->mutex);
      gathering->all.merge(std::move(mine));
      if (--gathering->left > 0) return;
      lock.unlock();
      gathering->done(std::move(gathering->all));
    });
  }
}

admin::Health Server::liveness() {
  admin::Health health;
  for (unsigned i = 0; i < pulses_.size(); ++i) {
    const std::int64_t last = pulses_[i]->last.load();
    if (last != 0 && steady_ns() - last > kPulseLimitNs) {
      health.reasons.push_back("shard " + std::to_string(i) + " has not turned for 5 s");
    }
  }
  health.ok = health.reasons.empty();
  return health;
}

admin::Health Server::readiness() {
  admin::Health health = liveness();
  if (draining_.load()) health.reasons.emplace_back("draining");
  const config::ConfigPtr config = status().config;
  if (config->listeners.empty()) health.reasons.emplace_back("no listener is configured");
  bool bound = config->upstreams.empty();
  for (const auto& pulse : pulses_) bound = bound || pulse->upstream_bound.load();
  if (!bound) health.reasons.emplace_back("no upstream is bound");
  health.ok = health.reasons.empty();
  return health;
}

admin::Status Server::status() {
  const std::lock_guard lock(mutex_);
  admin::Status status;
  status.version = version();
  status.started = started_;
  status.config_loaded = config_loaded_;
  status.shards = static_cast<int>(shards_.count());
  status.draining = draining_.load();
  status.config = config_;
  return status;
}

std::string Server::config_dump(config::Format format) { return config::dump(*status().config, format); }

void Server::reload(std::function<void(admin::ReloadOutcome)> done) {
  post_control([this, done = std::move(done)] { done(reload_now()); });
}

}  // namespace smppd::server
