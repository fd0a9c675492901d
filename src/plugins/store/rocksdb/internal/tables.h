// RocksDB, and nobody else includes it: the records of all tables, shared by all partitions. Any thread.
//
// Its own log is off: the journals are the log. Beside the records each journal's marker is written, the position up to
// which its records have been applied; a flush of the memtable makes a marker durable together with everything before
// it, and recovery applies the journal again from there. A segment may go when flushed() has passed it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

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
    bool has_correlations_ = false;
  };

  enum class Access : std::uint8_t { kReadWrite, kReadOnly };
  [[nodiscard]] static Fallible<std::unique_ptr<Tables>> open(const std::string& path, Access access);
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;
  ~Tables();  // flushes

  // May wait for RocksDB's own compaction. On success the batch's sequence, for flushed().
  [[nodiscard]] Fallible<std::uint64_t> apply(Batch& batch);
  // Everything with a sequence up to this one is durable.
  [[nodiscard]] std::uint64_t flushed() const noexcept;
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
  std::unique_ptr<Engine> engine_;
};

}  // namespace smppd::plugins::rocks_store
