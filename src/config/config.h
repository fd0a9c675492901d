// The typed configuration: what the loader makes of the user's YAML, JSON or TOML after dialects, environment and
// defaults. Plain values, immutable once loaded, shared as shared_ptr<const Config>. Only factories read it; the
// message path reads what they compile from it. Every member is bound to one option description in config/options*.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/client.h"
#include "config/listener.h"
#include "config/route.h"
#include "config/storage.h"
#include "config/upstream.h"
#include "config/values.h"

namespace smppd::config {

struct Runtime {
  int shards = 0;  // 0: one per core
  bool pin_cpus = false;
  Millis busy_poll{0};  // 0: sleep at once
  Millis drain_timeout{30'000};
  bool operator==(const Runtime&) const = default;
};

enum class PartReceipts : std::uint8_t { kAllParts, kEach, kLast };

struct Segmentation {  // long messages towards SMSCs
  bool enabled = false;
  LongText method = LongText::kUdh;
  int max_parts = 10;
  PartReceipts receipts = PartReceipts::kAllParts;
  bool operator==(const Segmentation&) const = default;
};

enum class ReferenceMode : std::uint8_t { kPreserve, kRegenerate, kSequential };

struct References {  // by which handsets know the parts of one message
  ReferenceMode mode = ReferenceMode::kPreserve;
  bool wide = false;  // 16 bits in messages cut here
  bool operator==(const References&) const = default;
};

struct Multipart {
  bool reassembly = false;
  Millis reassembly_timeout{300'000};
  int max_parts = 20;
  int buffer_size = 100'000;  // parts held per shard
  Segmentation segmentation;
  References reference;
  bool operator==(const Multipart&) const = default;
};

struct Receipts {  // the correlation map, in memory
  std::uint32_t max_entries = 10'000'000;
  Millis retention{std::chrono::hours(24 * 9)};
  std::uint32_t untracked_entries = 65'536;  // last messages without a receipt asked for, for query/cancel/replace
  Millis early_hold{2'000};                  // an early receipt waits this long before it is acknowledged unmatched
  Millis park{60'000};
  std::uint32_t max_parked = 100'000;
  bool operator==(const Receipts&) const = default;
};

// Outcomes by upstream, host and destination prefix; docs/feedback.md.
struct Feedback {
  bool enabled = false;  // also where nothing is adaptive, for its statistics
  Millis half_life{60'000};
  double explore = 0.02;
  double tolerance = 0.1;
  double prior = 10;
  double memory = 500;
  int prefix_digits = 5;
  std::uint32_t max_entries = 4096;
  std::uint32_t shown_prefixes = 50;
  bool operator==(const Feedback&) const = default;
};

struct Logging {
  std::string level = "info";
  std::string format = "json";
  std::string output = "stdout";
  std::string file_path;
  std::uint64_t file_rotation_size = 100'000'000;
  int file_max_files = 10;
  std::map<std::string, std::string> levels;  // module -> level
  bool operator==(const Logging&) const = default;
};

struct Metrics {
  bool enabled = true;
  std::string path = "/metrics";
  std::uint16_t port = 0;  // 0: on the management listener only
  bool operator==(const Metrics&) const = default;
};

struct Management {
  bool enabled = true;
  Endpoint address{"127.0.0.1", 8081};
  std::string auth_type;  // empty or basic
  std::string username;
  std::string password;
  bool operator==(const Management&) const = default;
};

struct VendorTlv {
  std::string name;
  std::uint16_t tag = 0;
  std::string type = "octets";
  int min_length = 0;
  int max_length = 65'535;
  bool operator==(const VendorTlv&) const = default;
};

struct Config {
  std::string file;
  Runtime runtime;
  std::vector<Listener> listeners;
  std::vector<Upstream> upstreams;
  std::vector<Route> routes;
  std::vector<MoRoute> mo_routes;
  std::vector<Client> clients;
  std::vector<Filter> middleware;
  Multipart multipart;
  Receipts receipts;
  Feedback feedback;
  Storage storage;
  Logging logging;
  Metrics metrics;
  Management management;
  std::vector<VendorTlv> tlvs;
  std::vector<std::string> warnings;  // sentences for the log at start and for `smppd validate`
  bool operator==(const Config&) const = default;
};

using ConfigPtr = std::shared_ptr<const Config>;

}  // namespace smppd::config
