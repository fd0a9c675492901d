#include "plugins/store/rocksdb/internal/tables.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>

#include "plugins/store/conformance/driver.h"

namespace smppd::plugins::rocks_store {

namespace {

using store::Table;

constexpr store::Moment kNow{std::chrono::milliseconds(1'800'000'000'000)};
constexpr unsigned kJournal = 3;

// A disk that has no room for files with this in their names.
class SmallDisk final : public rocksdb::FileSystemWrapper {
 public:
  SmallDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "small"; }
  void fill(std::string_view part) {
    part_ = part;
    full_.store(true);
  }
  // The same where it is not room that is missing.
  void fail(std::string_view part) {
    broken_.store(true);
    fill(part);
  }
  // From the next table on that a compaction begins.
  void fail_once_compacted(std::string_view part) {
    part_ = part;
    broken_.store(true);
    waits_for_compaction_.store(true);
  }
  [[nodiscard]] bool fails() const { return full_.load(); }
  void clear() {
    waits_for_compaction_.store(false);
    full_.store(false);
    broken_.store(false);
  }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    if (name.ends_with(".sst") && is_compacting() && waits_for_compaction_.exchange(false)) full_.store(true);
    auto status = FileSystemWrapper::NewWritableFile(name, options, file, debug);
    if (status.ok()) *file = std::make_unique<File>(std::move(*file), *this, name);
    return status;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, const SmallDisk& disk, std::string name)
        : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), name_(std::move(name)) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (is_full() && (disk_.broken_.load() || written_ + data.size() > allocated_)) return trouble();
      written_ += data.size();
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Allocate(std::uint64_t from, std::uint64_t size, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
      if (is_full()) return trouble();
      const auto status = FSWritableFileOwnerWrapper::Allocate(from, size, options, debug);
      if (status.ok()) allocated_ = from + size;
      return status;
    }

   private:
    bool is_full() const { return disk_.full_.load() && name_.contains(disk_.part_); }
    rocksdb::IOStatus trouble() const {
      if (disk_.broken_.load()) return rocksdb::IOStatus::IOError("the disk is broken", name_);
      auto full = rocksdb::IOStatus::NoSpace("no room for " + name_);
      full.SetRetryable(true);  // as that of the machine does
      return full;
    }

    const SmallDisk& disk_;
    const std::string name_;
    std::uint64_t written_ = 0;
    std::uint64_t allocated_ = 0;
  };
  static bool is_compacting() {
    char thread[16] = {};
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    return std::string_view(thread).starts_with("rocksdb:low");
  }

  std::string part_;
  std::atomic<bool> full_{false};
  std::atomic<bool> broken_{false};
  std::atomic<bool> waits_for_compaction_{false};
};

class TablesTest : public testing::Test {
 protected:
  void open(Tables::Access access = Tables::Access::kReadWrite) {
    tables_.reset();
    auto opened = Tables::open(path(), access);
    ASSERT_TRUE(opened) << opened.error();
    tables_ = std::move(*opened);
  }
  void open_small() {
    tables_.reset();
    auto opened = Tables::open(path(), Tables::Access::kReadWrite, nullptr, disk_);
    ASSERT_TRUE(opened) << opened.error();
    tables_ = std::move(*opened);
  }
  std::string path() const { return directory_.path() + "/tables"; }
  std::string blocker() const { return path() + "/outcomes.new"; }
  Tables::Stamp put(Table table, std::string_view key, std::string_view value, std::uint64_t mark = 0) {
    Tables::Batch batch;
    batch.put(table, key, as_bytes(value), store::kNever);
    if (mark != 0) batch.mark(kJournal, mark);
    const auto stamp = tables_->apply(batch);
    EXPECT_TRUE(stamp);
    return stamp ? *stamp : Tables::Stamp();
  }
  void erase(Table table, std::string_view key) {
    Tables::Batch batch;
    batch.erase(table, key);
    EXPECT_TRUE(tables_->apply(batch));
  }
  std::string get(Table table, std::string_view key) {
    KeptRecord record;
    const auto found = tables_->get(table, key, kNow, record);
    EXPECT_TRUE(found);
    return found && *found ? record.value : "-";
  }
  // What a start after a crash would find without the journals.
  std::string on_disk(Table table, std::string_view key) const {
    auto beside = Tables::open(path(), Tables::Access::kReadOnly);
    // A compaction may take files away between the manifest and them.
    for (int tries = 0; !beside && tries < 100; ++tries) beside = Tables::open(path(), Tables::Access::kReadOnly);
    EXPECT_TRUE(beside) << (beside ? std::string() : beside.error());
    if (!beside) return "cannot be opened";
    KeptRecord record;
    const auto found = (*beside)->get(table, key, kNow, record);
    return found && *found ? record.value : "-";
  }
  std::string listed(std::string_view from = {}, std::size_t limit = 100) {
    std::vector<KeptRecord> records;
    EXPECT_TRUE(tables_->scan(Table::kOutcomes, from, limit, kNow, records));
    std::string all;
    for (const KeptRecord& record : records) all += record.key + "=" + record.value + " ";
    return all;
  }
  // As smppd did before outcomes had a family of their own.
  void put_as_before(std::string_view key, std::string_view value) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, path(), &db).ok());
    const std::unique_ptr<rocksdb::DB> closes(db);
    std::uint8_t expiry[8];
    store_be(expiry, static_cast<std::uint64_t>(store::kNever.time_since_epoch().count()));
    ASSERT_TRUE(db->Put({}, "\x02" + std::string(key), std::string(as_text(expiry)) + std::string(value)).ok());
  }

  store::conformance::TemporaryDirectory directory_;
  std::shared_ptr<SmallDisk> disk_ = std::make_shared<SmallDisk>();
  std::unique_ptr<Tables> tables_;
};

}  // namespace

