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

#include "flow/flow.h"
#include "store/partition.h"
#include "telemetry/log.h"

namespace smppd::flow {

struct StoredMessage;

// Whose final receipt: those of a submit_multi have one id, and a receipt for each destination.
struct ToldId {
  message::OwnId own = 0;
  std::uint16_t destination_hash = 0;
  bool operator==(const ToldId&) const noexcept = default;
  template <typename H>
  friend H AbslHashValue(H h, const ToldId& id) {
    return H::combine(std::move(h), id.own, id.destination_hash);
  }
};
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
  // Tells it unless there was another one.
  void tell_if_first(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                     const ReceiptMap::Entry& entry) noexcept;
  // Adds to the transaction that is being written: its final receipt is in it.
  void put_told(const ToldId& id) noexcept;
  // `then` hears whether there was one, or that the disk cannot say.
  void ask_told(const ToldId& id, std::function<void(bool told, bool failed)> then) noexcept;

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
  void tell(const message::DeliveryTicket& ticket, ByteSpan pdu, bool told) noexcept;
  void suppress(const message::DeliveryTicket& ticket, const ReceiptMap::Entry& entry) noexcept;
  [[nodiscard]] message::UpstreamId upstream_named(std::string_view name) const noexcept;

  Flow& flow;
  std::vector<std::uint8_t> room;
  std::uint64_t first_of_this_life = 0;
  std::optional<std::string> load_again;      // from where; the disk could not say
  absl::flat_hash_map<ToldId, bool> doubted;  // and whether it is told
  std::deque<ToldId> doubted_order;
  telemetry::LogLimit log;
};

}  // namespace smppd::flow
