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
  void doubt(message::OwnId own) noexcept;
  [[nodiscard]] bool doubts(message::OwnId own) const noexcept { return !doubted.empty() && doubted.contains(own); }
  // Tells it unless there was another one.
  void tell_if_first(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                     const ReceiptMap::Entry& entry) noexcept;
  // Adds to the transaction that is being written: its final receipt is in it.
  void put_told(message::OwnId own) noexcept;
  // `then` hears whether there was one, or that the disk cannot say.
  void ask_told(message::OwnId own, std::function<void(bool told, bool failed)> then) noexcept;

 private:
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
  std::optional<std::string> load_again;              // from where; the disk could not say
  absl::flat_hash_map<message::OwnId, bool> doubted;  // and whether it is told
  std::deque<message::OwnId> doubted_order;
  telemetry::LogLimit log;
};

}  // namespace smppd::flow
