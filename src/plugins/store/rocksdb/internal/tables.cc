#include "plugins/store/rocksdb/internal/tables.h"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "plugins/store/rocksdb/internal/log.h"
#include "plugins/store/rocksdb/internal/outcome_files.h"
#include "plugins/store/rocksdb/internal/tables_disk.h"

namespace smppd::plugins::rocks_store {

namespace {

constexpr std::size_t kExpiry = 8;  // in front of each value

std::string table_key(store::Table table, std::string_view key) {
  std::string whole;
  whole.reserve(1 + key.size());
  whole.push_back(static_cast<char>(table));
  whole += key;
  return whole;
}

constexpr char kOutcomesLetter = static_cast<char>(store::Table::kOutcomes);
constexpr const char* kOutcomesFamily = "outcomes";

std::string marker_key(unsigned journal) {
  std::uint8_t key[5] = {};
  store_be(key + 1, static_cast<std::uint32_t>(journal));
  return std::string(as_text(key));
}

store::Moment expiry_of(const rocksdb::Slice& value) noexcept {
  const auto number = load_be<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(value.data()));
  return store::Moment(std::chrono::milliseconds(static_cast<std::int64_t>(number)));
}

bool is_record(const rocksdb::Slice& key, const rocksdb::Slice& value) noexcept {
  return key.size() > 1 && key[0] > 0 && static_cast<std::uint8_t>(key[0]) < store::kTables && value.size() >= kExpiry;
}

void put_mark(rocksdb::WriteBatch& batch, unsigned journal, std::uint64_t position) {
  std::uint8_t value[8];
  store_be(value, position);
  batch.Put(marker_key(journal), rocksdb::Slice(reinterpret_cast<const char*>(value), sizeof value));
}

// False when it has expired.
bool unpack(std::string_view key, const rocksdb::Slice& value, store::Moment now, KeptRecord& record) {
  if (value.size() < kExpiry || expiry_of(value) <= now) return false;
  record = {std::string(key), std::string(value.data() + kExpiry, value.size() - kExpiry), expiry_of(value)};
  return true;
}

class DropExpired final : public rocksdb::CompactionFilter {
 public:
  explicit DropExpired(const std::atomic<std::int64_t>& now) : now_(now) {}
  const char* Name() const override { return "smppd.expired"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*, bool*) const override {
    return is_record(key, value) && expiry_of(value).time_since_epoch().count() <= now_.load(std::memory_order_relaxed);
  }

 private:
  const std::atomic<std::int64_t>& now_;
};

// Whether RocksDB 7.8 goes on after it. After others it counts as stopped for the end: asked to go on it says that it
// does, calls flushed what is not, and ends the process when it is to take over a file.
bool can_go_on_after(rocksdb::BackgroundErrorReason reason) noexcept {
  using Reason = rocksdb::BackgroundErrorReason;
  return reason == Reason::kCompaction || reason == Reason::kFlushNoWAL || reason == Reason::kManifestWriteNoWAL;
}

// What a flush would write now.
std::uint64_t size_of_flush(rocksdb::DB& db) {
  std::uint64_t size = 0;
  if (!db.GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &size)) size = 0;
  return size + Tables::kRoomToOpen;
}

class WatchFlushes final : public rocksdb::EventListener {
 public:
  WatchFlushes(std::atomic<std::uint64_t>& flushed, std::atomic<bool>& no_room, std::atomic<bool>& at_its_end,
               Reserve* reserve)
      : flushed_(flushed), no_room_(no_room), at_its_end_(at_its_end), reserve_(reserve) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    no_room_.store(true);
    if (!can_go_on_after(reason) && !at_its_end_.exchange(true)) {
      kStoreLog.error(kAtItsEnd, {{"error", error->ToString()}});
    }
    const bool of_flush = reason == rocksdb::BackgroundErrorReason::kFlushNoWAL ||
                          reason == rocksdb::BackgroundErrorReason::kManifestWriteNoWAL;
    if (of_flush && reserve_ != nullptr) reserve_->returned();
  }
  void OnFlushBegin(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override {
    if (reserve_ != nullptr) reserve_->lend(size_of_flush(*db));
  }
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    std::uint64_t before = flushed_.load();
    while (before < info.largest_seqno && !flushed_.compare_exchange_weak(before, info.largest_seqno)) {
    }
    no_room_.store(false);
    if (reserve_ != nullptr) reserve_->returned();
  }

 private:
  std::atomic<std::uint64_t>& flushed_;
  std::atomic<bool>& no_room_;
  std::atomic<bool>& at_its_end_;
  Reserve* reserve_;
};

