#include "plugins/store/rocksdb/internal/keeper.h"

#include <algorithm>
#include <chrono>

#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

using store::Change;

namespace {
constexpr auto kIdle = std::chrono::milliseconds(50);
constexpr std::size_t kSpareBuffers = 64;
constexpr std::size_t kSmallestBuffer = std::size_t{256} * 1024;
constexpr std::size_t kLargestSpareBuffer = 4U << 20;
constexpr std::uint64_t kUnflushedSegments = 4;
constexpr auto kTablesRetry = std::chrono::milliseconds(200);
constexpr auto kSpareAgain = std::chrono::milliseconds(100);
constexpr auto kAskAgain = std::chrono::seconds(1);
}  // namespace

ByteSpan payload_at(const std::uint8_t* record) noexcept {
  return {record + kRecordHeader, load_be<std::uint32_t>(record)};
}

bool is_for_tables(const Change& change) noexcept {
  return change.kind == Change::Kind::kErase ||
         (change.kind == Change::Kind::kPut && change.table != store::Table::kCorrelations);
}

IndexEntry entry_of(const Change& change, std::uint64_t position, std::uint32_t units) noexcept {
  IndexEntry entry;
  entry.kind = change.kind;
  entry.position = position;
  entry.units = units;
  if (change.kind == Change::Kind::kPut || change.kind == Change::Kind::kErase) {
    entry.id = key_hash(change.table, change.key);
  } else {
    entry.id = change.id;
    if (change.kind != Change::Kind::kFinish) entry.progress = change.progress;
  }
  return entry;
}

Keeper::Keeper(SegmentSet& segments, Tables& tables, Begin begin, std::function<void()> progressed)
    : segments_(segments),
      tables_(tables),
      progressed_(std::move(progressed)),
      indexed_(segments.begun()),
      has_table_changes_(indexed_ != nullptr && begin.has_table_changes),
      indexed_end_(begin.position),
      applied_(begin.position) {
  if (indexed_ != nullptr) entries_.insert(entries_.end(), begin.entries.begin(), begin.entries.end());
  if (!tables_.durable(begin.unflushed)) unflushed_.push_back({0, begin.unflushed});
  thread_ = std::thread([this] { run(); });
}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Keeper::put(Job&& job) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = jobs_.empty();
    jobs_.push_back(std::move(job));
  }
  if (wake) wake_.notify_one();
}

void Keeper::committed(Journal::Batch&& batch) { put(Job(std::move(batch))); }
void Keeper::ask(Question&& question) { put(Job(std::move(question))); }
void Keeper::clean(std::uint64_t from, std::uint64_t to) { put(Job(Clean{from, to})); }
void Keeper::cleaned(Chunk&& chunk) { put(Job(std::move(chunk))); }

void Keeper::collect(Outbox& outbox) {
  outbox.answers.clear();
  outbox.chunks.clear();
  outbox.confirmed.clear();
  const std::lock_guard lock(mutex_);
  std::swap(outbox, outbox_);
}

std::vector<std::uint8_t> Keeper::buffer() {
  std::vector<std::uint8_t> taken;
  {
    const std::lock_guard lock(mutex_);
    if (!buffers_.empty()) {
      taken = std::move(buffers_.back());
      buffers_.pop_back();
    }
  }
  taken.reserve(kSmallestBuffer);
  return taken;
}

void Keeper::run() {
  std::deque<Job> jobs;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, kIdle, [this] { return stop_ || !jobs_.empty(); });
    const bool last = stop_ && jobs_.empty();
    jobs.swap(jobs_);
    lock.unlock();
    for (Job& job : jobs) std::visit([this](auto& what) { work(what); }, job);
    jobs.clear();
    maintain();
    if (last) {
      close_index();
      return;
    }
    lock.lock();
  }
}

void Keeper::add_to_tables(const Change& change) {
  if (change.kind == Change::Kind::kPut && change.table != store::Table::kCorrelations) {
    table_batch_.put(change.table, change.key, change.body, change.expires);
  } else if (change.kind == Change::Kind::kErase) {
    // Most correlations never reach the tables; to delete them there blindly would cost more than all the rest.
    if (change.table == store::Table::kCorrelations && !tables_.may_have(change.table, change.key)) return;
    table_batch_.erase(change.table, change.key);
  }
}

// Empty when the keeper is to stop before the tables could be written. The journal has it all: the next start applies
// it.
std::optional<Tables::Stamp> Keeper::apply_surely(Tables::Batch& batch) {
  for (bool told = false;; told = true) {
    if (const auto applied = tables_.apply(batch))
      return *applied;
    else if (!told)
      kStoreLog.error("the tables cannot be written; trying again", {{"error", applied.error()}});
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kTablesRetry, [this] { return stop_; })) return std::nullopt;
  }
}

void Keeper::apply_tables(std::uint64_t first, std::uint64_t end) {
  if (table_batch_.empty()) return;
  table_batch_.mark(segments_.journal(), end);
  const auto stamp = apply_surely(table_batch_);
  // What waits for the same file is released together.
  const bool same = stamp && !unflushed_.empty() && unflushed_.back().stamp == *stamp;
  if (stamp && !same) unflushed_.push_back({first, *stamp});
  table_batch_.clear();
}

void Keeper::add_batch_to_tables(const Journal::Batch& batch) {
  has_table_changes_ = true;
  for (std::size_t at = 0; at < batch.bytes.size();) {
    const ByteSpan payload = payload_at(&batch.bytes[at]);
    store::ChangeReader reader(payload);
    Change change;
    while (reader.next(change)) add_to_tables(change);
    at += record_size(payload.size());
  }
}

