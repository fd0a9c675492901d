// One shard's half of the durable store: the index of what is alive, what was appended since the last turn, what is to
// be asked of the keeper. The journal's thread and the keeper's do everything that can wait for a disk.
//
// Positions are given out here, so the index is right the moment something is appended. Nothing is given to the
// consumer before it is durable, and nothing is let go before what replaces it is.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "plugins/store/rocksdb/internal/journal.h"
#include "plugins/store/rocksdb/internal/keeper.h"
#include "plugins/store/rocksdb/internal/live_map.h"
#include "plugins/store/rocksdb/internal/recovery.h"
#include "plugins/store/rocksdb/internal/tables.h"
#include "store/item_index.h"
#include "store/split_table.h"

namespace smppd::plugins::rocks_store {

class RocksPartition final : public store::Partition {
 public:
  struct Options {
    std::string directory;
    unsigned journal = 0;
    store::Durability durability = store::Durability::kFsync;
    std::uint64_t max_items = 0;
    std::uint64_t max_bytes = 0;
    std::uint64_t segment_bytes = 0;
    std::uint64_t staged_bytes = 0;
    Reserve* reserve = nullptr;
    bool tells_of_tables = false;  // theirs are among its write_failures; for one of all partitions
  };

  RocksPartition(store::Disk& disk, Tables& tables, Options options);
  ~RocksPartition() override;

  // Control thread, in this order, before the shard runs: what is on disk, what comes from journals no longer used, go.
  [[nodiscard]] Fallible<void> recover(store::Moment now, store::Recovery& recovery);
  // Then, when the tables had their chance to write what recovery gave them: sees to it that what is owed can be
  // written, before others take what is free.
  void make_ready();
  void start();
  [[nodiscard]] bool has(store::ItemId id) noexcept {
    apply_pending();
    return index_.find(id) != store::ItemIndex::kNone;
  }
  // Keeps what is staged bounded while a journal is emptied into this one; false when the disk refuses.
  [[nodiscard]] bool settle(std::uint64_t most_staged);
  // Without regard to bounds: it was accepted before.
  void restore(const store::Transaction& transaction) { stage(transaction.bytes()); }
  void finish_recovery() {
    apply_pending();
    index_.sort_ready();
  }
  [[nodiscard]] std::uint64_t items() const noexcept { return index_.size(); }

  store::Sequence append(const store::Transaction& transaction, store::Intake intake) noexcept override;
  void read(const store::ReadRequest& request) noexcept override;
  bool put_back(store::ItemId id, store::Moment due) noexcept override;
  void turn(store::Moment now) noexcept override;
  [[nodiscard]] bool in_order(std::uint32_t order) noexcept override {
    apply_pending();
    return index_.in_order(order);
  }
  [[nodiscard]] store::PartitionStats stats() const override;

  [[nodiscard]] std::uint64_t correlations() const noexcept { return correlations_.size(); }

 private:
  using Index = store::ItemIndex::Index;
  static constexpr std::size_t kMostPending = 64;
  static constexpr std::uint64_t kNoneFactor = 4;  // times staged_bytes, at which nothing is taken any more
  static constexpr std::uint64_t kMargin = 8;      // of a segment that share, for what is left unused at the end of one
  struct Correlation {                             // 16 octets
    std::uint64_t hash = 0;
    std::uint64_t place = 0;  // 48 bits position, 16 bits units
    bool operator==(const Correlation&) const noexcept = default;
  };