// RocksDB's own words: what went wrong goes to our log, the rest nowhere.
class TellTrouble final : public rocksdb::Logger {
 public:
  TellTrouble() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[512];
    std::vsnprintf(line, sizeof line, format, arguments);
    const std::string_view said = line;
    // A new directory is looked for before it is made; files that it took over from us have no id of its own; nobody
    // reads the options.
    if (said.contains("dir NotFound") || said.contains("without unique ID") || said.contains("persist options")) return;
    kStoreLog.warn("RocksDB says", {{"text", said}});
  }
};

// Of starts that a death or a full disk ended: RocksDB takes them away only after it could open.
void remove_left_over(const std::string& path) {
  std::ifstream file(path + "/CURRENT");
  std::string current;
  if (!std::getline(file, current) || !current.starts_with("MANIFEST-")) return;
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    const bool manifest = name.starts_with("MANIFEST-") && name != current;
    if (manifest || name.ends_with(".dbtmp") || name == kNewFile) found.push_back(entry.path());
  }
  for (const auto& each : found) std::filesystem::remove(each, error);
}

rocksdb::Options engine_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = 64U << 20;
  options.max_write_buffer_number = 3;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_open_files = 512;
  options.keep_log_file_num = 1;
  options.info_log = std::make_shared<TellTrouble>();
  options.avoid_unnecessary_blocking_io = true;
  options.allow_fallocate = false;  // it would take megabytes of a full disk for files of a few octets
  // Asked to go on by Resume(): by itself it would, too, but closed meanwhile it waits for itself for ever.
  options.max_bgerror_resume_count = 0;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;
  table.block_cache = rocksdb::NewLRUCache(64U << 20);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

struct Tables::Batch::Writes {
  rocksdb::WriteBatch batch;
};

Tables::Batch::Batch() : writes_(std::make_unique<Writes>()) {}
Tables::Batch::~Batch() = default;

void Tables::Batch::put(store::Table table, std::string_view key, ByteSpan value, store::Moment expires) {
  std::uint8_t expiry[kExpiry];
  store_be(expiry, static_cast<std::uint64_t>(expires.time_since_epoch().count()));
  if (table == store::Table::kOutcomes) {
    FreshRecords::write(outcomes_, kOutcomesLetter, key, ByteSpan(expiry), value);
    return;
  }
  has_correlations_ = has_correlations_ || table == store::Table::kCorrelations;
  const auto letter = static_cast<char>(table);
  const rocksdb::Slice keys[2] = {{&letter, 1}, {key.data(), key.size()}};
  const rocksdb::Slice values[2] = {{reinterpret_cast<const char*>(expiry), kExpiry},
                                    {reinterpret_cast<const char*>(value.data()), value.size()}};
  writes_->batch.Put(rocksdb::SliceParts(keys, 2), rocksdb::SliceParts(values, 2));
}

void Tables::Batch::erase(store::Table table, std::string_view key) {
  if (table == store::Table::kOutcomes) FreshRecords::write_erased(outcomes_, kOutcomesLetter, key);
  // Also of an outcome: it may be from before outcomes had a family of their own.
  writes_->batch.Delete(table_key(table, key));
}

void Tables::Batch::mark(unsigned journal, std::uint64_t position) {
  has_mark_ = true;
  marked_ = journal;
  mark_ = position;
}

bool Tables::Batch::empty() const noexcept { return writes_->batch.Count() == 0 && outcomes_.empty() && !has_mark_; }

