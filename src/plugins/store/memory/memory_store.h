// `storage.backend: memory`: everything in memory, gone at the end of the process. Bounded by messages and octets; at
// the bound it forgets how finished messages ended, oldest first, and then takes nothing new. Dead letters, strays and
// facts are never evicted before they expire. Promises no durability but `none`.
#pragma once

#include "store/store.h"

namespace smppd::plugins {

extern const store::StorePlugin kMemoryStore;

}  // namespace smppd::plugins
