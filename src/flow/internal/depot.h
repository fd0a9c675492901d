// Store-and-forward on one shard: what was accepted and waits for an SMSC, and what waits for a client. Private to
// flow; null in a flow without a store. depot.cc has the store's side (what becomes durable, what is read), outbox.cc
// messages on their way to SMSCs, inbox.cc receipts and MO on their way to clients.
//
// A stored message: kept (durable: its sender is answered) -> queued in its upstream's lane -> sent (durable before the
// request leaves, so that a crash leaves it uncertain and not forgotten) -> answered: done, queued again, or given up.
// A message that finds its lane empty and a window open is kept as sent at once: one transaction instead of two.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include "flow/flow.h"
#include "flow/internal/depot_parts.h"
#include "flow/internal/offer.h"
#include "flow/internal/receipt_store.h"
#include "flow/internal/retry_policy.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/submission.h"
#include "flow/internal/validity.h"

namespace smppd::flow {

// What a client is told of an operation that cannot be carried out; operate.cc.
[[nodiscard]] smpp::CommandStatus failure_of(smpp::CommandId request) noexcept;

// What a message says about when it may go and until when.
[[nodiscard]] TimesAsked times_of(const smpp::PduView& view) noexcept;

struct Flow::Depot final : public store::Consumer {
  Depot(Flow& flow, store::Partition& partition);
  Depot(const Depot&) = delete;
  Depot& operator=(const Depot&) = delete;
  ~Depot();
  // depot.cc
  void apply();          // a configuration was published
  void turn() noexcept;  // at the end of each turn of the loop
  void tick() noexcept;  // about every 100 ms
  [[nodiscard]] const config::Storage& options() const noexcept { return flow.snapshot_->config->storage; }

  // store::Consumer
  void on_durable(store::Sequence last) noexcept override;
  void on_read(const store::ReadAnswer& answer) noexcept override;
  void on_ready(store::LaneId lane) noexcept override;
  void on_room(store::Room room) noexcept override;
  void on_expired(std::span<const store::ItemId> items) noexcept override;

  // outbox.cc
  [[nodiscard]] Lifetime lifetime(const smpp::PduView& view) const noexcept;
  // Stop 4: the message belongs to the store; its sender is answered once it is durable.
  Taken keep(Submission& m) noexcept;
  // The SMSC answered, or did not; on the shard that has the item. `flight.origin` names the entry.
  void answered(const message::Flight& flight, smpp::CommandStatus status, std::string_view upstream_id) noexcept;
  void answered_late(const message::Flight& flight, smpp::CommandStatus status, std::string_view upstream_id) noexcept;
  void lost(const message::Flight& flight, message::Loss loss) noexcept;
  // On the upstream's home shard: makes the SMSC's id durable, then tells the shard that has the item.
  void correlate(const message::Flight& flight, store::Moment expires, std::string_view upstream_id) noexcept;
  void tell_correlated(const message::Flight& flight, std::string_view upstream_id) noexcept;
  void correlated(const message::Flight& flight, std::string_view upstream_id) noexcept;
  void on_room_at(const upstream::Group& group) noexcept;
  void serve_waiting_sessions() noexcept;

