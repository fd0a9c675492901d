// The directory of a store: who holds it, its version, which journals are in use and which are being emptied.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/store/rocksdb/internal/format.h"
#include "store/disk.h"

namespace smppd::plugins::rocks_store {

class Directory {
 public:
  // What FORMAT says. Journals have numbers that are never used twice; the shards use `active`, in their order.
  struct Layout {
    std::vector<unsigned> active;
    std::vector<unsigned> draining;
    unsigned next = 0;
  };

  enum class Access : std::uint8_t { kUse, kInspect };
  // Refuses what is missing, no store, in use, or of a newer version, and leaves it as it was. kUse makes a store of an
  // empty directory.
  [[nodiscard]] static Fallible<Directory> open(store::Disk& disk, const std::string& path, Access access);
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  // Written by a smppd that would not read what this one writes; set_layout() makes it this one's.
  [[nodiscard]] bool older() const noexcept { return version_ != 0 && version_ < kFormatVersion; }
  // Durable when it returns.
  [[nodiscard]] Fallible<void> set_layout(const Layout& layout);
  [[nodiscard]] std::string journal_path(unsigned journal) const;
  [[nodiscard]] std::string tables_path() const { return path_ + "/tables"; }
  // Refuses a store that has a journal and no tables: RocksDB would make empty ones, and what they held would be gone
  // without a word. A start makes the tables first, so a death in between leaves no such store.
  [[nodiscard]] Fallible<void> check_tables() const;
  // Makes the folder of a journal, if it is not there.
  [[nodiscard]] Fallible<void> make_journal(unsigned journal);
  // Removes a journal with everything in it.
  void remove_journal(unsigned journal);

 private:
  Directory(store::Disk& disk, std::string path) : disk_(&disk), path_(std::move(path)) {}
  [[nodiscard]] Fallible<void> read_format(Access access);
  [[nodiscard]] Fallible<void> lock(Access access);

  store::Disk* disk_;
  std::string path_;
  Layout layout_;
  unsigned version_ = 0;  // 0: there is none yet
  int lock_ = -1;
};

}  // namespace smppd::plugins::rocks_store
