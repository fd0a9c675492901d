#include "server/plugin_list.h"

#include <algorithm>
#include <array>

#include "plugins/filter/address_filter/address_filter.h"
#include "plugins/filter/auth/auth.h"
#include "plugins/filter/logger/logger.h"
#include "plugins/filter/metrics/metrics.h"
#include "plugins/filter/protocol/protocol.h"
#include "plugins/filter/rate_limit/rate_limit.h"
#include "plugins/filter/transform/transform.h"
#include "plugins/store/memory/memory_store.h"
#include "plugins/store/rocksdb/rocks_store.h"

namespace smppd::server {

namespace {
constexpr std::array<const flow::FilterPlugin*, 7> kFilters{
    &plugins::kAddressFilter,  &plugins::kAuthFilter,      &plugins::kLoggerFilter,    &plugins::kMetricsFilter,
    &plugins::kProtocolFilter, &plugins::kRateLimitFilter, &plugins::kTransformFilter,
};
constexpr std::array<const store::StorePlugin*, 2> kStores{&plugins::kMemoryStore, &plugins::kRocksStore};
}  // namespace

std::span<const flow::FilterPlugin* const> filter_plugins() noexcept { return kFilters; }

const flow::FilterPlugin* find_filter(std::string_view type) noexcept {
  const auto at =
      std::find_if(kFilters.begin(), kFilters.end(), [&](const auto* plugin) { return plugin->type == type; });
  return at == kFilters.end() ? nullptr : *at;
}

const store::StorePlugin* find_store(std::string_view backend) noexcept {
  const auto at =
      std::find_if(kStores.begin(), kStores.end(), [&](const auto* plugin) { return plugin->name == backend; });
  return at == kStores.end() ? nullptr : *at;
}

}  // namespace smppd::server
