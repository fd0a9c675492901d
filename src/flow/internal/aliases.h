// The ids by which clients know items of the store that have another number: of a submit_multi (one id, an item for
// each destination), of 3.3 clients (short ids), and of what was queued again from the dead letters. One record without
// a value for each such item (Table::kNotes), put with the item and erased with it; should that be missed, it goes
// when the item's validity would have ended. Pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "flow/internal/outcome.h"

namespace smppd::flow {

using AliasKey = std::array<char, sizeof(message::OwnId) + sizeof(store::ItemId)>;

[[nodiscard]] inline AliasKey alias_key(message::OwnId own, store::ItemId item) noexcept {
  AliasKey key;
  std::ranges::copy(outcome_key(item), std::ranges::copy(outcome_key(own), key.begin()).out);
  return key;
}
[[nodiscard]] inline std::string_view view(const AliasKey& key) noexcept { return {key.data(), key.size()}; }
// 0: the record is another id's.
[[nodiscard]] inline store::ItemId aliased_item(std::string_view key, message::OwnId own) noexcept {
  if (key.size() != sizeof(AliasKey) || own_of(key.substr(0, sizeof own)) != own) return 0;
  return own_of(key.substr(sizeof own));
}

inline void put_alias(store::Transaction& transaction, message::OwnId own, store::ItemId item, store::Moment expires) {
  if (own == item) [[likely]]
    return;
  transaction.put(store::Table::kNotes, view(alias_key(own, item)), {}, expires);
}
inline void erase_alias(store::Transaction& transaction, message::OwnId own, store::ItemId item) {
  if (own == item) [[likely]]
    return;
  transaction.erase(store::Table::kNotes, view(alias_key(own, item)));
}

}  // namespace smppd::flow
