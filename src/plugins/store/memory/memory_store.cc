#include "plugins/store/memory/memory_store.h"

#include <algorithm>

#include "plugins/store/memory/internal/memory_partition.h"

namespace smppd::plugins {

namespace {

class MemoryStore final : public store::Store {
 public:
  explicit MemoryStore(const store::StoreOptions& options) : records_(options.max_bytes / 2) {
    const unsigned shards = std::max(options.shards, 1U);
    const memory_store::Bounds bounds{std::max<std::uint64_t>(options.max_items / shards, 1),
                                      std::max<std::uint64_t>(options.max_bytes / 2 / shards, 1)};
    for (unsigned i = 0; i < shards; ++i) {
      partitions_.push_back(std::make_unique<memory_store::MemoryPartition>(records_, bounds));
    }
  }

  store::Partition& partition(unsigned shard) noexcept override { return *partitions_[shard]; }
  const store::Recovery& recovery() const noexcept override { return recovery_; }

 private:
  memory_store::Records records_;
  std::vector<std::unique_ptr<memory_store::MemoryPartition>> partitions_;
  store::Recovery recovery_;
};

Fallible<std::unique_ptr<store::Store>> open_memory(const store::StoreOptions& options) {
  if (options.durability != store::Durability::kNone) {
    return failure("backend: memory keeps nothing on disk; it takes durability: none only");
  }
  return std::make_unique<MemoryStore>(options);
}

}  // namespace

const store::StorePlugin kMemoryStore{"memory", {store::Durability::kNone, false, true}, open_memory};

}  // namespace smppd::plugins
