// The file system that RocksDB writes its tables to. What cannot be written is told to it as worth another try, which
// it makes with a new file when it is asked to (Tables): the journals have everything until then.
//
// RocksDB 7.8 knows of ENOSPC, too, but never forgets it: once it goes on its database still counts as stopped, waiting
// for a flush returns at once without one, and taking over a file ends the process. A quota that is used up it holds
// for the end.
#pragma once

#include <memory>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace smppd::plugins::rocks_store {

// Must live as long as what uses it. `disk`: where they are.
[[nodiscard]] std::unique_ptr<rocksdb::Env> make_forgiving_files(std::shared_ptr<rocksdb::FileSystem> disk);

}  // namespace smppd::plugins::rocks_store
