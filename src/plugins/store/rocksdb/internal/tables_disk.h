// The file system that RocksDB writes its tables to, such that a full disk is something it goes on after. The journals
// have everything until then.
//
// RocksDB 7.8 knows of ENOSPC, too, but never forgets it: once it goes on its database still counts as stopped, waiting
// for a flush returns at once without one, and taking over a file ends the process. A quota that is used up it holds
// for the end. So what cannot be written is told to it as worth another try, which it makes with a new file when it is
// asked to (Tables). A manifest it never forgives when a compaction has written it; a manifest therefore has room
// ahead, and more of the reserve's before that is used up. (Where a disk cannot allocate, or fails otherwise, Tables
// are at their end then.)
#pragma once

#include <memory>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "plugins/store/rocksdb/internal/reserve.h"

namespace smppd::plugins::rocks_store {

// Must live as long as what uses it. `disk`: where they are. `reserve`: null: none.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_tables_disk(std::shared_ptr<rocksdb::FileSystem> disk,
                                                             Reserve* reserve);

}  // namespace smppd::plugins::rocks_store
