// A named group of SMSC hosts: addresses, credentials, pool, limits and habits. Plain values, any thread, immutable
// once loaded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/storage.h"
#include "config/tls.h"
#include "config/values.h"

namespace smppd::config {

struct Bind {
  std::string system_id;
  std::string password;
  std::string system_type;
  std::string type = "transceiver";  // transmitter | receiver | transceiver | pair (a transmitter and a receiver)
  std::uint8_t interface_version = 0x34;
  std::uint8_t addr_ton = 0;
  std::uint8_t addr_npi = 0;
  std::string address_range;
  bool operator==(const Bind&) const = default;
};

struct Host {
  Mark mark;
  Endpoint address;
  int weight = 100;
  int priority = 1;  // lower first
  std::optional<std::string> system_id;
  std::optional<std::string> password;
  std::map<std::string, double> cost;  // prefix ("+258", "*") -> price
  bool operator==(const Host&) const = default;
};

struct Pool {
  int min_connections = 1;  // per host
  int max_connections = 1;
  Millis idle_timeout{300'000};
  Millis max_lifetime{0};  // 0: for ever
  bool operator==(const Pool&) const = default;
};

struct UpstreamTimeouts {
  Millis connect{10'000};
  Millis bind{30'000};
  Millis submit{30'000};    // waiting for a window slot plus the wire
  Millis response{30'000};  // submit_sm written -> its response
  Millis read{60'000};
  Millis write{30'000};
  bool operator==(const UpstreamTimeouts&) const = default;
};

struct Health {
  bool enabled = true;
  std::string type = "enquire_link";  // enquire_link | tcp
  Millis interval{30'000};
  Millis timeout{10'000};
  int threshold = 3;
  int recovery_threshold = 2;
  bool operator==(const Health&) const = default;
};

struct Reconnect {
  Millis initial{1'000};
  Millis max{60'000};
  double factor = 2.0;
  double jitter = 0.2;
  bool operator==(const Reconnect&) const = default;
};

struct Throttling {      // answers ESME_RTHROTTLED / ESME_RMSGQFUL from the SMSC
  bool adaptive = true;  // find the rate that the SMSC takes
  Millis pause{1'000};   // no submit on the link for this long when it refuses about everything
  double decrease = 0.9;
  double increase_per_second = 0.1;
  bool operator==(const Throttling&) const = default;
};

struct Failover {
  bool enabled = true;
  int threshold = 3;
  Millis recovery_time{60'000};
  std::string fallback;  // upstream name; empty: none
  bool operator==(const Failover&) const = default;
};

// How a text that exceeds one short message is told to an SMSC.
enum class LongText : std::uint8_t { kAsIs, kUdh, kSar, kPayload };

struct MessageDefaults {
  int max_length = 0;                     // octets in short_message; 0: the version's own bound
  std::optional<LongText> long_messages;  // empty: as `multipart.segmentation` says
  std::string default_alphabet = "gsm7";  // what data_coding 0 means to this SMSC: gsm7 | gsm7_packed | latin1 | ascii
  std::optional<std::uint8_t> registered_delivery;
  std::string service_type;
  std::optional<std::uint8_t> source_addr_ton;
  std::optional<std::uint8_t> source_addr_npi;
  bool operator==(const MessageDefaults&) const = default;
};

// What a code or word of a carrier's receipts means.
struct ReceiptMeaning {
  std::uint8_t state = 7;              // message_state (3.4 §5.2.28)
  std::optional<std::uint16_t> error;  // what clients read as err:; absent: the carrier's own
  bool operator==(const ReceiptMeaning&) const = default;
};

struct ReceiptFormat {
  std::string id_format = "auto";             // auto | as_is | hex_to_dec | dec_to_hex
  std::string pattern;                        // RE2 with named groups id, stat, err, ...; empty: the usual text
  std::map<std::string, std::string> states;  // this carrier's word -> DELIVRD ...
  std::map<std::string, ReceiptMeaning> map;  // "001", "UNDELIV" or "001/UNDELIV": err, stat, or both
  bool detect_unflagged = false;              // a deliver_sm that reads like a receipt but is not flagged as one
  bool swap_addresses = false;
  bool operator==(const ReceiptFormat&) const = default;
};

struct MockOutcome {
  double weight = 1;
  std::uint32_t status = 0;
  std::string receipt_state;  // empty: no receipt even if asked for
  std::string receipt_error = "000";
  bool operator==(const MockOutcome&) const = default;
};

struct MockChaos {  // shares, 0..1
  double missing_receipts = 0;
  double duplicate_receipts = 0;
  double early_receipts = 0;
  double late_receipts = 0;
  Millis late_by{5'000};
  bool operator==(const MockChaos&) const = default;
};

struct Mock {
  std::string message_id = "mock-${counter}";
  Millis latency_min{0};
  Millis latency_max{0};
  std::string latency_distribution = "uniform";  // fixed | uniform | normal | exponential
  std::vector<MockOutcome> outcomes;             // empty: always accepted and delivered
  Millis receipt_delay{1'000};
  MockChaos chaos;
  bool operator==(const Mock&) const = default;
};

// An SMSC that calls us (3.4 §2.2.1, §4.1.7): where we wait, whom we believe, and how we bind in answer.
struct UpstreamOutbind {
  Mark mark;
  Endpoint address;
  std::string system_id;
  std::string password;
  std::string type = "receiver";         // receiver | transceiver (5.0)
  std::vector<std::string> allowed_ips;  // CIDR; empty: all
  int max_connections = 4;
  bool operator==(const UpstreamOutbind&) const = default;
};

struct Upstream {
  Mark mark;
  std::string name;
  std::vector<Host> hosts;
  std::optional<UpstreamOutbind> outbind;  // beside `hosts` or instead of them
  Bind bind;
  Pool pool;
  std::optional<UpstreamTls> tls;
  UpstreamTimeouts timeouts;
  Health health;
  std::string algorithm = "round_robin";
  RateLimit rate_limit;
  int window_size = 10;  // per link
  Millis window_timeout{60'000};
  Millis enquire_link_interval{30'000};
  Millis enquire_link_timeout{10'000};
  Reconnect reconnect;
  Throttling throttling;
  Retry retry;
  Failover failover;
  MessageDefaults message;
  ReceiptFormat receipts;
  std::optional<Mock> mock;  // set: no hosts, answers come from here
  std::map<std::string, std::string> tags;
  std::string message_id = "own";  // own | upstream
  bool operator==(const Upstream&) const = default;
};

}  // namespace smppd::config
