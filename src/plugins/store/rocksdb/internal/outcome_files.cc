#include "plugins/store/rocksdb/internal/outcome_files.h"

#include <chrono>
#include <utility>

#include <rocksdb/sst_file_writer.h>

#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{32} << 20;  // before compression
constexpr std::uint64_t kMostWaiting = 2 * kFileBytes;         // in the heap that grows
constexpr std::uint64_t kFileOverhead = 256 * 1024;            // of RocksDB, the change to its manifest included
constexpr auto kRetry = std::chrono::milliseconds(200);

Fallible<void> result_of(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return failure(status.ToString());
}

}  // namespace

OutcomeFiles::OutcomeFiles(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family, Reserve* reserve,
                           const std::atomic<bool>& at_its_end, std::function<void(const Marks&)> made)
    : db_(db), family_(family), reserve_(reserve), at_its_end_(at_its_end), made_hook_(std::move(made)) {
  growing_->number = 1;
  thread_ = std::thread([this] { run(); });
}

OutcomeFiles::~OutcomeFiles() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Fallible<std::uint64_t> OutcomeFiles::add(ByteSpan octets) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return growing_->records.bytes() < kMostWaiting || !trouble_.empty() || stop_; });
  if (growing_->records.bytes() >= kMostWaiting) return failure(trouble_);
  growing_->records.add(octets);
  const std::uint64_t number = growing_->number;
  if (growing_->records.bytes() >= kFileBytes && !working_) turn_heaps();
  return number;
}

bool OutcomeFiles::waiting() {
  const std::lock_guard lock(mutex_);
  return working_ || !growing_->records.empty();
}

bool OutcomeFiles::hold_mark(unsigned journal, std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  if (!working_ && growing_->records.empty()) return false;
  growing_->marks[journal] = position;
  return true;
}

bool OutcomeFiles::find(std::string_view key, std::optional<std::string>& value) {
  const std::lock_guard lock(mutex_);
  auto found = growing_->records.find(key);
  if (!found && working_) found = resting_->records.find(key);
  if (!found) return false;
  value.reset();
  if (!found->erased) value.emplace(found->value);
  return true;
}

bool OutcomeFiles::request() {
  const std::lock_guard lock(mutex_);
  if (!working_ && !growing_->records.empty()) turn_heaps();
  return working_;
}

Fallible<void> OutcomeFiles::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = growing_->records.empty() ? growing_->number - 1 : growing_->number;
  while (made_.load() < wanted) {
    if (!trouble_.empty()) return failure(trouble_);
    if (!working_) turn_heaps();
    changed_.wait(lock);
  }
  return {};
}

void OutcomeFiles::turn_heaps() {
  std::swap(growing_, resting_);
  growing_->number = resting_->number + 1;
  working_ = true;
  changed_.notify_all();
}

void OutcomeFiles::run() {
  std::unique_lock lock(mutex_);
  bool again = false;
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || working_; });
    if (!working_) {
      if (growing_->records.empty()) break;
      turn_heaps();
    }
    lock.unlock();
    auto done = make_file(resting_->records);
    lock.lock();
    if (!done) {
      ++failures_;
      if (!again) kStoreLog.error("outcomes cannot be written to the tables; trying again", {{"error", done.error()}});
      again = true;
      trouble_ = done.error();
      changed_.notify_all();
      if (stop_) return;  // the journals have them
      changed_.wait_for(lock, kRetry, [this] { return stop_; });
      continue;
    }
    again = false;
    trouble_.clear();
    made_.store(resting_->number);
    tell_marks(lock);
    resting_->records.clear();
    working_ = !stop_ && growing_->records.bytes() >= kFileBytes;
    if (working_) turn_heaps();
    changed_.notify_all();
  }
  tell_marks(lock);
}

void OutcomeFiles::tell_marks(std::unique_lock<std::mutex>& lock) {
  Marks marks = std::exchange(resting_->marks, {});
  // Those of a heap without records have nothing to wait for any more.
  if (growing_->records.empty()) {
    for (const auto& [journal, position] : std::exchange(growing_->marks, {})) marks[journal] = position;
  }
  if (marks.empty()) return;
  lock.unlock();
  made_hook_(marks);
  lock.lock();
}

Fallible<void> OutcomeFiles::write_file(const std::string& path, FreshRecords& records) {
  const rocksdb::Options options = db_.GetOptions(&family_);
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(options), options, &family_, false);
  rocksdb::Status status = writer.Open(path);
  if (!status.ok()) return result_of(status);
  records.for_each_sorted([&](const FreshRecords::Record& record) {
    const rocksdb::Slice key(record.key.data(), record.key.size());
    status = record.erased ? writer.Delete(key) : writer.Put(key, {record.value.data(), record.value.size()});
    return status.ok();
  });
  if (status.ok()) status = writer.Finish();
  return result_of(status);
}

// Only this thread does, so the name is always the same; what an earlier smppd left is written over.
Fallible<void> OutcomeFiles::make_file(FreshRecords& records) {
  if (at_its_end_.load()) return failure(kAtItsEnd);
  const std::string path = db_.GetName() + "/" + kNewFile;
  const Reserve::Loan loan(reserve_, records.bytes() + kFileOverhead);
  auto done = write_file(path, records);
  if (done) {
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.snapshot_consistency = false;
    options.write_global_seqno = false;
    done = result_of(db_.IngestExternalFile(&family_, {path}, options));
  }
  if (!done) [[maybe_unused]]
    const auto gone = db_.GetEnv()->DeleteFile(path);
  return done;
}

}  // namespace smppd::plugins::rocks_store
