// The running simulator: shards, listeners and what the shards share. Owned by main().
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/shard.h"
#include "smppsim/mo_generator.h"
#include "smppsim/options.h"
#include "smppsim/shard.h"

namespace smppd::sim {

class Simulator final : public Directory {
 public:
  explicit Simulator(const Options& options);
  ~Simulator() override;

  // Opens every listener and starts the shards; prints a line for each address when all are ready.
  [[nodiscard]] Fallible<void> start();
  // Ends every session and thread.
  void stop();
  // After stop().
  [[nodiscard]] Stats stats() const;

  bool session_bound(const std::string& system_id, bool receives, unsigned shard) override;
  void session_ended(const std::string& system_id, bool receives, unsigned shard) override;
  Shard* receiving_shard(const std::string& system_id, const Shard& asking) override;
  std::string any_receiver() override;
  Shard& shard_of(std::uint64_t message_number) override;

 private:
  struct Presence {
    unsigned sessions = 0;
    unsigned receivers = 0;
    std::vector<unsigned> receivers_on;  // by shard
  };

  const Options& options_;
  std::unique_ptr<PduLog> log_;
  runtime::ShardGroup group_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<MoGenerator>> generators_;
  std::mutex mutex_;
  std::map<std::string, Presence> presence_;
  std::uint64_t turn_ = 0;
};

}  // namespace smppd::sim
