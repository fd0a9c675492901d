#include "plugins/store/rocksdb/internal/journal.h"

#include <chrono>

#include "plugins/store/rocksdb/internal/format.h"
#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

namespace {
constexpr auto kRetryAfter = std::chrono::milliseconds(100);

void seal_all(std::vector<std::uint8_t>& bytes, unsigned journal) noexcept {
  for (std::size_t at = 0; at < bytes.size();) {
    seal_record(&bytes[at], journal);
    at += record_size(load_be<std::uint32_t>(&bytes[at]));
  }
}
}  // namespace

Journal::Journal(SegmentSet& segments, store::Durability durability, Hooks hooks, std::uint64_t position)
    : segments_(segments),
      durability_(durability),
      hooks_(std::move(hooks)),
      current_(segments.begun()),
      durable_position_(position),
      thread_([this] { run(); }) {}

Journal::~Journal() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

void Journal::submit(Batch&& batch) {
  if (durability_ == store::Durability::kNone && batch.last != 0) durable_sequence_.store(batch.last);
  ++submitted_;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = queue_.empty();
    queue_.push_back(std::move(batch));
  }
  if (wake) work_.notify_one();
}

void Journal::run() {
  std::vector<Batch> batches;
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    batches.swap(queue_);
    lock.unlock();
    for (Batch& batch : batches) seal_all(batch.bytes, segments_.journal());
    commit(batches);
    batches.clear();
    lock.lock();
  }
}

void Journal::commit(std::vector<Batch>& batches) {
  std::size_t durable = 0;
  for (;;) {
    const std::size_t before = durable;
    const auto written = write(batches, durable);
    finish(batches, before, durable);
    if (written) {
      if (failing_.exchange(false))
        kStoreLog.info("the journal can be written again", {{"path", segments_.directory()}});
      hooks_.progressed();
      return;
    }
    failures_.fetch_add(1);
    if (!failing_.exchange(true)) {
      kStoreLog.error("the journal cannot be written; nothing new is taken until it can",
                      {{"path", segments_.directory()}, {"error", store::error_text(written.error())}});
    }
    hooks_.progressed();
    current_ = nullptr;
    unsynced_ = false;
    std::unique_lock lock(mutex_);
    if (work_.wait_for(lock, kRetryAfter, [this] { return stop_; })) {
      kStoreLog.error("closed while the journal could not be written; what was not answered for is lost",
                      {{"path", segments_.directory()}, {"transactions", batches.back().last - durable_sequence()}});
      return;
    }
  }
}

store::DiskResult<void> Journal::sync() {
  if (!unsynced_) return {};
  if (durability_ == store::Durability::kFsync) {
    syncs_.fetch_add(1);
    if (auto synced = current_->file->sync(); !synced) return synced;
  }
  unsynced_ = false;
  return {};
}

// Behind the last record come zeros, which the next write takes the place of: so the end is known in a segment that was
// used before.
store::DiskResult<void> Journal::write_batch(Batch& batch) {
  const std::uint64_t offset = kSegmentHeader + (batch.first - current_->base);
  const std::size_t size = batch.bytes.size();
  const bool room = offset + size + kRecordHeader <= current_->bytes;
  if (room) batch.bytes.resize(size + kRecordHeader);
  auto written = current_->file->write_at(batch.bytes, offset);
  batch.bytes.resize(size);
  return written;
}

store::DiskResult<void> Journal::write(std::vector<Batch>& batches, std::size_t& durable) {
  for (std::size_t i = durable; i < batches.size(); ++i) {
    Batch& batch = batches[i];
    if (batch.bytes.empty()) continue;
    const bool fits = current_ != nullptr && kSegmentHeader + (batch.end - current_->base) <= current_->bytes;
    if (!fits) {
      // A batch longer than a segment gets one of its own, as long as it must be.
      if (auto synced = sync(); !synced) return synced;
      durable = i;
      auto started = segments_.start(batch.first);
      if (!started) return std::unexpected(started.error());
      current_ = std::move(*started);
      unsynced_ = true;
    }
    if (auto written = write_batch(batch); !written) return written;
    unsynced_ = true;
    current_->end.store(batch.end);
  }
  if (auto synced = sync(); !synced) return synced;
  durable = batches.size();
  return {};
}

void Journal::finish(std::vector<Batch>& batches, std::size_t from, std::size_t to) {
  if (from == to) return;
  const store::Sequence last = batches[to - 1].last;
  const std::uint64_t end = batches[to - 1].end;
  // The keeper first: who hears of durability may ask for what it brought.
  for (std::size_t i = from; i < to; ++i) hooks_.committed(std::move(batches[i]));
  if (last > durable_sequence_.load()) durable_sequence_.store(last);
  durable_position_.store(end);
  finished_.fetch_add(to - from);
}

}  // namespace smppd::plugins::rocks_store
