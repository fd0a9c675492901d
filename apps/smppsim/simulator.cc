#include "smppsim/simulator.h"

#include <cstdio>

namespace smppd::sim {

namespace {
constexpr std::size_t kMailbox = 4096;
constexpr Duration kPatience = std::chrono::seconds(3);
}  // namespace

Simulator::Simulator(const Options& options) : options_(options), group_(options.threads, kMailbox) {}
Simulator::~Simulator() { stop(); }

Fallible<void> Simulator::start() {
  if (!options_.log.empty()) {
    auto log = PduLog::open(options_.log);
    if (!log) return failure(log.error());
    log_ = std::move(*log);
  }
  std::vector<std::vector<int>> sockets(options_.threads);
  std::vector<runtime::SocketAddress> addresses;
  for (runtime::SocketAddress address : options_.listen) {
    if (address.port != 0) {
      if (auto free = runtime::check_address_free(address); !free) return failure(free.error());
    }
    for (unsigned i = 0; i < options_.threads; ++i) {
      const auto fd = runtime::listen_on(address);
      if (!fd) return failure(fd.error());
      address = runtime::local_address(*fd);
      sockets[i].push_back(*fd);
    }
    addresses.push_back(address);
  }
  for (unsigned i = 0; i < options_.threads; ++i) {
    shards_.push_back(std::make_unique<Shard>(i, group_.shard(i).loop(), options_, *this, log_.get()));
  }
  for (const MoPlan& plan : options_.mo) generators_.push_back(std::make_unique<MoGenerator>(*shards_[0], plan));
  group_.start(options_.pin_cpus, Duration::zero(), [&, sockets](runtime::Shard& on) {
    Shard& shard = *shards_[on.index()];
    for (const int fd : sockets[on.index()]) shard.listen(fd);
    if (on.index() != 0) return;
    for (const auto& address : options_.outbind) shard.connect_outbind(address);
    for (auto& generator : generators_) generator->start();
  });
  for (const auto& address : addresses) std::printf("smppsim: listening on %s\n", address.to_string().c_str());
  std::fflush(stdout);
  return {};
}

void Simulator::stop() {
  group_.run_on_all(
      [&](runtime::Shard& on) {
        if (on.index() == 0) {
          for (auto& generator : generators_) generator->stop();
        }
        shards_[on.index()]->close_everything();
      },
      kPatience);
  group_.stop_and_join();
}

Stats Simulator::stats() const {
  Stats total;
  for (const auto& shard : shards_) total.merge(shard->stats);
  return total;
}

bool Simulator::session_bound(const std::string& system_id, bool receives, unsigned shard) {
  const std::lock_guard lock(mutex_);
  Presence& presence = presence_[system_id];
  if (options_.limits.binds != 0 && presence.sessions >= options_.limits.binds) return false;
  presence.receivers_on.resize(options_.threads);
  ++presence.sessions;
  if (!receives) return true;
  ++presence.receivers;
  ++presence.receivers_on[shard];
  if (presence.receivers > 1) return true;
  // What waits on other shards for this account can go now.
  for (unsigned i = 0; i < shards_.size(); ++i) {
    if (i == shard) continue;
    Shard* other = shards_[i].get();
    other->loop.post([other, system_id] { other->drain(other->account(system_id)); });
  }
  return true;
}

void Simulator::session_ended(const std::string& system_id, bool receives, unsigned shard) {
  const std::lock_guard lock(mutex_);
  Presence& presence = presence_[system_id];
  --presence.sessions;
  if (!receives) return;
  --presence.receivers;
  --presence.receivers_on[shard];
}

Shard* Simulator::receiving_shard(const std::string& system_id, const Shard& asking) {
  const std::lock_guard lock(mutex_);
  const auto at = presence_.find(system_id);
  if (at == presence_.end() || at->second.receivers == 0) return nullptr;
  for (unsigned i = 0; i < shards_.size(); ++i) {
    if (i != asking.index && at->second.receivers_on[i] > 0) return shards_[i].get();
  }
  return nullptr;
}

std::string Simulator::any_receiver() {
  const std::lock_guard lock(mutex_);
  std::size_t takers = 0;
  for (const auto& [system_id, presence] : presence_) takers += presence.receivers > 0 ? 1 : 0;
  if (takers == 0) return {};
  std::size_t wanted = turn_++ % takers;
  for (const auto& [system_id, presence] : presence_) {
    if (presence.receivers > 0 && wanted-- == 0) return system_id;
  }
  return {};
}

Shard& Simulator::shard_of(std::uint64_t message_number) {
  return *shards_[(message_number - options_.first_id) % options_.threads];
}

}  // namespace smppd::sim
