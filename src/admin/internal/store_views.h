// The JSON of what the store holds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/storekeeper.h"
#include "config/storage.h"
#include "http/message.h"

namespace smppd::admin {

// `by_shard` is empty when storage is off.
[[nodiscard]] std::string store_json(const config::Storage& storage, const std::vector<store::StoreView>& by_shard);
[[nodiscard]] std::string dead_letters_json(const store::DeadLetterPage& page, bool with_text);
[[nodiscard]] http::Response order_response(store::Order order, store::OrderResult result, std::string_view id);
[[nodiscard]] http::Response requeued_response(const Requeued& outcome);
[[nodiscard]] http::Response message_response(const Found& found, std::string_view id);

// The numbers that `text` may mean, in any of the formats clients are shown; most likely first. Empty: it is no id.
[[nodiscard]] std::vector<message::OwnId> ids_meant_by(std::string_view text);

}  // namespace smppd::admin
