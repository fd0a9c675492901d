// The records that all partitions of the memory store share. Bounded by octets: outcomes make room oldest first,
// expired records within a second.
//
// Each record is found by a hash of its key. Those of kCorrelations and kOutcomes, of which every message has some, are
// in no order: to list them looks at all. The others are few and lie in the order of their keys.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/btree_map.h>

#include "plugins/store/memory/internal/octet_pool.h"
#include "store/partition.h"
#include "store/split_table.h"

namespace smppd::plugins::memory_store {

// Any shard.
class Records {
 public:
  explicit Records(std::uint64_t max_bytes);
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;
  ~Records();

  struct Record {
    std::string key;
    std::string value;
    store::Moment expires{};
  };

  // Above the bound the oldest outcomes go; returns how many.
  std::uint64_t put(store::Table table, std::string_view key, ByteSpan value, store::Moment expires);
  void erase(store::Table table, std::string_view key);
  // The record `key` alone, or up to `limit` from `key` on. True when there are more.
  bool find(store::Table table, std::string_view key, store::Moment now, std::vector<Record>& found);
  bool scan(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
            std::vector<Record>& found);
  // Drops what expired, a bounded number at a time.
  void expire(store::Moment now);
  [[nodiscard]] bool full() const noexcept { return bytes_.load(std::memory_order_relaxed) > max_bytes_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = 0;
  static constexpr std::uint32_t kNoBucket = 0xFFFF'FFFF;  // never expires
  struct Links {
    Index older = kNone;
    Index newer = kNone;
  };
  struct Ends {
    Index oldest = kNone;
    Index newest = kNone;
  };
  struct Node {
    std::uint8_t* octets = nullptr;  // the key, then the value
    store::Moment expires{};
    std::uint32_t value_size = 0;
    std::uint16_t key_size = 0;
    store::Table table{};
    Links arrival;           // among kOutcomes
    Links expiry;            // in its bucket, the newest first
    std::uint32_t hash = 0;  // the upper half
    std::uint32_t bucket = kNoBucket;
  };
  struct Slot {
    Index index = kNone;
    std::uint32_t hash = 0;
    bool operator==(const Slot&) const noexcept = default;
  };
  static constexpr unsigned kBlockBits = 12;
  // A bucket is a quarter of a second, and comes round again after 18 hours: what lies in it for a later round stays.
  static constexpr unsigned kTickBits = 8;
  static constexpr std::uint32_t kBuckets = 1U << 18U;

  static std::uint64_t hash_of(store::Table table, std::string_view key) noexcept;
  static bool in_order(store::Table table) noexcept;
  static std::string name_of(store::Table table, std::string_view key);
  [[nodiscard]] Node& at(Index index) noexcept { return nodes_[index >> kBlockBits][index & ((1U << kBlockBits) - 1)]; }
  [[nodiscard]] std::string_view key_of(const Node& node) const noexcept {
    return as_text({node.octets, node.key_size});
  }
  [[nodiscard]] ByteSpan value_of(const Node& node) const noexcept {
    return {node.octets + node.key_size, node.value_size};
  }
  [[nodiscard]] Slot* find_slot(std::uint64_t hash, store::Table table, std::string_view key) noexcept;
  void join_arrivals(Index index) noexcept;
  void leave_arrivals(const Node& node) noexcept;
  void join_bucket(Index index) noexcept;
  void leave_bucket(Index index) noexcept;
  Index new_node();
  void remove(std::uint64_t hash, Slot* slot) noexcept;
  void remove(Index index) noexcept;
  void copy(const Node& node, std::vector<Record>& found) const;
  bool scan_all(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
                std::vector<Record>& found);
  void sweep(std::int64_t until, store::Moment now) noexcept;

  const std::uint64_t max_bytes_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::int64_t> swept_{0};  // the tick up to which all buckets are done
  std::mutex mutex_;
  // All guarded by mutex_.
  OctetPool octets_;
  std::vector<std::unique_ptr<Node[]>> nodes_;
  Index unused_ = 1;
  std::vector<Index> free_;
  store::SplitTable<Slot> by_key_;
  absl::btree_map<std::string, Index> ordered_;  // table and key
  Ends outcomes_;                                // by arrival
  std::vector<Index> buckets_;
  Index sweep_at_ = kNone;  // where the bucket behind swept_ goes on; kNone: at its begin
};

}  // namespace smppd::plugins::memory_store