TEST_F(TablesTest, AnOutcomeIsFoundBeforeAndAfterItIsInAFileAndAfterAnotherStart) {
  open();
  const Tables::Stamp stamp = put(Table::kOutcomes, "a", "1");
  EXPECT_FALSE(tables_->durable(stamp));
  EXPECT_EQ(get(Table::kOutcomes, "a"), "1");
  EXPECT_EQ(get(Table::kOutcomes, "b"), "-");
  ASSERT_TRUE(tables_->flush());
  EXPECT_TRUE(tables_->durable(stamp));
  EXPECT_EQ(get(Table::kOutcomes, "a"), "1");
  put(Table::kOutcomes, "a", "2");
  put(Table::kOutcomes, "b", "3");
  EXPECT_EQ(get(Table::kOutcomes, "a"), "2");
  open();
  EXPECT_EQ(get(Table::kOutcomes, "a"), "2");
  EXPECT_EQ(get(Table::kOutcomes, "b"), "3");
  open(Tables::Access::kReadOnly);
  EXPECT_EQ(get(Table::kOutcomes, "a"), "2");
  EXPECT_EQ(tables_->count(Table::kOutcomes), 2U);
}

TEST_F(TablesTest, AnErasedOutcomeIsGoneFromMemoryAndFromFiles) {
  open();
  put(Table::kOutcomes, "a", "1");
  erase(Table::kOutcomes, "a");
  EXPECT_EQ(get(Table::kOutcomes, "a"), "-");
  put(Table::kOutcomes, "b", "2");
  ASSERT_TRUE(tables_->flush());
  erase(Table::kOutcomes, "b");
  EXPECT_EQ(get(Table::kOutcomes, "b"), "-");
  EXPECT_EQ(listed(), "");
  open();
  EXPECT_EQ(get(Table::kOutcomes, "b"), "-");
}

// Else a start after a crash would take it for applied, and the outcomes would be lost.
TEST_F(TablesTest, AMarkIsNotWrittenBeforeTheOutcomesItSpeaksOfAreInAFile) {
  open();
  put(Table::kOutcomes, "a", "1", 100);
  EXPECT_EQ(tables_->marker(kJournal), 0U);
  put(Table::kFacts, "f", "1", 200);  // later: it waits, too
  EXPECT_EQ(tables_->marker(kJournal), 0U);
  ASSERT_TRUE(tables_->flush());
  put(Table::kFacts, "f", "2", 300);
  EXPECT_EQ(tables_->marker(kJournal), 300U);
  put(Table::kOutcomes, "b", "1", 400);
  open();  // closing makes a file of what there is
  EXPECT_EQ(tables_->marker(kJournal), 400U);
}

