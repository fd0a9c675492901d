// How outcomes get into RocksDB: gathered in memory and made a sorted file of their family at a time, by a thread of
// its own. Part of Tables. Until then they are found here, and the journals that have them keep their segments and
// markers.
//
// There are two heaps: one that grows, and one that becomes a file. When both are full, add() waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <rocksdb/db.h>

#include "base/result.h"
#include "plugins/store/rocksdb/internal/fresh_records.h"
#include "plugins/store/rocksdb/internal/reserve.h"

namespace smppd::plugins::rocks_store {

// In the folder of the tables, until it is theirs.
inline constexpr const char* kNewFile = "outcomes.new";
inline constexpr const char* kAtItsEnd =
    "RocksDB writes no tables any more, until smppd is started again; the journals keep everything";

class OutcomeFiles {
 public:
  using Marks = std::map<unsigned, std::uint64_t>;  // of journals: position

  // `at_its_end`: RocksDB may be asked for nothing more. `made` hears, on the thread, of the marks that may be written
  // since a file is there.
  OutcomeFiles(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family, Reserve* reserve,
               const std::atomic<bool>& at_its_end, std::function<void(const Marks&)> made);
  OutcomeFiles(const OutcomeFiles&) = delete;
  OutcomeFiles& operator=(const OutcomeFiles&) = delete;
  // Makes the last file, unless the disk refuses.
  ~OutcomeFiles();

  // Any thread.
  // The number of the file that will have these; fails when there is no room and the last file could not be made.
  [[nodiscard]] Fallible<std::uint64_t> add(ByteSpan octets);
  [[nodiscard]] bool waiting();
  // False: nothing waits here, the mark may be written now.
  [[nodiscard]] bool hold_mark(unsigned journal, std::uint64_t position);
  // True when the key is known here; its value is then the last word, empty when it was erased.
  [[nodiscard]] bool find(std::string_view key, std::optional<std::string>& value);
  [[nodiscard]] std::uint64_t made() const noexcept { return made_.load(); }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_.load(); }  // to make one
  // What there is, becomes a file soon; false when there is nothing.
  bool request();
  // What there is, is in files when it returns.
  [[nodiscard]] Fallible<void> flush();

 private:
  struct Heap {
    FreshRecords records;
    Marks marks;
    std::uint64_t number = 0;  // of the file it becomes
  };

  void run();
  // With mutex_ held; the other heap is empty.
  void turn_heaps();
  [[nodiscard]] Fallible<void> make_file(FreshRecords& records);
  [[nodiscard]] Fallible<void> write_file(const std::string& path, FreshRecords& records);
  // With mutex_ held, which is let go meanwhile.
  void tell_marks(std::unique_lock<std::mutex>& lock);

  rocksdb::DB& db_;
  rocksdb::ColumnFamilyHandle& family_;
  Reserve* const reserve_;  // null: none
  const std::atomic<bool>& at_its_end_;
  const std::function<void(const Marks&)> made_hook_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Heap> growing_ = std::make_unique<Heap>();  // guarded by mutex_
  // Guarded by mutex_ but for reading its octets, which do not change while it becomes a file.
  std::unique_ptr<Heap> resting_ = std::make_unique<Heap>();
  bool working_ = false;  // guarded by mutex_: resting_ is not empty
  bool stop_ = false;     // guarded by mutex_
  std::string trouble_;   // guarded by mutex_: why the last file could not be made
  std::atomic<std::uint64_t> made_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::thread thread_;
};

}  // namespace smppd::plugins::rocks_store
