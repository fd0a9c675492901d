// Every plugin of this binary, one list that can be read, diffed and trimmed.
#pragma once

#include <span>
#include <string_view>

#include "flow/filter.h"
#include "store/store.h"

namespace smppd::server {

[[nodiscard]] std::span<const flow::FilterPlugin* const> filter_plugins() noexcept;
[[nodiscard]] const flow::FilterPlugin* find_filter(std::string_view type) noexcept;
[[nodiscard]] const store::StorePlugin* find_store(std::string_view backend) noexcept;

}  // namespace smppd::server
