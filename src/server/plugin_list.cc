#include "server/plugin_list.h"

#include <algorithm>
#include <array>

namespace smppd::server {

namespace {
constexpr std::array<const flow::FilterPlugin*, 0> kFilters{};
}

std::span<const flow::FilterPlugin* const> filter_plugins() noexcept { return kFilters; }

const flow::FilterPlugin* find_filter(std::string_view type) noexcept {
  const auto at =
      std::find_if(kFilters.begin(), kFilters.end(), [&](const auto* plugin) { return plugin->type == type; });
  return at == kFilters.end() ? nullptr : *at;
}

}  // namespace smppd::server
