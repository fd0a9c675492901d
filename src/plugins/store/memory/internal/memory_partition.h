// One shard's items, and the records that all partitions share.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include "store/item_index.h"
#include "store/partition.h"

namespace smppd::plugins::memory_store {

// Any shard. Bounded by octets: outcomes make room oldest first, expired records at once.
class Records {
 public:
  explicit Records(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  struct Record {
    std::string key;
    std::string value;
    store::Moment expires{};
  };

  void put(store::Table table, std::string_view key, ByteSpan value, store::Moment expires);
  void erase(store::Table table, std::string_view key);
  // The record `key` alone, or up to `limit` from `key` on. True when there are more.
  bool find(store::Table table, std::string_view key, store::Moment now, std::vector<Record>& found);
  bool scan(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
            std::vector<Record>& found);
  // Drops what expired and, above the bound, the oldest outcomes; returns how many of these.
  std::uint64_t shrink(store::Moment now);
  [[nodiscard]] bool full() const;

 private:
  struct Value {
    std::string value;
    store::Moment expires{};
    std::uint64_t order = 0;
  };
  using Map = absl::btree_map<std::string, Value>;
  static std::string key_of(store::Table table, std::string_view key);
  static std::uint64_t cost(const std::string& key, const Value& value) noexcept;
  void remove(Map::iterator at);

  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  Map records_;                                                      // guarded by mutex_
  absl::btree_set<std::pair<store::Moment, std::string>> expiries_;  // guarded by mutex_
  absl::btree_map<std::uint64_t, std::string> outcomes_;             // guarded by mutex_: by order of arrival
  std::uint64_t order_ = 0;                                          // guarded by mutex_
  std::uint64_t bytes_ = 0;                                          // guarded by mutex_
};

struct Bounds {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};

class MemoryPartition final : public store::Partition {
 public:
  MemoryPartition(Records& records, Bounds bounds) : records_(records), bounds_(bounds) {}

  store::Sequence append(const store::Transaction& transaction, store::Intake intake) noexcept override;
  void read(const store::ReadRequest& request) noexcept override;
  bool put_back(store::ItemId id, store::Moment due) noexcept override;
  void turn(store::Moment now) noexcept override;
  [[nodiscard]] store::PartitionStats stats() const override;

 private:
  struct Question {
    store::ReadRequest request;
    std::string key;
  };
  void apply(const store::Change& change);
  void answer(const Question& question);
  void take(const store::ReadRequest& request, std::vector<store::ItemView>& views, bool& more);
  [[nodiscard]] store::ItemView view_of(store::ItemIndex::Index index) const;
  void forget(store::ItemIndex::Index index);
  bool tell_expired();
  [[nodiscard]] store::Room room() const;

  Records& records_;
  const Bounds bounds_;
  store::ItemIndex index_;
  std::vector<std::vector<std::uint8_t>> bodies_;  // by Place::position
  std::vector<std::uint64_t> free_bodies_;
  std::deque<Question> questions_;
  std::vector<store::LaneId> woken_;
  std::vector<store::ItemId> expired_;
  store::Moment now_{};
  store::Sequence appended_ = 0;
  store::Sequence told_ = 0;
  store::Room told_room_ = store::Room::kOpen;
  std::uint64_t bytes_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t evicted_ = 0;
  store::Moment next_sweep_{};
  bool asked_for_turn_ = false;
};

}  // namespace smppd::plugins::memory_store
