// Which host of an upstream is next. Sans-I/O: hosts are numbers with weights and loads; one balancer per upstream and
// shard. A pick excludes the hosts already tried, so "next best" is part of the contract.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/cost_table.h"
#include "message/facts.h"
#include "upstream/quality.h"

namespace smppd::upstream {

enum class Algorithm : std::uint8_t {
  kRoundRobin,
  kWeightedRoundRobin,
  kLeastConnections,
  kRandom,
  kPowerOfTwo,
  kIpHash,
  kLatency,
  kCostBased,
  kAdaptive,
};
[[nodiscard]] Fallible<Algorithm> parse_algorithm(std::string_view name);

// What a balancer sees of a host; kept up to date by the group.
struct HostLoad {
  int weight = 100;
  std::uint32_t outstanding = 0;  // requests of this shard in flight there
  double latency_ns = 0;          // smoothed; 0 when unknown
  message::CostTable cost;
};

struct PickFacts {
  message::NormalAddress destination;  // for cost_based
  std::uint64_t client_hash = 0;       // of the client's address, for ip_hash
  std::uint32_t random = 0;
  const Quality* quality = nullptr;  // for adaptive; null: weights alone
  message::UpstreamId pinned;        // valid: this upstream's host `host`, as long as that one lives
  std::uint16_t host = 0;
};

class Balancer {
 public:
  static constexpr std::size_t kMaxHosts = 64;

  Balancer(Algorithm algorithm, std::size_t hosts, message::UpstreamId upstream = {})
      : algorithm_(algorithm), upstream_(upstream), credit_(hosts, 0) {}

  // One of the hosts whose bit is set in `candidates` (never 0).
  [[nodiscard]] std::size_t pick(const std::vector<HostLoad>& hosts, std::uint64_t candidates,
                                 const PickFacts& facts) noexcept;

 private:
  std::size_t round_robin(std::uint64_t candidates) noexcept;
  std::size_t weighted(const std::vector<HostLoad>& hosts, std::uint64_t candidates) noexcept;
  std::size_t cheapest(const std::vector<HostLoad>& hosts, std::uint64_t candidates, const PickFacts& facts) noexcept;
  [[nodiscard]] std::size_t best(const std::vector<HostLoad>& hosts, std::uint64_t candidates,
                                 const PickFacts& facts) const noexcept;

  Algorithm algorithm_;
  message::UpstreamId upstream_;
  std::size_t next_ = 0;
  std::vector<std::int64_t> credit_;
};

}  // namespace smppd::upstream
