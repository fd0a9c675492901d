// What is found on disk when a store is opened. Segments with a sound index are not read themselves, unless the tables
// may lack changes that are in them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/store/rocksdb/internal/format.h"
#include "plugins/store/rocksdb/internal/segments.h"

namespace smppd::plugins::rocks_store {

struct JournalFindings {
  std::vector<std::shared_ptr<Segment>> segments;  // oldest first
  std::vector<std::shared_ptr<Segment>> spares;    // blank ones
  std::uint64_t end = kFirstPosition;              // where the journal goes on
  std::uint64_t transactions = 0;                  // of the segments that were read
  std::uint64_t record_bytes = 0;                  // of the same
  std::uint64_t torn_bytes = 0;
  std::uint64_t damaged_bytes = 0;
  std::vector<std::string> reports;
  // What the index of the last segment says so far.
  std::vector<std::uint8_t> last_entries;
  bool last_has_table_changes = false;
};

struct JournalQuestion {
  std::string directory;
  unsigned journal = 0;
  std::uint64_t applied = 0;                                  // the tables have everything before this position
  bool read_all = false;                                      // trust no index
  bool repair = true;                                         // make ready to go on in the last segment
  std::function<void(const IndexEntry&)> on_entry;            // in order
  std::function<void(const store::Change&)> on_table_change;  // not in the tables yet, in order
};

[[nodiscard]] Fallible<JournalFindings> read_journal(store::Disk& disk, const JournalQuestion& question);

}  // namespace smppd::plugins::rocks_store
