// `storage.backend: rocksdb`: the durable store of one process. What is on its way lies in an append-only journal of
// our own, one for each shard, with one fdatasync for everything that came while the one before ran; what stays
// (outcomes, dead letters, strays, facts, correlations that outlived their segment) lies in RocksDB. README.md tells
// the whole way, format.h what is on disk.
#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace smppd::plugins {

extern const store::StorePlugin kRocksStore;

// What `smppd store check` and `smppd store stats` tell. Reads everything, changes nothing; refuses a directory that a
// running smppd holds.
struct StoreReport {
  struct Journal {
    unsigned number = 0;
    std::uint64_t segments = 0;
    std::uint64_t bytes = 0;  // of records
    std::uint64_t transactions = 0;
    std::uint64_t items = 0;  // live
    std::uint64_t item_bytes = 0;
    std::uint64_t correlations = 0;
    std::vector<store::LaneStats> lanes;
  };
  std::vector<Journal> journals;
  std::uint64_t records[store::kTables] = {};  // in RocksDB, by table
  std::uint64_t torn_bytes = 0;
  std::uint64_t damaged_bytes = 0;
  std::vector<std::string> reports;
};

[[nodiscard]] Fallible<StoreReport> inspect_store(const std::string& path);

}  // namespace smppd::plugins
