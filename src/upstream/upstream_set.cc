#include "upstream/upstream_set.h"

#include <algorithm>

namespace smppd::upstream {

UpstreamSet::UpstreamSet(runtime::EventLoop& loop, runtime::Resolver& resolver, Events& events, unsigned shard,
                         unsigned shard_count, Foresight* foresight)
    : environment_{loop, resolver, events, links_, shard, shard_count, foresight} {}

UpstreamSet::~UpstreamSet() {
  groups_.clear();
  leaving_.clear();
}

void UpstreamSet::apply(const std::shared_ptr<const config::Config>& config, const std::vector<Entry>& entries,
                        const SharedLimits& limits, Instant drain_until) {
  std::vector<std::unique_ptr<Group>> next;
  std::vector<Group*> fresh;
  for (const Entry& entry : entries) {
    if (entry.id.value() >= next.size()) next.resize(entry.id.value() + 1U);
    auto& place = next[entry.id.value()];
    if (entry.unchanged && find(entry.id) != nullptr) {
      place = std::move(groups_[entry.id.value()]);
      place->set_tls(entry.tls);
      continue;
    }
    const auto limit = limits.find(entry.id);
    place = std::make_unique<Group>(environment_, entry.id, config, *entry.options,
                                    limit == limits.end() ? nullptr : limit->second);
    place->set_tls(entry.tls);
    fresh.push_back(place.get());
  }
  for (auto& group : groups_) {
    if (!group) continue;
    group->drain(drain_until);
    leaving_.push_back(std::move(group));
  }
  groups_ = std::move(next);
  for (Group* group : fresh) group->start();
}

void UpstreamSet::drain(Instant until) noexcept {
  for_each([until](Group& group) { group.drain(until); });
}

bool UpstreamSet::drained() const noexcept {
  const auto done = [](const auto& group) { return !group || group->finished(); };
  return std::all_of(groups_.begin(), groups_.end(), done) && std::all_of(leaving_.begin(), leaving_.end(), done);
}

void UpstreamSet::answer(const message::DeliveryTicket& ticket, smpp::CommandStatus status) noexcept {
  if (Link* link = links_.get(ticket.link)) link->answer(ticket, status);
}

void UpstreamSet::reap() noexcept {
  std::erase_if(leaving_, [](const auto& group) { return group->finished(); });
}

}  // namespace smppd::upstream
