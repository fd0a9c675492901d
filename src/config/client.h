// Who may send, and the filter chain their messages pass. Plain values, any thread, immutable once loaded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/route.h"
#include "config/upstream.h"
#include "config/values.h"

namespace smppd::config {

enum class MessageIdFormat : std::uint8_t { kHex, kDecimal, kUuid };

// Where a client waits to be called (3.4 §2.2.1, §4.1.7) when there is something for it and it is not bound.
struct ClientOutbind {
  Mark mark;
  Endpoint address;
  std::string system_id;  // empty: the listener's
  std::string password;
  std::string listener;  // whose settings the session gets; empty: the first
  Reconnect retry;
  bool operator==(const ClientOutbind&) const = default;
};

// How receipts look to one client.
struct ClientReceipts {
  std::string text;  // template; empty: as the carrier wrote it, under our id
  bool swap_addresses = false;
  bool intermediate = true;  // ENROUTE and ACCEPTD too, where the message asked for them
  bool operator==(const ClientReceipts&) const = default;
};

struct Client {
  Mark mark;
  std::string system_id;
  std::string password;       // plain, already resolved from ${VAR} or ${file:}
  std::string password_hash;  // $argon2id$..., $2b$..., $6$...; exactly one of the two is set
  std::vector<std::string> allowed_ips;
  std::vector<std::string> bind_types;  // empty: all
  int max_connections = 0;              // 0: unlimited
  RateLimit rate_limit;
  int window_size = 0;  // 0: the listener's
  std::vector<Pattern> source_allowed, source_blocked;
  std::vector<Pattern> destination_allowed, destination_blocked;
  std::string upstream;  // forced
  std::string tier;
  std::map<std::string, std::string> tags;
  std::string default_alphabet = "gsm7";
  std::optional<std::uint32_t> uncertain_status;
  std::optional<ClientOutbind> outbind;
  MessageIdFormat message_id_format = MessageIdFormat::kHex;
  std::optional<MessageMode> mode;  // unset: the route's
  ClientReceipts receipts;
  bool operator==(const Client&) const = default;
};

struct TransformRule {
  Mark mark;
  Match match;
  std::map<std::string, std::string> set;        // field or tlv.NAME -> literal
  std::map<std::string, std::string> transform;  // field or tlv.NAME -> template with ${field} and ${1}
  std::vector<std::string> remove;               // tlv.NAME
  bool operator==(const TransformRule&) const = default;
};

struct Filter {  // one step of `middleware`, in the order configured
  Mark mark;
  std::string type;                  // logger | auth | rate_limit | address_filter | transform | protocol | metrics
  std::string level = "info";        // logger
  bool text = false;                 // logger
  std::vector<TransformRule> rules;  // transform
  std::map<std::string, std::string> version_mapping;  // protocol
  bool prometheus = true;                              // metrics
  bool operator==(const Filter&) const = default;
};

}  // namespace smppd::config
