// RocksDB, which nobody else includes but outcome_files.h: the records of all tables, shared by all partitions. Any
// thread.
//
// Its own log is off: the journals are the log. Beside the records each journal's marker is written, the position up to
// which its records have been applied; a flush of the memtable makes a marker durable together with everything before
// it, and recovery applies the journal again from there. A segment may go when what it had for the tables is durable().
//
// Outcomes, of which every message has one, pass no memtable: they wait in memory (fresh_records.h) until some hundred
// thousand are together, and become a file of a family of their own, sorted, which is where a compaction would have put
// them. A marker is not written before what it speaks of is in a file or in the memtable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugins/store/rocksdb/internal/reserve.h"
#include "store/store.h"

namespace rocksdb {
class FileSystem;
}

namespace smppd::plugins::rocks_store {

struct KeptRecord {
  std::string key;
  std::string value;
  store::Moment expires{};
};

class Tables {
 public:
  // What is written at once.
  class Batch {
   public:
    Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch();
    void put(store::Table table, std::string_view key, ByteSpan value, store::Moment expires);
    void erase(store::Table table, std::string_view key);
    void mark(unsigned journal, std::uint64_t position);
    [[nodiscard]] bool empty() const noexcept;
    void clear();

   private:
    friend class Tables;
    struct Writes;
    std::unique_ptr<Writes> writes_;
    std::vector<std::uint8_t> outcomes_;  // for FreshRecords::add()
    bool has_correlations_ = false;
    bool has_mark_ = false;
    unsigned marked_ = 0;
    std::uint64_t mark_ = 0;
  };

  // When what was applied is durable.
  struct Stamp {
    std::uint64_t sequence = 0;  // of RocksDB: when the memtable was flushed up to it
    std::uint64_t file = 0;      // when so many files of outcomes were made
    bool operator==(const Stamp&) const noexcept = default;
  };

  enum class Access : std::uint8_t { kReadWrite, kReadOnly };
  // Of the disk, which the caller sees to: a manifest, options, the marks.
  static constexpr std::uint64_t kRoomToOpen = 1U << 20;
  // `reserve`: has room for what must be written on a full disk; null: none. `disk`: null: the machine's.
  [[nodiscard]] static Fallible<std::unique_ptr<Tables>> open(const std::string& path, Access access,
                                                              Reserve* reserve = nullptr,
                                                              std::shared_ptr<rocksdb::FileSystem> disk = nullptr);
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;
  ~Tables();  // flushes

  // May wait for RocksDB's own compaction, or until there is room for outcomes. A batch that failed may be applied
  // again.
  [[nodiscard]] Fallible<Stamp> apply(Batch& batch);
  [[nodiscard]] bool durable(const Stamp& stamp) const noexcept;
  [[nodiscard]] std::uint64_t failures() const noexcept;  // to write, since it was opened
  void request_flush();
  [[nodiscard]] Fallible<void> flush();

  // True when found; false also when it expired.
  [[nodiscard]] Fallible<bool> get(store::Table table, std::string_view key, store::Moment now, KeptRecord& record);
  // Up to `limit` records from `from` on; true when there are more.
  [[nodiscard]] Fallible<bool> scan(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
                                    std::vector<KeptRecord>& records);
  // False: certainly not there. Looks at memory only.
  [[nodiscard]] bool may_have(store::Table table, std::string_view key);
  [[nodiscard]] std::uint64_t marker(unsigned journal);
  [[nodiscard]] std::uint64_t count(store::Table table);
  // What expired before is dropped when RocksDB rewrites it.
  void set_now(store::Moment now) noexcept;

 private:
  struct Engine;
  explicit Tables(std::unique_ptr<Engine> engine);
  void begin_files();
  void flush_memtable();
  std::unique_ptr<Engine> engine_;
};

}  // namespace smppd::plugins::rocks_store
