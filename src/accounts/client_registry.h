// The clients of one configuration, compiled: who may bind, from where, how often, and with which addresses. Compiled
// by the control thread, immutable, shared by all shards as shared_ptr<const>; lookups allocate nothing.
//
// What must outlive a reload (how many sessions, how much of the rate is used) is in ClientStates, which lives as long
// as the process and which the entries point into.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts/ip_set.h"
#include "accounts/password.h"
#include "accounts/rate_limit.h"
#include "accounts/session_count.h"
#include "base/result.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/names.h"
#include "message/pattern.h"
#include "smpp/text/receipt_template.h"

namespace smppd::accounts {

enum class BindType : std::uint8_t { kTransmitter = 1, kReceiver = 2, kTransceiver = 4 };

// command_status of SMPP 3.4 §5.1.3.
enum class AddressVerdict : std::uint32_t { kOk = 0x00, kBadSource = 0x0A, kBadDestination = 0x0B };

// A message passes unless its address is blocked, or there is a list of allowed ones and it is not on it. The empty
// source (SMSC default) is on a list only by a pattern that matches everything.
struct AddressRules {
  message::AddressSet source_allowed, source_blocked;
  message::AddressSet destination_allowed, destination_blocked;
};

// How a client wants its receipts.
struct ReceiptStyle {
  std::optional<smpp::ReceiptTemplate> text;  // absent: as the SMSC wrote it
  bool swap_addresses = false;
  bool intermediate = true;
};

struct ClientState {  // survives reloads
  SharedRateLimit rate;
  SessionCount sessions;
  // Numbers binds in their order, over all shards; from 1.
  [[nodiscard]] std::uint64_t next_bind() noexcept { return binds.fetch_add(1, std::memory_order_relaxed) + 1; }
  std::atomic<std::uint64_t> binds{0};
};

struct ClientEntry {
  message::ClientId id;
  std::string system_id;
  Secret secret;
  IpSet allowed_ips;                  // empty: all
  std::uint8_t bind_types = 7;        // BindType bits
  std::uint32_t max_connections = 0;  // 0: unlimited
  std::uint32_t window_size = 0;      // 0: the listener's
  double rate = 0;                    // messages per second; 0: unlimited
  double burst = 0;                   // 0: one second's worth
  AddressRules addresses;
  message::UpstreamId upstream;  // forced; invalid: routes decide
  std::string tier;
  std::map<std::string, std::string> tags;
  std::string default_alphabet;
  std::optional<std::uint32_t> uncertain_status;
  std::optional<config::ClientOutbind> outbind;  // where it waits to be called
  config::MessageIdFormat message_id_format = config::MessageIdFormat::kHex;
  std::shared_ptr<const ReceiptStyle> receipts;  // null: as they come
  std::optional<config::MessageMode> mode;       // empty: the route's, or the default
  ClientState* state = nullptr;                  // never null in a compiled entry

  [[nodiscard]] bool may_bind(BindType type) const noexcept {
    return (bind_types & static_cast<std::uint8_t>(type)) != 0;
  }
  [[nodiscard]] bool may_come_from(const IpAddress& address) const noexcept {
    return allowed_ips.empty() || allowed_ips.contains(address);
  }
};

[[nodiscard]] AddressVerdict check_addresses(const ClientEntry& client, const message::MessageFacts& facts) noexcept;

// One per process, owned by the composition root, grown by the control thread alone. Addresses are stable.
class ClientStates {
 public:
  [[nodiscard]] ClientState& of(message::ClientId id);

 private:
  std::deque<ClientState> states_;  // by ClientId
};

class ClientRegistry {
 public:
  // Changes nothing that runs. Everything wrong is reported at once, a line each.
  [[nodiscard]] static Fallible<std::shared_ptr<const ClientRegistry>> compile(const config::Config& config,
                                                                               const message::Names& names,
                                                                               ClientStates& states);

  // Puts the rates into force; when the snapshot with this registry is published.
  void publish(Instant now) const noexcept;

  // Null when there is no such client.
  [[nodiscard]] const ClientEntry* find(std::string_view system_id) const noexcept;
  [[nodiscard]] const ClientEntry* find(message::ClientId id) const noexcept;

  [[nodiscard]] std::span<const ClientEntry> all() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }  // then who may bind is the listener's affair

 private:
  ClientRegistry() = default;

  std::vector<ClientEntry> entries_;
  std::unordered_map<std::string_view, std::uint32_t> by_name_;  // keys live in entries_
  std::unordered_map<message::ClientId, std::uint32_t> by_id_;
};

}  // namespace smppd::accounts