void Keeper::work(Journal::Batch& batch) {
  if (!batch.bytes.empty()) {
    if (auto segment = segments_.at(batch.first); segment != indexed_) {
      close_index();
      indexed_ = std::move(segment);
    }
  }
  entries_.insert(entries_.end(), batch.entries.begin(), batch.entries.end());
  if (batch.for_tables) add_batch_to_tables(batch);
  apply_tables(batch.first, batch.end);
  low_water_ = std::max(low_water_, batch.low_water);
  indexed_end_ = batch.end;
  applied_.store(batch.end);
  keep_buffer(std::move(batch.bytes));
  keep_buffer(std::move(batch.entries));
}

void Keeper::keep_buffer(std::vector<std::uint8_t>&& buffer) {
  if (buffer.capacity() == 0 || buffer.capacity() > kLargestSpareBuffer) return;
  buffer.clear();
  const std::lock_guard lock(mutex_);
  if (buffers_.size() < kSpareBuffers) buffers_.push_back(std::move(buffer));
}

void Keeper::close_index() {
  if (indexed_ == nullptr) return;
  seal_index_file(entries_,
                  {{segments_.journal(), indexed_->number, indexed_->base}, indexed_end_, has_table_changes_, {}});
  auto written = segments_.write_index(*indexed_, entries_);
  if (!written) {
    kStoreLog.warn("a segment has no index; the next start reads the segment",
                   {{"path", indexed_->path}, {"error", store::error_text(written.error())}});
  }
  entries_.resize(kIndexHeader);
  has_table_changes_ = false;
  indexed_ = nullptr;
}

void Keeper::confirm_moved() {
  bool any = false;
  while (!moved_.empty() && tables_.durable(moved_.front().first)) {
    const std::lock_guard lock(mutex_);
    std::move(moved_.front().second.begin(), moved_.front().second.end(), std::back_inserter(outbox_.confirmed));
    moved_.pop_front();
    any = true;
  }
  if (any) progressed_();
}

void Keeper::release_segments() {
  while (!unflushed_.empty() && tables_.durable(unflushed_.front().stamp)) unflushed_.pop_front();
  std::uint64_t safe = low_water_;
  if (!unflushed_.empty()) safe = std::min(safe, unflushed_.front().first);
  if (auto released = segments_.release(safe); !released) {
    kStoreLog.warn("a segment cannot be released", {{"error", store::error_text(released.error())}});
  }
  const std::uint64_t behind = unflushed_.empty() ? 0 : applied_.load() - unflushed_.front().first;
  // Without space each segment counts.
  const bool holding = safe < low_water_ && (low_water_ - safe >= segments_.segment_bytes() ||
                                             (without_space() && segments_.could_release(low_water_)));
  if (!holding && behind < kUnflushedSegments * segments_.segment_bytes() && moved_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  if (!tables_.durable(flush_asked_for_) && now - flush_asked_at_ < kAskAgain) return;  // one at a time
  const Tables::Stamp batches = unflushed_.empty() ? Tables::Stamp() : unflushed_.back().stamp;
  const Tables::Stamp moved = moved_.empty() ? Tables::Stamp() : moved_.back().first;
  flush_asked_for_ = {std::max(batches.sequence, moved.sequence), std::max(batches.file, moved.file)};
  flush_asked_at_ = now;
  tables_.request_flush();
}

void Keeper::maintain() {
  confirm_moved();
  release_segments();
  segments_.refill_reserve();
  prepare_spares();
  const std::pair room(segments_.allocated_until(), segments_.reserve_is_enough());
  if (std::exchange(told_room_, room) != room) progressed_();
}

void Keeper::prepare_spares() {
  const auto now = std::chrono::steady_clock::now();
  if (!segments_.has_spares(SegmentSet::kSpares)) {
    if (without_space() && now < spare_tried_at_ + kSpareAgain) return;
    spare_tried_at_ = now;
  }
  const auto ready = segments_.prepare_spares(SegmentSet::kSpares);
  if (ready.has_value() != without_space()) return;
  without_space_.store(!ready);
  if (ready) {
    kStoreLog.info("there is space for the journal again", {{"path", segments_.directory()}});
  } else {
    kStoreLog.error("no space for the journal; nothing new is taken until there is",
                    {{"path", segments_.directory()}, {"error", store::error_text(ready.error())}});
  }
}

void Keeper::work(Clean& clean) {
  auto first = segments_.at(clean.from);
  if (first == nullptr) first = segments_.oldest();  // positions are counted from a little above zero
  const auto last = segments_.at(clean.to);
  // The first was cleaned already when it is kept for its neighbour's sake only.
  clean_at_ = std::max(first == nullptr ? 0 : first->base, clean_end_);
  clean_end_ = std::max(last == nullptr ? 0 : segments_.end_of(*last), clean_at_);
  next_chunk();
}

void Keeper::work(Chunk& chunk) {
  if (!chunk.moved.empty()) {
    Tables::Batch batch;
    for (const Moved& moved : chunk.moved) {
      // What expired is kept only to hide an older record of its key.
      if (moved.expires <= chunk.now && !tables_.may_have(store::Table::kCorrelations, moved.key)) continue;
      batch.put(store::Table::kCorrelations, moved.key, as_bytes(moved.value), moved.expires);
    }
    const auto stamp = batch.empty() ? std::optional(Tables::Stamp()) : apply_surely(batch);
    if (stamp) moved_.emplace_back(*stamp, std::move(chunk.moved));
  }
  if (!chunk.last) next_chunk();
}

}  // namespace smppd::plugins::rocks_store
