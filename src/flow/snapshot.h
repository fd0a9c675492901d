// One configuration as the shards use it: compiled, immutable, shared, replaced whole. A message keeps no reference to
// it across turns; what it needs later travels in its Flight.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accounts/client_registry.h"
#include "config/config.h"
#include "flow/filter.h"
#include "flow/receipt_codes.h"
#include "message/ids.h"
#include "message/names.h"
#include "routing/route_table.h"
#include "smpp/text/charset.h"
#include "smpp/text/receipt_pattern.h"
#include "smpp/tlv.h"
#include "smpp/values.h"

namespace smppd::flow {

// One end of a conversation, as far as the octets of a message depend on it.
struct PeerSide {
  smpp::Version version = smpp::Version::v34;
  smpp::Alphabet alphabet = smpp::Alphabet::gsm7;  // what data_coding 0 means to it
  std::uint16_t max_short_message = 0;             // octets; 0: what the version allows
  bool operator==(const PeerSide&) const noexcept = default;
};

// What `multipart` and `message.long_messages` say about one upstream. Made by long_rules().
struct LongRules {
  config::LongText method = config::LongText::kAsIs;
  config::ReferenceMode references = config::ReferenceMode::kPreserve;
  config::PartReceipts receipts = config::PartReceipts::kAllParts;
  bool wide_reference = false;
  std::uint8_t max_parts = 0;
  std::uint32_t look_above = UINT32_MAX;  // no text of so few octets is too long: nobody looks
};

struct UpstreamFacts {
  const config::Upstream* options = nullptr;  // null: no upstream has this id in this configuration
  PeerSide side;
  LongRules long_rules;
  message::UpstreamId fallback;
  bool has_defaults = false;        // config::MessageDefaults says something
  bool passes_ids_through = false;  // message_id: upstream
  std::shared_ptr<const smpp::ReceiptPattern> receipt_pattern;
  std::shared_ptr<const ReceiptCodes> receipt_codes;  // null: codes are passed on as they are
};

struct Snapshot {
  std::uint64_t generation = 0;
  config::ConfigPtr config;
  std::shared_ptr<const routing::RouteTable> routes;
  std::shared_ptr<const routing::MoTable> mo_routes;
  std::shared_ptr<const accounts::ClientRegistry> clients;
  std::shared_ptr<const smpp::TlvRegistry> tlvs;
  std::vector<UpstreamFacts> upstreams;                         // by UpstreamId
  std::vector<std::optional<config::MessageMode>> route_modes;  // by RouteId; empty: the default
  std::vector<std::string> client_names;                        // by ClientId
  std::vector<std::string> upstream_names;                      // by UpstreamId

  // Null for the anonymous client, and for one that is gone.
  [[nodiscard]] const accounts::ClientEntry* client(message::ClientId id) const noexcept {
    return id.valid() ? clients->find(id) : nullptr;
  }
  [[nodiscard]] const UpstreamFacts* upstream(message::UpstreamId id) const noexcept {
    return id.value() < upstreams.size() && upstreams[id.value()].options != nullptr ? &upstreams[id.value()] : nullptr;
  }
  [[nodiscard]] std::optional<config::MessageMode> mode_of(message::RouteId route) const noexcept {
    return route.valid() && route.value() < route_modes.size() ? route_modes[route.value()] : std::nullopt;
  }
};

// The middleware of one shard, split by hook so that what is not wanted costs nothing.
struct FilterChain {
  std::vector<std::unique_ptr<Filter>> filters;
  std::vector<Filter*> on_message;
  std::vector<Filter*> on_mo;
  std::vector<Filter*> on_outcome;

  void add(std::unique_ptr<Filter> filter) {
    const std::uint8_t hooks = filter->hooks();
    if ((hooks & Filter::kOnMessage) != 0) on_message.push_back(filter.get());
    if ((hooks & Filter::kOnMo) != 0) on_mo.push_back(filter.get());
    if ((hooks & Filter::kOnOutcome) != 0) on_outcome.push_back(filter.get());
    filters.push_back(std::move(filter));
  }
};

}  // namespace smppd::flow
