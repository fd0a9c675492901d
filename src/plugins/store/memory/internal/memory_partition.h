// One shard's items in memory; see records.h for the records that all shards share.
#pragma once

#include <string>
#include <vector>

#include "plugins/store/memory/internal/octet_pool.h"
#include "plugins/store/memory/internal/records.h"
#include "store/item_index.h"
#include "store/partition.h"

namespace smppd::plugins::memory_store {

struct Bounds {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};

class MemoryPartition final : public store::Partition {
 public:
  MemoryPartition(Records& records, Bounds bounds) : records_(records), bounds_(bounds) {}
  ~MemoryPartition() override;

  store::Sequence append(const store::Transaction& transaction, store::Intake intake) noexcept override;
  void read(const store::ReadRequest& request) noexcept override;
  bool put_back(store::ItemId id, store::Moment due) noexcept override;
  void turn(store::Moment now) noexcept override;
  [[nodiscard]] bool in_order(std::uint32_t order) noexcept override { return index_.in_order(order); }
  [[nodiscard]] store::PartitionStats stats() const override;

 private:
  struct Question {
    store::ReadRequest request;
    std::string key;
  };
  void apply(const store::Change& change);
  void answer(const Question& question);
  bool take(const store::ReadRequest& request);
  bool marked(const store::ReadRequest& request);
  [[nodiscard]] store::ItemView view_of(store::ItemIndex::Index index) const;
  void forget(store::ItemIndex::Index index);
  void free_octets(ByteSpan body) noexcept;
  bool tell_expired();
  [[nodiscard]] store::Room room() const;

  Records& records_;
  const Bounds bounds_;
  store::ItemIndex index_;
  OctetPool octets_;
  std::vector<ByteSpan> bodies_;  // by Place::position; of octets_
  std::vector<std::uint64_t> free_bodies_;
  std::vector<Question> questions_;
  std::vector<Question> answered_;  // those of this turn
  bool answering_ = false;          // the consumer looks at bodies
  std::vector<ByteSpan> retired_;   // finished meanwhile
  std::vector<store::ItemIndex::Index> taken_;
  std::vector<store::ItemView> items_;
  std::vector<Records::Record> found_;
  std::vector<store::RecordView> records_found_;
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
