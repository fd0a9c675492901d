// Queued messages that are named by what they are, not by an id: same client, source_addr, destination_addr and
// service_type. For replace_if_present_flag (3.4 §5.2.18) and for cancel_sm without a message_id (3.4 §4.9). One per
// flow with a store; shard-local, private to flow.
//
// Messages of one kind carry one mark in the store and are found by it; what is found is read, for a mark is a hash.
// They may lie with any shard: the question goes round, and what it is about happens where it is found, in one
// transaction. Messages that replace one of the same kind take turns on the shard they came to, so that the second
// finds the first; bounded by what sessions may have unanswered.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "flow/internal/depot.h"

namespace smppd::flow {

struct MessageKind {
  std::string_view client, service_type, source, destination;
  bool operator==(const MessageKind&) const noexcept = default;
};
// On disk; never 0.
[[nodiscard]] std::uint32_t mark_of(const MessageKind& kind) noexcept;
[[nodiscard]] MessageKind kind_of(std::string_view client, const smpp::PduView& message) noexcept;

// Of one on the road, as the middleware left it; 0: nobody's, which nothing finds.
[[nodiscard]] inline std::uint32_t mark_of(const accounts::ClientEntry* sender, const smpp::PduView& view,
                                           const message::MessageFacts& facts) noexcept {
  if (sender == nullptr) return 0;
  return mark_of({sender->system_id, view.text(smpp::Field::service_type), facts.source_addr, facts.destination_addr});
}
// One number for what a client sends to one destination; store::Progress::order, on disk, never 0.
[[nodiscard]] std::uint32_t order_of(const accounts::ClientEntry* sender, const message::MessageFacts& facts) noexcept;
// It waits for a link and nothing of it was sent.
[[nodiscard]] inline bool only_waits(const store::ItemView& item) noexcept {
  return !item.damaged && item.progress.state == depot::number_of(depot::ItemState::kQueued);
}

struct Flow::Matching {
  explicit Matching(Flow& its_flow) noexcept : flow(its_flow), depot(*its_flow.depot_) {}

  // A message that is not kept yet; `body` is what the store is to have. It takes the place of the newest of its kind
  // that waits in a queue, or is kept beside what there is.
  void replace_present(const ReplaceMail& newcomer, ByteSpan body);
  // From another shard, where there is none of its kind; on the shard it came to: there is none at all.
  void on_replace(const ReplaceMail& newcomer, ByteSpan body);
  // On the shard it came to: it is on some shard's disk.
  void kept(const ReplaceMail& newcomer);

  // The item is the flow's until it is unclaimed or changed; null: it is on its way, or gone. What is only being read
  // to see whether it could go is waited for.
  using OnClaim = std::function<void(const store::ItemView*)>;
  void claim_item(store::ItemId item, OnClaim then, unsigned tries = 3);

  // Every message of the kind that waits in a queue; the client is answered when their ends are on the disk.
  void cancel_all(const CancelMail& mail, ByteSpan request);

 private:
  using Body = std::vector<std::uint8_t>;
  struct Cancelling;

  void look_here(const ReplaceMail& newcomer, ByteSpan body);
  void go_round(const ReplaceMail& newcomer, ByteSpan body);
  void take_place(const store::ItemView& item, const ReplaceMail& newcomer, ByteSpan body);
  void keep_here(const ReplaceMail& newcomer, ByteSpan body);
  void answer(const ReplaceMail& newcomer, smpp::CommandStatus status);
  void next_in_turn(std::uint32_t mark);
  void claim(const std::shared_ptr<Cancelling>& job, store::ItemId item);
  void settle(const std::shared_ptr<Cancelling>& job);

  Flow& flow;
  Depot& depot;
  absl::flat_hash_map<std::uint32_t, std::deque<std::pair<ReplaceMail, Body>>> in_turn;  // by mark
};

}  // namespace smppd::flow
