// The writing half of a journal: a thread of its own takes what the shard hands over, writes it behind the last record,
// syncs once for everything that came while the sync before ran, and says how far it is.
//
// A write or sync that fails makes nothing durable: everything that was not durable yet is written again into a new
// segment that begins at the same position (what a failed sync left in the old one is not trusted), again and again
// until it succeeds or the journal is closed. Meanwhile failing() is true.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "plugins/store/rocksdb/internal/segments.h"
#include "store/store.h"

namespace smppd::plugins::rocks_store {

class Journal {
 public:
  // What one flush of the shard hands over. Empty bytes carry only the news.
  struct Batch {
    std::vector<std::uint8_t> bytes;  // records, not sealed yet
    std::uint64_t first = 0;          // position of the first
    std::uint64_t end = 0;            // position behind the last
    store::Sequence last = 0;
    std::vector<std::uint8_t> entries;  // of the segment's index
    bool for_tables = false;            // some change is for the tables
    std::uint64_t low_water = 0;        // nothing before it is alive once this batch is durable
  };

  // `committed` takes each batch when it is durable, in order, on the commit thread; `progressed` follows.
  struct Hooks {
    std::function<void(Batch&&)> committed;
    std::function<void()> progressed;
  };

  Journal(SegmentSet& segments, store::Durability durability, Hooks hooks, std::uint64_t position);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  // Writes what was submitted, unless the disk refuses.
  ~Journal();

  // Shard. Never waits for the disk.
  void submit(Batch&& batch);
  // A batch is on its way: what comes meanwhile had better come in one, after the next `progressed`.
  [[nodiscard]] bool busy() const noexcept { return submitted_ != finished_.load(); }
  // What was appended and not submitted yet; counts as durable where nothing is promised.
  void hold(store::Sequence last) noexcept {
    if (durability_ == store::Durability::kNone) durable_sequence_.store(last);
  }

  [[nodiscard]] store::Sequence durable_sequence() const noexcept { return durable_sequence_.load(); }
  [[nodiscard]] std::uint64_t durable_position() const noexcept { return durable_position_.load(); }
  [[nodiscard]] bool failing() const noexcept { return failing_.load(); }
  [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_.load(); }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_.load(); }

 private:
  void run();
  void commit(std::vector<Batch>& batches);
  [[nodiscard]] store::DiskResult<void> write(std::vector<Batch>& batches, std::size_t& durable);
  [[nodiscard]] store::DiskResult<void> write_batch(Batch& batch);
  [[nodiscard]] store::DiskResult<void> sync();
  void finish(std::vector<Batch>& batches, std::size_t from, std::size_t to);

  SegmentSet& segments_;
  const store::Durability durability_;
  const Hooks hooks_;
  std::shared_ptr<Segment> current_;  // commit thread; at first the one to go on in
  bool unsynced_ = false;             // commit thread
  std::mutex mutex_;
  std::condition_variable work_;
  std::vector<Batch> queue_;     // guarded by mutex_
  bool stop_ = false;            // guarded by mutex_
  std::uint64_t submitted_ = 0;  // batches; shard
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<store::Sequence> durable_sequence_{0};
  std::atomic<std::uint64_t> durable_position_{0};
  std::atomic<bool> failing_{false};
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::thread thread_;
};

}  // namespace smppd::plugins::rocks_store
