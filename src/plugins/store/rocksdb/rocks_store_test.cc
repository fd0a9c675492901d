#include "plugins/store/rocksdb/rocks_store.h"

#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

INSTANTIATE_TEST_SUITE_P(Fsync, StoreConformance, testing::Values(Backend{&plugins::kRocksStore, Durability::kFsync}));
INSTANTIATE_TEST_SUITE_P(Os, StoreConformance, testing::Values(Backend{&plugins::kRocksStore, Durability::kOs}));
INSTANTIATE_TEST_SUITE_P(Fsync, StoreRestart, testing::Values(Backend{&plugins::kRocksStore, Durability::kFsync}));
INSTANTIATE_TEST_SUITE_P(None, StoreRestart, testing::Values(Backend{&plugins::kRocksStore, Durability::kNone}));

}  // namespace smppd::store::conformance
