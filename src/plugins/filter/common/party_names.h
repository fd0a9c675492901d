// Names of clients and upstreams for a filter's lines and labels: copied on the control thread when the filter is made,
// read on its shard. Empty for an invalid id and for what came into the configuration later.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "message/names.h"

namespace smppd::plugins {

class PartyNames {
 public:
  explicit PartyNames(const message::Names& names) {
    for (std::uint32_t i = 0; i < names.clients.size(); ++i) {
      clients_.emplace_back(names.clients.name(message::ClientId(i)));
    }
    for (std::size_t i = 0; i < names.upstreams.size(); ++i) {
      upstreams_.emplace_back(names.upstreams.name(message::UpstreamId(static_cast<std::uint16_t>(i))));
    }
  }

  [[nodiscard]] std::string_view client(message::ClientId id) const noexcept {
    return id.value() < clients_.size() ? std::string_view(clients_[id.value()]) : std::string_view();
  }
  [[nodiscard]] std::string_view upstream(message::UpstreamId id) const noexcept {
    return id.value() < upstreams_.size() ? std::string_view(upstreams_[id.value()]) : std::string_view();
  }

 private:
  std::vector<std::string> clients_;
  std::vector<std::string> upstreams_;
};

// The element for this id; grows the list when a client is first seen, not per message. The invalid id has the first.
template <typename T, typename Id>
[[nodiscard]] T& slot_of(std::vector<T>& list, Id id) {
  const std::size_t at = id.valid() ? std::size_t{id.value()} + 1 : 0;
  if (list.size() <= at) list.resize(at + 1);
  return list[at];
}

}  // namespace smppd::plugins
