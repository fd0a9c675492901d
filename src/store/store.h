// The store of a process: opened at start-up on the control thread, before the shards run, and closed (destroyed) after
// they stopped. What it recovered is in its partitions when open() returns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/disk.h"
#include "store/partition.h"

namespace smppd::store {

// When a transaction counts as durable.
enum class Durability : std::uint8_t {
  kFsync,  // it is on the disk: survives the machine's crash
  kOs,     // the operating system has it: survives the process's crash
  kNone,   // it was appended: survives nothing
};

// What a backend can promise; what it cannot is refused where the configuration asks for it.
struct Capabilities {
  Durability best = Durability::kNone;
  bool keeps_over_restart = false;
  bool bounded_by_memory = false;  // items and their bodies are in memory
};

struct StoreOptions {
  std::string path;  // a directory that exists; unused by memory
  Durability durability = Durability::kFsync;
  unsigned shards = 1;
  std::uint64_t max_items = 10'000'000;                  // over all partitions
  std::uint64_t max_bytes = 16ULL * 1024 * 1024 * 1024;  // of live items (memory: of everything), over all partitions
  std::uint32_t segment_bytes = 64U * 1024 * 1024;
  std::uint32_t staged_bytes = 16U * 1024 * 1024;    // of one partition: appended and not durable
  std::uint64_t reserve_bytes = 128U * 1024 * 1024;  // kept for a full disk, besides two segments for each shard
  Disk* disk = nullptr;                              // null: the real one
};

// What opening found, for the log.
struct Recovery {
  std::uint64_t items = 0;
  std::uint64_t correlations = 0;
  std::uint64_t torn_bytes = 0;     // at the end of a journal: never answered for, cut off
  std::uint64_t damaged_bytes = 0;  // in the middle: lost, the rest was kept
  std::uint64_t replayed_bytes = 0;
  double seconds = 0;
  std::vector<std::string> reports;  // a sentence for each thing that was not as it should be
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  [[nodiscard]] virtual Partition& partition(unsigned shard) noexcept = 0;
  [[nodiscard]] virtual const Recovery& recovery() const noexcept = 0;
};

// What a backend exports.
struct StorePlugin {
  const char* name;  // storage.backend
  Capabilities capabilities;
  // The error is a sentence with the path in it; a store that was refused is untouched.
  Fallible<std::unique_ptr<Store>> (*open)(const StoreOptions& options);
};

}  // namespace smppd::store