TEST_F(TablesTest, WhenAFileCannotBeMadeNothingIsDurableNothingIsLostAndLaterItIs) {
  open();
  std::filesystem::create_directories(blocker() + "/in the way");
  const Tables::Stamp stamp = put(Table::kOutcomes, "a", "1", 100);
  EXPECT_FALSE(tables_->flush());
  EXPECT_FALSE(tables_->durable(stamp));
  EXPECT_EQ(tables_->marker(kJournal), 0U);
  EXPECT_EQ(get(Table::kOutcomes, "a"), "1");
  put(Table::kOutcomes, "b", "2", 200);
  std::filesystem::remove_all(blocker());
  while (!tables_->flush()) {
  }
  EXPECT_TRUE(tables_->durable(stamp));
  EXPECT_EQ(listed(), "a=1 b=2 ");
}

TEST_F(TablesTest, WhenFilesCannotBeMadeForLongNoMoreIsTakenThanMemoryMayHold) {
  open();
  std::filesystem::create_directories(blocker() + "/in the way");
  const std::string value(400'000, 'v');
  std::uint64_t taken = 0;
  Tables::Batch batch;
  for (;; ++taken) {
    batch.clear();
    batch.put(Table::kOutcomes, std::to_string(taken), as_bytes(value), store::kNever);
    if (!tables_->apply(batch)) break;
    ASSERT_LT(taken * value.size(), 512U << 20);
  }
  std::filesystem::remove_all(blocker());
  while (!tables_->apply(batch)) {
  }
  ASSERT_TRUE(tables_->flush());
  EXPECT_EQ(tables_->count(Table::kOutcomes), taken + 1);
}

// What RocksDB's own answer to a full disk would be: to end the process at the next file of outcomes, and to call
// flushed what is not. The rounds make files enough to be compacted.
TEST_F(TablesTest, WhatAFullDiskHadNoRoomForIsFlushedOnceThereIsAndAllGoesOn) {
  open_small();
  for (int round = 0; round < 6; ++round) {
    const std::string value = std::to_string(round);
    SCOPED_TRACE(round);
    const std::string part = round % 2 == 0 ? "" : ".sst";
    const bool only_tables = !part.empty();  // which outcomes are not yet when they are written
    put(Table::kOutcomes, "before", value);
    ASSERT_TRUE(tables_->flush());
    disk_->fill(part);
    const Tables::Stamp facts = put(Table::kFacts, "f", value);
    EXPECT_FALSE(tables_->flush());
    EXPECT_FALSE(tables_->durable(facts));
    EXPECT_EQ(get(Table::kFacts, "f"), value);
    const Tables::Stamp outcome = put(Table::kOutcomes, "meanwhile", value);
    EXPECT_FALSE(tables_->flush());
    EXPECT_EQ(tables_->durable(outcome), only_tables);
    disk_->clear();
    while (!tables_->durable(facts) || !tables_->durable(outcome)) {
      tables_->request_flush();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(on_disk(Table::kFacts, "f"), value);
    EXPECT_EQ(on_disk(Table::kOutcomes, "meanwhile"), value);
    put(Table::kFacts, "g", value);
    put(Table::kOutcomes, "after", value);
    ASSERT_TRUE(tables_->flush());
    EXPECT_EQ(on_disk(Table::kFacts, "g"), value);
    EXPECT_EQ(on_disk(Table::kOutcomes, "after"), value);
  }
}

// RocksDB would not get over a manifest that a compaction, or a file of outcomes, could not be written to.
TEST_F(TablesTest, AFullDiskHasRoomForTheManifest) {
  open_small();
  disk_->fill("MANIFEST-");
  for (int round = 0; round < 20; ++round) {
    const std::string value = std::to_string(round);
    put(Table::kFacts, "f", value);
    put(Table::kOutcomes, "o", value);
    ASSERT_TRUE(tables_->flush());
    EXPECT_EQ(on_disk(Table::kFacts, "f"), value);
    EXPECT_EQ(on_disk(Table::kOutcomes, "o"), value);
  }
}

TEST_F(TablesTest, TheRoomForTheManifestMovesAlongWithIt) {
  open_small();
  // The first and the last key of a file are in the manifest, too. The room ahead is for what compactions that happen
  // to run while the disk is full add, each one file.
  for (int round = 0; round < 40; ++round) {
    const std::string key = std::string(6'000, 'k') + std::to_string(round);
    put(Table::kFacts, key, "v");
    ASSERT_TRUE(tables_->flush());
    disk_->fill("MANIFEST-");
    put(Table::kFacts, "f", std::to_string(round));
    ASSERT_TRUE(tables_->flush());
    EXPECT_EQ(on_disk(Table::kFacts, "f"), std::to_string(round));
    disk_->clear();
  }
}

TEST_F(TablesTest, AManifestThatCannotBeWrittenForATimeIsGotOver) {
  open_small();
  for (int round = 0; round < 4; ++round) {
    SCOPED_TRACE(round);
    const std::string value = std::to_string(round);
    const bool facts_first = round % 2 == 0;
    disk_->fail("MANIFEST-");
    Tables::Stamp facts;
    if (facts_first) {
      facts = put(Table::kFacts, "f", value);
      EXPECT_FALSE(tables_->flush());
    }
    const Tables::Stamp outcome = put(Table::kOutcomes, "o", value);
    EXPECT_FALSE(tables_->flush());
    EXPECT_FALSE(tables_->durable(outcome));
    disk_->clear();
    while (!tables_->durable(facts) || !tables_->durable(outcome)) {
      tables_->request_flush();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (facts_first) {
      EXPECT_EQ(on_disk(Table::kFacts, "f"), value);
    }
    EXPECT_EQ(on_disk(Table::kOutcomes, "o"), value);
  }
}

// RocksDB would call flushed what is not, and end the process at the next file of outcomes.
TEST_F(TablesTest, AfterAManifestThatACompactionCannotWriteNothingIsDurableUntilTheNextStart) {
  open_small();
  put(Table::kFacts, "kept", "1");
  put(Table::kOutcomes, "kept", "1");
  ASSERT_TRUE(tables_->flush());
  disk_->fail_once_compacted("MANIFEST-");
  for (int i = 0; !disk_->fails(); ++i) {
    put(Table::kFacts, "f", std::to_string(i));
    ASSERT_TRUE(tables_->flush() || disk_->fails());
  }
  Tables::Batch facts;
  facts.put(Table::kFacts, "late", as_bytes("2"), store::kNever);
  const auto waited_for = [&] { return !tables_->apply(facts); };
  while (!waited_for()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  disk_->clear();
  const Tables::Stamp outcome = put(Table::kOutcomes, "late", "2");
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t failures = tables_->failures();
    EXPECT_FALSE(tables_->apply(facts));
    const auto flushed = tables_->flush();
    ASSERT_FALSE(flushed);
    EXPECT_TRUE(flushed.error().contains("until smppd is started again")) << flushed.error();
    tables_->request_flush();
    EXPECT_FALSE(tables_->durable(outcome));
    EXPECT_GE(tables_->failures(), failures + 2) << "one of apply(), one of flush()";
  }
  EXPECT_EQ(get(Table::kFacts, "kept"), "1");
  EXPECT_EQ(get(Table::kOutcomes, "late"), "2");
  open_small();
  EXPECT_EQ(get(Table::kFacts, "kept"), "1");
  EXPECT_EQ(get(Table::kOutcomes, "kept"), "1");
  put(Table::kOutcomes, "late", "3");
  ASSERT_TRUE(tables_->flush());
  EXPECT_EQ(on_disk(Table::kOutcomes, "late"), "3");
}

TEST_F(TablesTest, AFullDiskKeepsNobodyFromClosingAndTheNextStartFindsWhatWasFlushed) {
  open_small();
  put(Table::kFacts, "f", "1");
  ASSERT_TRUE(tables_->flush());
  disk_->fill("");
  put(Table::kFacts, "f", "2");
  EXPECT_FALSE(tables_->flush());
  tables_.reset();
  disk_->clear();
  open_small();
  EXPECT_EQ(get(Table::kFacts, "f"), "1");  // the journal has the rest
}

TEST_F(TablesTest, OutcomesOfAStoreFromBeforeTheyHadAFamilyAreFoundAndListedAmongTheOthers) {
  put_as_before("b", "old");
  put_as_before("c", "old");
  open(Tables::Access::kReadOnly);
  EXPECT_EQ(get(Table::kOutcomes, "b"), "old");
  EXPECT_EQ(tables_->count(Table::kOutcomes), 2U);
  open();
  EXPECT_EQ(get(Table::kOutcomes, "b"), "old");
  for (const char* key : {"a", "c", "d"}) put(Table::kOutcomes, key, "new");
  EXPECT_EQ(get(Table::kOutcomes, "c"), "new");
  EXPECT_EQ(listed(), "a=new b=old c=new d=new ");
  EXPECT_EQ(listed("b", 2), "b=old c=new ");
  erase(Table::kOutcomes, "b");
  EXPECT_EQ(get(Table::kOutcomes, "b"), "-");
  EXPECT_EQ(listed(), "a=new c=new d=new ");
}

}  // namespace smppd::plugins::rocks_store