  // inbox.cc
  // A receipt or MO becomes the client's own; the SMSC is answered once it is durable. False: there is no room.
  using Consignment = depot::Consignment;
  [[nodiscard]] bool take_in(const Consignment& consignment, ByteSpan pdu) noexcept;
  // A client answered what was handed to one of its sessions, or will not.
  void settled(SlabHandle handed, smpp::CommandStatus status) noexcept;
  void receiver_bound(message::ClientId client) noexcept;
  // A part of a long MO is kept until the whole is, then its SMSC is answered. The item travels as the link's handle.
  [[nodiscard]] static SlabHandle handle_of(store::ItemId item) noexcept {
    return {static_cast<std::uint32_t>(item), static_cast<std::uint32_t>(item >> 32U)};
  }
  [[nodiscard]] static store::ItemId item_of(SlabHandle handle) noexcept {
    return store::ItemId{handle.generation} << 32U | handle.index;
  }
  void keep_part(store::ItemId item, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept;
  void parts_of(store::ItemId item) { parts.push_back(item); }  // done with what goes on next, or with nothing
  void finish_parts() noexcept;

  // A receipt whose message is not in memory: what is found on disk goes on as if the SMSC had just answered.
  void look_up(const LookUpMail& mail, std::string_view receipt_id) noexcept;
  void look_up_here(const LookUpMail& mail, std::string_view canonical_id) noexcept;
  // The SMSC has this message: it is not uncertain any more, if it was.
  void settle_item(const SettledMail& accepted) noexcept;
  // Adds to begin(): the id is known from now on, until its receipts cannot come any more.
  void put_correlation(const message::Flight& flight, store::Moment expires, std::string_view upstream_id,
                       bool final) noexcept;
  // Of a message whose last receipt is here: kept a while, so that another one is known for a repetition.
  void put_final(const ReceiptMap::Entry& entry, std::string_view upstream_id) noexcept;
  // The items of this shard that their client knows by this id: one, or those of a submit_multi.
  void find_items(message::OwnId own, std::function<void(const std::vector<store::ItemId>&)> then);

  using Lane = depot::Lane;
  using Outlet = depot::Outlet;
  using Entry = depot::Entry;
  using Box = depot::Box;
  using Ask = depot::Ask;
  using Burial = depot::Burial;
  using ItemState = depot::ItemState;
  using StepKind = depot::StepKind;

  // The transaction that is being written; cleared.
  store::Transaction& begin() noexcept {
    transaction.clear();
    return transaction;
  }
  // What follows from an accepted message is never given up: it waits in `owed` when the store takes nothing at all.
  void commit_owed() noexcept {
    turn_wanted = true;
    if (owed.empty() && partition.append(transaction, store::Intake::kOwed) != 0) return;
    owed.emplace_back().transaction = transaction;
  }
  template <typename Facts>
  void commit_owed(StepKind kind, const Facts& facts, ByteSpan octets = {}) noexcept {
    turn_wanted = true;
    if (owed.empty()) {
      if (const auto sequence = partition.append(transaction, store::Intake::kOwed); sequence != 0) {
        steps.push(sequence, kind, facts, octets);
        return;
      }
    }
    depot::Owed& last = owed.emplace_back(depot::Owed{transaction, true, kind, {}});
    const auto* at = reinterpret_cast<const std::uint8_t*>(&facts);
    last.step.assign(at, at + sizeof facts);
    last.step.insert(last.step.end(), octets.begin(), octets.end());
  }
  void run(const depot::Steps::Step& step) noexcept;
  void flush_owed() noexcept;
  void take(store::LaneId lane, Lane& state, std::size_t limit) noexcept;
  void ask(store::ReadRequest request, Ask what) noexcept;
  void on_asked(const Ask& what, const store::ReadAnswer& answer) noexcept;
  void found_correlation(const Ask& what, const store::ReadAnswer& answer) noexcept;
  void settle_found(const message::Flight& accepted, const store::ReadAnswer& answer) noexcept;
  // Wall time as if nobody had set the clock: what is to wait a second does. Follows it slowly, see tick().
  [[nodiscard]] store::Moment now() const noexcept;
  [[nodiscard]] store::Moment from_wall(store::Moment wall) const noexcept { return wall + (now() - wall_now()); }
  [[nodiscard]] store::Moment wall_now() const noexcept;
  [[nodiscard]] bool may_send() const noexcept { return !stopping && owed.empty() && room != store::Room::kNone; }
  [[nodiscard]] bool at_rest() const noexcept { return steps.size() == 0 && owed.empty(); }

  // outbox.cc
  using Prepared = depot::Prepared;
  using Ready = depot::Ready;
  [[nodiscard]] Ready prepare(Submission& m, Prepared& prepared, smpp::CommandStatus& refusal) noexcept;
  [[nodiscard]] Ready prepare_at(Submission& m, message::UpstreamId id, const upstream::PickFacts& facts,
                                 Prepared& prepared, smpp::CommandStatus& refusal) noexcept;
  [[nodiscard]] ByteSpan body_of_message(Submission& m, store::Moment expires) noexcept;
  [[nodiscard]] ByteSpan body_of(const StoredMessage& message) noexcept;
  void unlaunch(const message::Flight& flight) noexcept;
  void launch(const depot::LaunchStep& step, ByteSpan pdu) noexcept;
  [[nodiscard]] depot::AcceptedStep accepted(const Submission& m) const noexcept;
  [[nodiscard]] Sender sender_of(const StoredMessage& stored) const noexcept;
  void requeue(SlabHandle handle, Entry& entry, store::Moment due) noexcept;
  void take_up(const store::ItemView& item, std::uint16_t host = internal::kAnyHost) noexcept;
  // Of a message that an SMSC may have, unless its sender was told so.
  using Judgement = void (Depot::*)(const store::ItemView& item, const StoredMessage& stored) noexcept;
  void unless_told(const store::ItemView& item, const StoredMessage& stored, Judgement judge) noexcept;
  void let_go(store::ItemId uncertain) noexcept;
  void found_sent(const store::ItemView& item, const StoredMessage& stored) noexcept;
  void end_uncertain(const store::ItemView& item, const StoredMessage& stored) noexcept;
  void send_again(const store::ItemView& item, const StoredMessage& stored,
                  std::uint16_t host = internal::kAnyHost) noexcept;
  [[nodiscard]] bool decide_road_again(Submission& m, const store::ItemView& item) noexcept;
  void pump(Outlet& outlet) noexcept;
  void done(const message::Flight& flight, Entry& entry, std::string_view upstream_id) noexcept;
  void finish(const message::Flight& flight, Entry& entry, std::string_view upstream_id) noexcept;
  void put_outcome(const message::Flight& flight, const Entry& entry, std::string_view upstream_id) noexcept;
  void give_up(SlabHandle handle, const Burial& burial) noexcept;
  void end_item(const store::ItemView& item, const Burial& burial) noexcept;
  void bury(const store::ItemView& item, const StoredMessage& stored, const Burial& burial) noexcept;
  void log_burial(const store::ItemView& item, const StoredMessage& stored, const Burial& burial) noexcept;
  // A held item ends without an SMSC: was its sender told of another copy? `end` says whether it tells the sender.
  using OnEnd = std::function<bool(const store::ItemView& item, const StoredMessage& stored, bool told)>;
  void before_end(const store::ItemView& item, const StoredMessage& stored, EndReason reason, OnEnd end) noexcept;
  void ask_before_end(store::ItemId id, const ToldId& told, OnEnd end) noexcept;
  bool write_end(const store::ItemView& item, const StoredMessage& stored, const Burial& burial) noexcept;
  bool write_settled(const store::ItemView& item, const StoredMessage& stored) noexcept;
  bool tell_sender(const StoredMessage& stored, smpp::MessageState state, smpp::CommandStatus status) noexcept;
  [[nodiscard]] std::string_view name_of_lane(store::LaneId lane) noexcept;
  [[nodiscard]] RetryInput retry_input(store::LaneId lane, std::uint16_t attempts, store::Moment expires) noexcept;
  [[nodiscard]] const config::Retry& retry_of(store::LaneId lane) noexcept;
  [[nodiscard]] Outlet& outlet_of(std::uint32_t hash);

  // stored_parts.cc: long messages, which go part by part
  [[nodiscard]] smpp::CommandStatus fits_parts(Submission& m) noexcept;
  void follow_parts(Submission& m, message::UpstreamId lane) noexcept;
  void go_on(const message::Flight& flight, Entry& entry) noexcept;
  void next_part(const Ask& what, const store::ReadAnswer& answer) noexcept;
  [[nodiscard]] message::Flight tracked_of(const message::Flight& flight) const noexcept;
  void note_partial(const store::ItemView& item, const StoredMessage& stored, EndReason reason) noexcept;

  struct FormatMemory;  // how upstreams write their ids, over restarts
  struct Operations;    // stored_operate.cc: query, cancel and replace of what waits here, queries about what has ended
  void unclaim(const store::ItemView& item) noexcept;
  void now_ready(const store::Progress& progress) noexcept;
  [[nodiscard]] Taken keep_in_place(Submission& m, store::ItemId item, const store::Progress& progress) noexcept;

  // inbox.cc
  [[nodiscard]] Box& box_of(std::uint32_t hash);
  void put_in(const Consignment& consignment, ByteSpan pdu, bool direct, store::ItemId item) noexcept;
  void hand_over(const depot::TakenStep& step, ByteSpan pdu) noexcept;
  void hand(SlabHandle handed, message::ClientId client, OfferKind kind, const PeerSide& from, ByteSpan pdu) noexcept;
  void take_out(const store::ItemView& item) noexcept;
  void take_part(const store::ItemView& item) noexcept;
  void add_parts_to_transaction() noexcept;
  void pump(Box& box) noexcept;
  void pump_later(Box& box);  // when all that comes back in this turn is back

  Flow& flow;
  store::Partition& partition;
  store::Moment epoch;  // of now(), when the shard's clock shows zero
  store::Room room = store::Room::kOpen;
  bool stopping = false;  // smppd ends: what is not on its way stays where it is
  store::Transaction transaction;
  ReceiptStore receipts{flow};
  std::unique_ptr<Operations> operations;
  std::unique_ptr<FormatMemory> formats;
  std::vector<std::uint8_t> body, record, redrawn;  // of an item, a dead letter, a PDU that was changed
  depot::Steps steps;
  std::deque<depot::Owed> owed;
  std::deque<SlabHandle> waiting_sessions;                          // until the store has room
  absl::btree_map<std::uint32_t, std::unique_ptr<Outlet>> outlets;  // by hash of the upstream's name
  std::vector<Outlet*> outlet_by_id;
  std::vector<std::function<void()>> at_tick;  // what the disk could not say is asked again
  std::vector<std::uint64_t> told_lately = std::vector<std::uint64_t>(4096);  // see put_correlation()
  std::deque<Outlet*> full_outlets;                                           // with full_at
  message::UpstreamId full_at;                                    // of the last prepare() that found no room
  absl::btree_map<std::uint32_t, std::unique_ptr<Box>> boxes;     // by hash of the client's name
  std::vector<Box*> hungry;                                       // of pump_later()
  absl::flat_hash_map<std::uint32_t, message::ClientId> clients;  // of this configuration, by hash
  Slab<Entry> entries;
  Slab<depot::Handed> handed;
  absl::flat_hash_map<store::ItemId, SlabHandle> uncertain_items;
  std::vector<store::ItemId> parts;        // of the MO that is on its way to its client
  std::vector<store::LaneId> parts_lanes;  // found at the start, not read yet
  telemetry::LogLimit dead_log, partial_log;
  std::shared_ptr<bool> turn_flag = std::make_shared<bool>(true);  // the store may ask when this is gone
  bool& turn_wanted = *turn_flag;
  std::uint64_t asks = 0;
  std::unordered_map<std::uint64_t, Ask> asked;
};

}  // namespace smppd::flow
