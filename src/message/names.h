// Names of the configuration's things as small integers that stay the same over reloads. Owned and used by the control
// thread alone (shards get what they need copied into snapshots). Append-only: a number once given is never reused, so
// a client that leaves the configuration and returns finds its limits, counters and queues again.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "message/ids.h"

namespace smppd::message {

template <typename Id>
class NameTable {
 public:
  // The id of `name`, a new one if it has none; invalid once the id's integer type is exhausted.
  Id intern(std::string_view name) {
    if (const Id known = find(name); known.valid()) return known;
    const Id id(static_cast<typename Id::rep>(names_.size()));
    if (!id.valid() || id.value() != names_.size()) return Id();
    ids_.emplace(names_.emplace_back(name), id);
    return id;
  }

  // Invalid when the name was never interned.
  [[nodiscard]] Id find(std::string_view name) const noexcept {
    const auto at = ids_.find(name);
    return at == ids_.end() ? Id() : at->second;
  }

  // Empty for an id this table did not give. The text lives as long as the table.
  [[nodiscard]] std::string_view name(Id id) const noexcept {
    return id.value() < names_.size() ? std::string_view(names_[id.value()]) : std::string_view();
  }

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

 private:
  std::deque<std::string> names_;  // a deque: the keys of ids_ point into it
  std::unordered_map<std::string_view, Id> ids_;
};

struct Names {
  NameTable<ClientId> clients;
  NameTable<UpstreamId> upstreams;
  NameTable<ListenerId> listeners;
  NameTable<RouteId> routes;
};

}  // namespace smppd::message
