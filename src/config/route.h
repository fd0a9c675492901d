// Where messages go: MT routes, MO routes and what they match on. Plain values, any thread, immutable once loaded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/storage.h"
#include "config/values.h"

namespace smppd::config {

struct Schedule {
  std::string timezone = "UTC";
  std::string hours;              // "22:00-06:00"; empty: all day
  std::vector<std::string> days;  // mon ... sun; empty: all
  bool operator==(const Schedule&) const = default;
};

struct Match {  // every member that is set must hold; within a list one is enough
  std::vector<Pattern> destination_addr;
  std::vector<Pattern> source_addr;
  std::vector<Pattern> service_type;
  std::vector<std::string> client;
  std::vector<std::string> client_tier;
  std::map<std::string, std::vector<std::string>> client_tags;
  std::vector<std::uint8_t> destination_addr_ton, destination_addr_npi, source_addr_ton, source_addr_npi;
  std::vector<std::uint8_t> esm_class, data_coding, protocol_id, priority_flag;
  std::vector<Pattern> text;          // on the decoded text
  std::vector<std::string> upstream;  // mo_routes only
  std::optional<Schedule> schedule;
  bool operator==(const Match&) const = default;
};

struct WeightedUpstream {
  std::string upstream;
  double weight = 1;
  bool operator==(const WeightedUpstream&) const = default;
};

struct CannedResponse {  // `response:` routes answer without an upstream
  std::uint32_t status = 0;
  std::string message_id = "${id}";
  bool operator==(const CannedResponse&) const = default;
};

struct Route {
  Mark mark;
  std::string name;
  int priority = 100;
  Match match;
  std::vector<WeightedUpstream> upstreams;  // one: `upstream: NAME`; several: `split:`
  std::string balance = "weight";           // weight | adaptive: who of `split` is next
  std::vector<std::string> failover;
  std::string table;  // CSV file: prefix,upstream[,cost]
  std::optional<CannedResponse> response;
  std::optional<MessageMode> mode;  // unset: the message's esm_class says, or storage
  bool operator==(const Route&) const = default;
};

struct MoRoute {
  Mark mark;
  std::string name;
  Match match;
  std::vector<std::string> clients;  // the first with a receive-capable session takes it
  bool operator==(const MoRoute&) const = default;
};

}  // namespace smppd::config