void Tables::Batch::clear() {
  writes_->batch.Clear();
  outcomes_.clear();
  has_mark_ = false;
}

struct Tables::Engine {
  std::atomic<std::int64_t> now{0};
  std::atomic<std::uint64_t> flushed{0};
  std::atomic<bool> has_correlations{false};
  std::atomic<bool> no_room{false};     // RocksDB could not write, and has flushed nothing since
  std::atomic<bool> at_its_end{false};  // RocksDB will not write again
  std::atomic<std::uint64_t> failures{0};
  std::mutex room_mutex;
  bool compacts = true;  // guarded by room_mutex
  Reserve* reserve = nullptr;
  std::unique_ptr<DropExpired> filter;
  std::unique_ptr<rocksdb::Env> files;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>> families;  // the default one; that of outcomes, if there is
  std::unique_ptr<OutcomeFiles> outcome_files;                         // null: read only

  [[nodiscard]] rocksdb::Status counted(rocksdb::Status status) {
    if (!status.ok() && !status.IsBusy()) ++failures;
    return status;
  }
  [[nodiscard]] rocksdb::Status write(rocksdb::WriteBatch& batch) {
    if (at_its_end.load()) return counted(rocksdb::Status::Aborted(kAtItsEnd));
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return counted(db->Write(options, &batch));
  }
  // What a full disk stopped goes on, if it was; else no more is flushed: that would only make memtables many and
  // small.
  [[nodiscard]] rocksdb::Status flush(const rocksdb::FlushOptions& options) {
    if (at_its_end.load()) return counted(rocksdb::Status::Aborted(kAtItsEnd));
    const Reserve::Loan loan(reserve, size_of_flush(*db));
    compact_where_there_is_room();
    const auto resumed = db->Resume();
    const auto done = resumed.ok() ? db->Flush(options) : resumed;
    return counted(at_its_end.load() ? rocksdb::Status::Aborted(kAtItsEnd) : done);
  }
  // A compaction that finds no room is begun again and again, and who asks to go on waits until there is none.
  void compact_where_there_is_room() {
    const std::lock_guard lock(room_mutex);
    if (compacts == !no_room.load()) return;
    compacts = !compacts;
    for (const auto& family : families) {
      // It is set also where it cannot be written to the file of options, which nobody reads.
      db->SetOptions(family.get(), {{"disable_auto_compactions", compacts ? "false" : "true"}}).PermitUncheckedError();
    }
  }
  // Those that may have records of this table, the one with the last word first.
  [[nodiscard]] std::vector<rocksdb::ColumnFamilyHandle*> families_of(store::Table table) const {
    if (table != store::Table::kOutcomes || families.size() == 1) return {families[0].get()};
    return {families[1].get(), families[0].get()};
  }
  [[nodiscard]] bool put_marks(const OutcomeFiles::Marks& marks) {
    rocksdb::WriteBatch batch;
    for (const auto& [journal, position] : marks) put_mark(batch, journal, position);
    return write(batch).ok();
  }
};

