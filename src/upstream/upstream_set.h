// All upstreams of one shard. Shard-local; replaced group by group at a reload: a group whose options did not change is
// left alone, with its links and windows; one that changed or went is drained while its successor starts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "config/config.h"
#include "message/ids.h"
#include "upstream/group.h"

namespace smppd::upstream {

// The shared rate limits of all upstreams by id; control thread makes them, shards use them.
using SharedLimits = std::map<message::UpstreamId, std::shared_ptr<SharedLimit>>;

class UpstreamSet {
 public:
  UpstreamSet(runtime::EventLoop& loop, runtime::Resolver& resolver, Events& events, unsigned shard,
              unsigned shard_count, Foresight* foresight = nullptr);
  ~UpstreamSet();

  struct Entry {
    message::UpstreamId id;
    const config::Upstream* options;                           // inside `config`
    bool unchanged;                                            // as in the configuration before
    std::shared_ptr<const runtime::TlsContext> tls = nullptr;  // for new connections; null: plain
  };
  void apply(const std::shared_ptr<const config::Config>& config, const std::vector<Entry>& entries,
             const SharedLimits& limits, Instant drain_until);
  void drain(Instant until) noexcept;
  [[nodiscard]] bool drained() const noexcept;

  // Null when the upstream is not (or no longer) configured.
  [[nodiscard]] Group* find(message::UpstreamId id) noexcept {
    return id.value() < groups_.size() ? groups_[id.value()].get() : nullptr;
  }
  void answer(const message::DeliveryTicket& ticket, smpp::CommandStatus status) noexcept;

  template <typename Visit>
  void for_each(Visit&& visit) {
    for (auto& group : groups_) {
      if (group) visit(*group);
    }
  }
  // Drops groups that have said goodbye to their SMSCs; between turns only.
  void reap() noexcept;

 private:
  GroupEnvironment environment_;
  Slab<Link> links_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<std::unique_ptr<Group>> leaving_;
};

}  // namespace smppd::upstream
