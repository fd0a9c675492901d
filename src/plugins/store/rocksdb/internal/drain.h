// Journals that no shard uses any more, after the number of shards changed: their live items are written again into the
// journals in use, their correlations into the tables, before the shards run. A start that is interrupted is finished
// by the next: what was copied already is known by its number.
#pragma once

#include <memory>
#include <span>

#include "plugins/store/rocksdb/internal/directory.h"
#include "plugins/store/rocksdb/internal/rocks_partition.h"

namespace smppd::plugins::rocks_store {

[[nodiscard]] Fallible<void> drain_journal(store::Disk& disk, Tables& tables, const Directory& directory,
                                           unsigned journal, std::span<const std::unique_ptr<RocksPartition>> into,
                                           store::Recovery& recovery);

}  // namespace smppd::plugins::rocks_store
