// What the management listener asks of store-and-forward. The server implements it over the shards; this module shows
// the answers and knows neither shards nor a store.
//
// All members are called on the HTTP thread and return at once. A callback may come from any thread, once; what was
// ordered is durable by then.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "store/operator_desk.h"

namespace smppd::admin {

// What became of queuing all again that a query means.
struct Requeued {
  std::uint64_t queued = 0;
  std::uint64_t failed = 0;                                   // stay dead letters: no route, or unreadable
  store::OrderResult stopped_by = store::OrderResult::kDone;  // kNoRoom or kFailed: the rest was not tried
  bool more = false;                                          // it took too long: ask again for the rest
};

// Nothing in either: no message of these numbers is known.
struct Found {
  std::optional<store::StandingItem> standing;
  std::optional<store::EndedMessage> ended;
};

class Storekeeper {
 public:
  virtual ~Storekeeper() = default;
  // By shard; empty: storage is off.
  virtual void look(std::function<void(std::vector<store::StoreView>)> done) = 0;
  virtual void dead_letters(const store::DeadLetterQuery& query, store::OnDeadLetters done) = 0;
  virtual void order(store::Order order, message::OwnId letter, store::OnOrder done) = 0;
  virtual void requeue_all(const store::DeadLetterQuery& query, std::function<void(Requeued)> done) = 0;
  // The first of these numbers that is known.
  virtual void find(std::vector<message::OwnId> ids, std::function<void(Found)> done) = 0;
};

}  // namespace smppd::admin