  void apply(const IndexEntry& entry);
  void apply_later(const IndexEntry& entry);
  void apply_pending();
  void apply_item(const IndexEntry& entry);
  void apply_correlation(const IndexEntry& entry);
  void lose(Index index);
  void note(const IndexEntry& entry);
  void stage(ByteSpan payload);
  // Puts a record behind the others; what it means is the caller's.
  store::ItemIndex::Place write_record(ByteSpan payload);
  enum class Flush : std::uint8_t { kWhenIdle, kNow };
  void flush(Flush when);
  void hand_over();
  void hand_over_if_long();
  void dispatch();
  [[nodiscard]] bool find_marked(Question& question);
  [[nodiscard]] bool place_question(Question& question);
  void deliver(Answer& answer);
  void move_live(Chunk& chunk);
  void move_change(Chunk& chunk, const store::Change& change, std::uint64_t position);
  void forget_moved(const std::vector<Moved>& moved);
  void forget_damaged(std::uint64_t before);
  void forget_correlation(std::uint64_t hash);
  void clean_if_worth_it();
  void clean_for_room();
  [[nodiscard]] bool worth_a_round(std::uint64_t oldest) noexcept;
  void keep_room_to_move();
  [[nodiscard]] std::uint64_t live_in(const Segment& segment) const noexcept;
  [[nodiscard]] std::uint64_t low_water() const noexcept { return std::max(live_.low_water(head_), cleaned_until_); }
  [[nodiscard]] std::uint64_t waiting() const noexcept;  // octets that the disk or the tables are behind
  [[nodiscard]] bool takes_nothing(std::uint64_t waits) const noexcept {
    return waits / kNoneFactor >= options_.staged_bytes;
  }
  // Octets that surely have room on the disk.
  [[nodiscard]] std::uint64_t room_ahead() const noexcept {
    return std::max(segments_.allocated_until(), head_) - head_;
  }
  [[nodiscard]] bool short_of_room() const noexcept;
  [[nodiscard]] bool disk_is_full() const noexcept {
    return keeper_->without_space() || !segments_.reserve_is_enough();
  }
  [[nodiscard]] store::Room room_now() const noexcept;
  [[nodiscard]] Correlation* find_correlation(std::uint64_t hash) noexcept {
    return correlations_.find(hash, [&](const Correlation& each) { return each.hash == hash; });
  }
  // True when there are more.
  bool tell_expired();
  void progressed();

  store::Disk& disk_;
  Tables& tables_;
  const Options options_;
  SegmentSet segments_;

  store::ItemIndex index_;
  store::SplitTable<Correlation> correlations_;
  LiveMap live_;
  std::array<IndexEntry, kMostPending> pending_;  // appended, on its way into the cache: apply_pending() before a look
  std::size_t pending_count_ = 0;
  std::uint64_t item_bytes_ = 0;
  std::uint64_t head_ = kFirstPosition;  // position of the next record
  std::uint64_t low_water_told_ = 0;
  store::Sequence appended_ = 0;
  store::Sequence told_ = 0;
  Journal::Batch staged_;
  std::deque<Question> questions_;
  std::vector<store::LaneId> woken_;
  std::vector<store::ItemId> expired_;
  std::vector<Index> taken_;
  Keeper::Outbox outbox_;
  store::Transaction scratch_;
  store::Moment now_{};
  store::Moment next_sweep_{};
  store::Room told_room_ = store::Room::kOpen;
  bool cleaning_ = false;
  std::uint64_t clean_end_ = 0;          // what is being cleaned, or was at last, ends here
  std::uint64_t cleaned_until_ = 0;      // nothing before it is alive
  std::uint64_t kept_ = 0;               // of the room ahead, to move the oldest segment into
  std::uint64_t round_end_ = 0;          // of the journal, when cleaning for room last began at its beginning
  std::uint64_t appended_at_round_ = 0;  // octets, moved ones not counted
  std::uint64_t moved_octets_ = 0;
  bool indexing_ = false;                      // marks, for the first question
  absl::flat_hash_set<std::uint64_t> moving_;  // hashes of correlations on their way to the tables
  std::uint64_t refused_ = 0;
  std::uint64_t moved_ = 0;
  std::uint64_t damaged_ = 0;
  store::ItemId highest_item_ = 0;

  std::atomic<bool> woken_up_{false};
  Keeper::Begin begin_;  // until start()
  // In this order: the journal ends first and the keeper works off what it committed.
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Journal> journal_;
};

// Adds what the tables lack of a change that is found in a journal.
void replay(Tables& tables, const store::Change& change, Tables::Batch& batch);

}  // namespace smppd::plugins::rocks_store
