// What the store keeps of receipts besides those that wait for a client: those whose message is not known, and whether
// a message that may be with SMSCs twice has had its one final receipt. On each shard, part of its Depot; private to
// flow.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "flow/flow.h"
#include "flow/internal/mail.h"
#include "store/partition.h"
#include "telemetry/log.h"

namespace smppd::flow {

struct StoredMessage;

[[nodiscard]] ToldId told_of(const StoredMessage& stored) noexcept;

struct Flow::ReceiptStore {
  explicit ReceiptStore(Flow& its_flow) noexcept : flow(its_flow) {}

  // --- Without a message. One record each (Table::kStrays) from before its SMSC is answered until it is told: while
  // it is parked, and when it was given up.
  void start();  // reads what an earlier smppd left; once
  void tick() noexcept;
  // Keeps it, then answers its SMSC. `kept` is the ticket it goes on with.
  void keep_parked(const ReceiptParking::Parked& parked, message::DeliveryTicket& kept) noexcept;
  void keep_stray(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept;
  // One on record was told, or needs not be: it is forgotten. Or its client has no room: it is with those given up.
  void settled(const message::DeliveryTicket& ticket, smpp::CommandStatus status) noexcept;
  // A message that only the disk knows is looked for under what the id may mean by now.
  void look_again(const Stray& stray) noexcept;

  // --- One final receipt a message. Which messages are in doubt is known in memory: those that were sent again, were
  // answered late, or were found on disk. What they were told is a record of its own beside their outcome.
  void doubt(const ToldId& id) noexcept;
  [[nodiscard]] bool doubts(const ToldId& id) const noexcept { return !doubted.empty() && doubted.contains(id); }
  // The disk was asked for a receipt's message, and has this one under the id, or under another reading of it.
  void found(const FoundMail& mail, std::string_view upstream_id) noexcept;
  // Tells it unless there was another one.
  void tell_if_first(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                     const ReceiptMap::Entry& entry) noexcept;
  // Adds to the transaction that is being written: its final receipt is in it. `in_doubt`: another one may come as long
  // as receipts do, not only until the message's own end is written.
  void put_told(const ToldId& id, bool in_doubt) noexcept;
  // `then` hears whether there was one, or that the disk cannot say.
  void ask_told(const ToldId& id, std::function<void(bool told, bool failed)> then) noexcept;
  // The receipts of two copies may come to two shards at once, and a copy may end on a third: one shard, by the id,
  // says who tells. kYours: nobody else will, until unclaim().
  using OnClaim = std::function<void(Claim)>;
  void claim(const ToldId& id, OnClaim then) noexcept;
  void unclaim(const ToldId& id) noexcept;
  void on_claim(const ClaimMail& mail) noexcept;
  void on_claimed(const ClaimedMail& mail) noexcept;
  void on_unclaim(const ToldId& id) noexcept;
  // Its message was queued again: adds to the transaction that it was told nothing; then every shard forgets it was.
  void erase_told(const ToldId& id) noexcept;
  void tell_anew(const ToldId& id) noexcept;
  // The end of its item on another shard may not be on the disk yet: found there by another smppd, it must find this.
  [[nodiscard]] bool may_end_later(const ReceiptMap::Entry& entry) const noexcept;
  // Its final receipt is told: that is to outlive this smppd.
  [[nodiscard]] bool must_note(const ReceiptMap::Entry& entry) const noexcept {
    return doubts({entry.own, entry.destination_hash}) || may_end_later(entry);
  }

  // --- The parts of long messages: what they have reported is on disk before their receipts are acknowledged, until
  // the message's own is told. part_notes.cc.
  // True: it is read first what an earlier smppd was told, then the receipt is looked at again.
  [[nodiscard]] bool recall_parts(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                                  const ReceiptMap::Entry& entry) noexcept;
  // A part has reported: it is kept, then its SMSC answered.
  void keep_part(const message::DeliveryTicket& ticket, const ReceiptMap::Entry& entry) noexcept;
  // Adds to the transaction that is being written: the message's final receipt is in it.
  void put_parts_told(const ReceiptMap::Entry& entry) noexcept;

 private:
  void put_parts(const ReceiptMap::Entry& entry, const internal::PartReceipts::Message& message) noexcept;
  void forget(std::uint64_t record) noexcept;
  void recall(std::uint64_t record) noexcept;
  void load(std::string_view from) noexcept;
  void take_loaded(std::string_view key, const StrayRecord& stray) noexcept;
  [[nodiscard]] std::uint64_t put(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept;
  [[nodiscard]] bool tell(const message::DeliveryTicket& ticket, ByteSpan pdu, bool told) noexcept;
  void suppress(const message::DeliveryTicket& ticket, const ReceiptMap::Entry& entry) noexcept;
  [[nodiscard]] unsigned judge_of(const ToldId& id) const noexcept;
  void decide(const ToldId& id, OnClaim then) noexcept;
  void remember_claim(const ToldId& id);
  [[nodiscard]] message::UpstreamId upstream_named(std::string_view name) const noexcept;

  Flow& flow;
  std::vector<std::uint8_t> room;
  std::uint64_t first_of_this_life = 0;
  std::optional<std::string> load_again;      // from where; the disk could not say
  absl::flat_hash_map<ToldId, bool> doubted;  // and whether it is told
  std::deque<ToldId> doubted_order;
  absl::flat_hash_set<ToldId> claimed;  // those this shard judges: told, or somebody is about to
  std::deque<ToldId> claimed_order;
  absl::flat_hash_map<ToldId, std::vector<OnClaim>> undecided;  // the disk is asked
  absl::flat_hash_map<std::uint64_t, OnClaim> claims;           // asked of other shards
  std::uint64_t last_claim = 0;
  telemetry::LogLimit log;
};

}  // namespace smppd::flow
