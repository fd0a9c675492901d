// One simulation: smppd's shards, clients and SMSCs on a simulated kernel, all of it decided by a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smppd::sim {

struct Outcome {
  std::uint64_t hash = 0;  // of everything smppd sent, and when
  std::size_t events = 0;
  std::size_t messages = 0, accepted = 0, uncertain = 0, receipts = 0;
  std::string scenario;  // what this seed is about
  std::vector<std::string> violations;
};

// Runs a seed from its start to the last closed descriptor. `verbose` shows smppd's log.
[[nodiscard]] Outcome run_seed(std::uint64_t seed, bool verbose);

}  // namespace smppd::sim
