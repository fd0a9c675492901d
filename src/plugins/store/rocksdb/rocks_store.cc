#include "plugins/store/rocksdb/rocks_store.h"

#include <algorithm>
#include <thread>

#include "plugins/store/rocksdb/internal/directory.h"
#include "plugins/store/rocksdb/internal/drain.h"
#include "plugins/store/rocksdb/internal/rocks_partition.h"
#include "plugins/store/rocksdb/internal/tables.h"

namespace smppd::plugins {

namespace {

using rocks_store::Directory;
using rocks_store::Reserve;
using rocks_store::RocksPartition;
using rocks_store::Tables;

class RocksStore final : public store::Store {
 public:
  explicit RocksStore(Directory directory) : directory_(std::move(directory)) {}
  ~RocksStore() override {
    partitions_.clear();
    tables_.reset();
  }

  Fallible<void> open(store::Disk& disk, const store::StoreOptions& options);
  store::Partition& partition(unsigned shard) noexcept override { return *partitions_[shard]; }
  const store::Recovery& recovery() const noexcept override { return recovery_; }

 private:
  Fallible<void> choose_journals(unsigned shards);
  Fallible<void> recover_partitions();
  Fallible<void> drain(store::Disk& disk);
  Fallible<void> open_on(store::Disk& disk, const store::StoreOptions& options, std::uint64_t to_open);

  Directory directory_;
  std::unique_ptr<Reserve> reserve_;
  store::Recovery recovery_;
  std::unique_ptr<Tables> tables_;
  std::vector<std::unique_ptr<RocksPartition>> partitions_;
};

// Another number of shards: new journals for all, and the old ones are emptied into them.
Fallible<void> RocksStore::choose_journals(unsigned shards) {
  Directory::Layout layout = directory_.layout();
  if (layout.active.size() == shards) return directory_.older() ? directory_.set_layout(layout) : Fallible<void>();
  layout.draining.insert(layout.draining.end(), layout.active.begin(), layout.active.end());
  layout.active.clear();
  for (unsigned i = 0; i < shards; ++i) layout.active.push_back(layout.next++);
  return directory_.set_layout(layout);
}

Fallible<void> RocksStore::recover_partitions() {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::vector<Fallible<void>> results(partitions_.size());
  std::vector<store::Recovery> recoveries(partitions_.size());
  std::vector<std::thread> threads;
  threads.reserve(partitions_.size());
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = partitions_[i]->recover(now, recoveries[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    if (!results[i]) return results[i];
    const store::Recovery& part = recoveries[i];
    recovery_.correlations += part.correlations;
    recovery_.torn_bytes += part.torn_bytes;
    recovery_.damaged_bytes += part.damaged_bytes;
    recovery_.replayed_bytes += part.replayed_bytes;
    recovery_.reports.insert(recovery_.reports.end(), part.reports.begin(), part.reports.end());
  }
  // What was applied again has to be there before a segment may go; if the disk refuses, the segments stay.
  if (auto flushed = tables_->flush(); !flushed) recovery_.reports.push_back("the tables: " + flushed.error());
  return {};
}

Fallible<void> RocksStore::drain(store::Disk& disk) {
  Directory::Layout layout = directory_.layout();
  if (layout.draining.empty()) return {};
  // The newest first: of an item that an interrupted start copied already, the copy is the one to keep.
  std::vector<unsigned> order = layout.draining;
  std::sort(order.rbegin(), order.rend());
  for (const unsigned journal : order) {
    auto done = rocks_store::drain_journal(disk, *tables_, directory_, journal, partitions_, recovery_);
    if (!done) return failure(directory_.journal_path(journal) + ": " + done.error());
  }
  layout.draining.clear();
  if (auto set = directory_.set_layout(layout); !set) return set;
  for (const unsigned journal : order) directory_.remove_journal(journal);
  return {};
}

Fallible<void> RocksStore::open(store::Disk& disk, const store::StoreOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  reserve_ = std::make_unique<Reserve>(disk, options.path, options.reserve_bytes);
  const std::uint64_t to_open = std::min<std::uint64_t>(Tables::kRoomToOpen, options.reserve_bytes / 2);
  if (auto room = reserve_->could_lend(to_open); !room) return room;
  if (auto opened = open_on(disk, options, to_open); !opened) return opened;
  for (auto& partition : partitions_) partition->start();
  if (auto drained = drain(disk); !drained) return drained;
  for (auto& partition : partitions_) {
    partition->finish_recovery();
    recovery_.items += partition->items();
  }
  recovery_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return {};
}

// What has to be written before the store is open is lent to it; what is left of that is the reserve's again.
Fallible<void> RocksStore::open_on(store::Disk& disk, const store::StoreOptions& options, std::uint64_t to_open) {
  const unsigned shards = std::max(options.shards, 1U);
  const Reserve::Loan loan(reserve_.get(), to_open);
  if (auto chosen = choose_journals(shards); !chosen) return chosen;
  if (auto whole = directory_.check_tables(); !whole) return whole;
  auto tables = Tables::open(directory_.tables_path(), Tables::Access::kReadWrite, reserve_.get());
  if (!tables) return std::unexpected(tables.error());
  tables_ = std::move(*tables);
  for (const unsigned journal : directory_.layout().active) {
    if (auto made = directory_.make_journal(journal); !made) return made;
    RocksPartition::Options each;
    each.directory = directory_.journal_path(journal);
    each.journal = journal;
    each.durability = options.durability;
    each.max_items = std::max<std::uint64_t>(options.max_items / shards, 1);
    each.max_bytes = std::max<std::uint64_t>(options.max_bytes / shards, 1);
    each.segment_bytes = options.segment_bytes;
    each.staged_bytes = options.staged_bytes;
    each.reserve = reserve_.get();
    each.tells_of_tables = partitions_.empty();
    partitions_.push_back(std::make_unique<RocksPartition>(disk, *tables_, std::move(each)));
  }
  if (auto recovered = recover_partitions(); !recovered) return recovered;
  for (auto& partition : partitions_) partition->make_ready();
  return {};
}

Fallible<std::unique_ptr<store::Store>> open_rocks(const store::StoreOptions& options) {
  store::Disk& disk = options.disk == nullptr ? store::real_disk() : *options.disk;
  auto directory = Directory::open(disk, options.path, Directory::Access::kUse);
  if (!directory) return std::unexpected(directory.error());
  auto opened = std::make_unique<RocksStore>(std::move(*directory));
  if (auto done = opened->open(disk, options); !done) return std::unexpected(done.error());
  return opened;
}

}  // namespace

const store::StorePlugin kRocksStore{"rocksdb", {store::Durability::kFsync, true, false}, open_rocks};

}  // namespace smppd::plugins