Tables::Tables(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

Tables::~Tables() {
  if (engine_->outcome_files != nullptr) {
    engine_->outcome_files.reset();
    // Closing would break off a flush that has begun; the journals have it all, but would be applied again.
    const auto flushed = engine_->flush(rocksdb::FlushOptions());
    if (!flushed.ok()) kStoreLog.error("RocksDB cannot write its tables", {{"error", flushed.ToString()}});
  }
  engine_->families.clear();
  const auto closed = engine_->db->Close();
  if (!closed.ok()) kStoreLog.error("RocksDB was not closed well", {{"error", closed.ToString()}});
}

Fallible<std::unique_ptr<Tables>> Tables::open(const std::string& path, Access access, Reserve* reserve,
                                               std::shared_ptr<rocksdb::FileSystem> disk) {
  auto engine = std::make_unique<Engine>();
  engine->files = make_tables_disk(disk != nullptr ? std::move(disk) : rocksdb::FileSystem::Default(), reserve);
  engine->reserve = reserve;
  if (access == Access::kReadWrite) remove_left_over(path);
  engine->filter = std::make_unique<DropExpired>(engine->now);
  rocksdb::Options options = engine_options();
  options.env = engine->files.get();
  options.compaction_filter = engine->filter.get();
  options.listeners.push_back(
      std::make_shared<WatchFlushes>(engine->flushed, engine->no_room, engine->at_its_end, reserve));
  std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, options}};
  std::vector<std::string> there;
  const bool listed = rocksdb::DB::ListColumnFamilies(options, path, &there).ok();
  // One that older versions wrote gets the family of outcomes now, but not to be read only.
  const bool has_outcomes = listed && std::ranges::find(there, kOutcomesFamily) != there.end();
  if (access == Access::kReadWrite || has_outcomes) families.emplace_back(kOutcomesFamily, options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = access == Access::kReadOnly ? rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &db)
                                                  : rocksdb::DB::Open(options, path, families, &handles, &db);
  if (!status.ok()) return failure(path + ": RocksDB cannot open it: " + status.ToString());
  engine->db.reset(db);
  for (auto* handle : handles) engine->families.emplace_back(handle);
  engine->flushed = db->GetLatestSequenceNumber();
  std::unique_ptr<Tables> tables(new Tables(std::move(engine)));
  std::vector<KeptRecord> first;
  const auto scanned = tables->scan(store::Table::kCorrelations, {}, 1, store::Moment::min(), first);
  if (!scanned) return failure(path + ": " + scanned.error());
  tables->engine_->has_correlations = !first.empty();
  if (access == Access::kReadWrite) tables->begin_files();
  return tables;
}

void Tables::begin_files() {
  engine_->outcome_files =
      std::make_unique<OutcomeFiles>(*engine_->db, *engine_->families[1], engine_->reserve, engine_->at_its_end,
                                     [this](const OutcomeFiles::Marks& marks) {
                                       // Without a mark more is applied again after a crash, no
                                       // less.
                                       if (engine_->put_marks(marks)) flush_memtable();
                                     });
}

Fallible<Tables::Stamp> Tables::apply(Batch& batch) {
  if (batch.has_correlations_) engine_->has_correlations.store(true);
  Stamp stamp;
  if (!batch.outcomes_.empty()) {
    const auto file = engine_->outcome_files->add(batch.outcomes_);
    if (!file) return std::unexpected(file.error());
    stamp.file = *file;
  }
  // The mark comes last: what it speaks of is where it will be found by then.
  const bool mark_now = batch.has_mark_ && !engine_->outcome_files->waiting();
  if (mark_now) put_mark(batch.writes_->batch, batch.marked_, batch.mark_);
  if (batch.writes_->batch.Count() > 0) {
    // What cannot be flushed leaves no room for more; the journal still has everything.
    if (const auto status = engine_->write(batch.writes_->batch); !status.ok()) {
      if (!engine_->at_its_end.load()) engine_->db->Resume().PermitUncheckedError();
      return failure(status.ToString());
    }
    stamp.sequence = engine_->db->GetLatestSequenceNumber();
  }
  const bool mark_later = batch.has_mark_ && !mark_now;
  if (mark_later && !engine_->outcome_files->hold_mark(batch.marked_, batch.mark_)) {
    if (!engine_->put_marks({{batch.marked_, batch.mark_}})) return failure("a mark cannot be written");
  }
  return stamp;
}

bool Tables::durable(const Stamp& stamp) const noexcept {
  const bool made = stamp.file == 0 || engine_->outcome_files->made() >= stamp.file;
  return made && engine_->flushed.load() >= stamp.sequence;
}

std::uint64_t Tables::failures() const noexcept {
  return engine_->failures.load() + (engine_->outcome_files == nullptr ? 0 : engine_->outcome_files->failures());
}

void Tables::flush_memtable() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  const auto status = engine_->flush(options);
  if (!status.ok() && !status.IsBusy())
    kStoreLog.warn("RocksDB cannot write its tables", {{"error", status.ToString()}});
}

void Tables::request_flush() {
  engine_->outcome_files->request();
  flush_memtable();
}

Fallible<void> Tables::flush() {
  if (auto made = engine_->outcome_files->flush(); !made) return made;
  const std::uint64_t sequence = engine_->db->GetLatestSequenceNumber();
  const auto status = engine_->flush(rocksdb::FlushOptions());
  if (!status.ok()) return failure(status.ToString());
  std::uint64_t before = engine_->flushed.load();
  while (before < sequence && !engine_->flushed.compare_exchange_weak(before, sequence)) {
  }
  return {};
}

Fallible<bool> Tables::get(store::Table table, std::string_view key, store::Moment now, KeptRecord& record) {
  const std::string whole = table_key(table, key);
  std::optional<std::string> fresh;
  if (table == store::Table::kOutcomes && engine_->outcome_files != nullptr &&
      engine_->outcome_files->find(whole, fresh)) {
    return fresh && unpack(key, *fresh, now, record);
  }
  for (rocksdb::ColumnFamilyHandle* family : engine_->families_of(table)) {
    rocksdb::PinnableSlice value;
    const auto status = engine_->db->Get(rocksdb::ReadOptions(), family, whole, &value);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return failure(status.ToString());
    return unpack(key, value, now, record);
  }
  return false;
}

Fallible<bool> Tables::scan(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
                            std::vector<KeptRecord>& records) {
  if (table == store::Table::kOutcomes && engine_->outcome_files != nullptr) {
    if (auto made = engine_->outcome_files->flush(); !made) return std::unexpected(made.error());
  }
  const std::string end(1, static_cast<char>(static_cast<int>(table) + 1));
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  // Where two families have records, each in its order: of those that come next, the first.
  std::vector<std::unique_ptr<rocksdb::Iterator>> each;
  for (auto* family : engine_->families_of(table)) {
    each.emplace_back(engine_->db->NewIterator(options, family))->Seek(table_key(table, from));
  }
  KeptRecord record;
  for (;;) {
    rocksdb::Iterator* next = nullptr;
    for (const auto& at : each) {
      if (!at->Valid() && !at->status().ok()) return failure(at->status().ToString());
      if (at->Valid() && (next == nullptr || at->key().compare(next->key()) < 0)) next = at.get();
    }
    if (next == nullptr) return false;
    const std::string key = next->key().ToString();
    if (is_record(key, next->value()) && unpack(std::string_view(key).substr(1), next->value(), now, record)) {
      if (records.size() == limit) return true;
      records.push_back(std::move(record));
    }
    for (const auto& at : each) {
      if (at->Valid() && at->key() == key) at->Next();
    }
  }
}

bool Tables::may_have(store::Table table, std::string_view key) {
  if (table == store::Table::kCorrelations && !engine_->has_correlations.load()) return false;
  std::string value;
  return engine_->db->KeyMayExist(rocksdb::ReadOptions(), table_key(table, key), &value);
}

std::uint64_t Tables::marker(unsigned journal) {
  std::string value;
  const auto status = engine_->db->Get(rocksdb::ReadOptions(), marker_key(journal), &value);
  if (!status.ok() || value.size() != 8) return 0;
  return load_be<std::uint64_t>(as_bytes(value).data());
}

std::uint64_t Tables::count(store::Table table) {
  const std::string begin(1, static_cast<char>(table));
  const std::string end(1, static_cast<char>(static_cast<int>(table) + 1));
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  std::uint64_t count = 0;
  for (auto* family : engine_->families_of(table)) {
    const std::unique_ptr<rocksdb::Iterator> at(engine_->db->NewIterator(options, family));
    for (at->Seek(begin); at->Valid(); at->Next()) ++count;
  }
  return count;
}

void Tables::set_now(store::Moment now) noexcept { engine_->now.store(now.time_since_epoch().count()); }

}  // namespace smppd::plugins::rocks_store
