// What waits for a client: receipts and MO are the client's own once they are on the disk, are handed to its sessions
// in order and within their windows, and stay until one of them says that it has them.
#include <algorithm>

#include "flow/internal/depot.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/log.h"
#include "flow/internal/report_writer.h"

namespace smppd::flow {

namespace {

using smpp::CommandStatus;

StoredKind stored_kind(OfferKind kind) noexcept {
  return kind == OfferKind::kReceipt ? StoredKind::kReceipt : StoredKind::kMo;
}
OfferKind offer_kind(StoredKind kind) noexcept {
  return kind == StoredKind::kReceipt ? OfferKind::kReceipt : OfferKind::kMo;
}

}  // namespace

Flow::Depot::Box& Flow::Depot::box_of(std::uint32_t hash) {
  auto& box = boxes[hash];
  if (box == nullptr) {
    box = std::make_unique<Box>();
    box->hash = hash;
    if (const auto client = clients.find(hash); client != clients.end()) box->client = client->second;
  }
  return *box;
}

// Adds the item to the transaction that is being written.
void Flow::Depot::put_in(const Consignment& consignment, ByteSpan pdu, bool direct, store::ItemId item) noexcept {
  const std::string_view client = flow.snapshot_->client_names[consignment.client.value()];
  Box& box = box_of(lanes::hash(client));
  StoredMessage kept;
  kept.kind = stored_kind(consignment.kind);
  kept.own = consignment.about;
  kept.client = client;
  kept.side = consignment.from;
  kept.arrived = now();
  kept.expires = now() + options().delivery_retention;
  kept.pdu = pdu;
  store::Progress progress;
  progress.state = static_cast<std::uint8_t>(ItemState::kInbox);
  progress.lane = lanes::of_client(box.hash);
  progress.expires = kept.expires;
  progress.held = direct;
  transaction.enqueue(item, progress, body_of(kept));
  ++box.items;
  if (!direct) box.lane.ready = true;
}

bool Flow::Depot::take_in(const Consignment& consignment, ByteSpan pdu) noexcept {
  Box& box = box_of(lanes::hash(flow.snapshot_->client_names[consignment.client.value()]));
  if (box.items >= options().inbox_max_per_client || !may_send()) {
    ++flow.probe_.inbox_full;
    return false;
  }
  const bool direct = !box.lane.ready && !box.lane.reading && !box.blocked && box.has_room() &&
                      !flow.directory_.of(consignment.client, flow.here()).empty();
  const store::ItemId item = flow.ids_.next(flow.wall_now());
  put_in(consignment, pdu, direct, item);
  add_parts_to_transaction();
  depot::TakenStep step{
      consignment.ticket,     {}, consignment.client, consignment.from, consignment.kind, consignment.about,
      consignment.about_entry};
  if (direct) {
    step.handed = handed.make(depot::Handed{item, box.hash, 0, {}, now() + options().delivery_retention}).second;
    box.given();
  }
  commit_owed(StepKind::kTaken, step, direct ? pdu : ByteSpan());
  return true;
}

// It is durable: the SMSC may forget it.
void Flow::Depot::hand_over(const depot::TakenStep& step, ByteSpan pdu) noexcept {
  ++flow.probe_.inbox_kept;
  if (step.about != 0) flow.settle_report({step.about_entry, step.about}, CommandStatus::ESME_ROK);
  flow.answer_smsc(step.ticket, CommandStatus::ESME_ROK);
  if (!step.handed.valid()) {
    const auto box = boxes.find(lanes::hash(flow.snapshot_->client_names[step.client.value()]));
    if (box != boxes.end()) pump(*box->second);
    return;
  }
  hand(step.handed, step.client, step.kind, step.from, pdu);
}

// To the first session that takes it; else back to its place, until one has room.
void Flow::Depot::hand(SlabHandle handle, message::ClientId client, OfferKind kind, const PeerSide& from,
                       ByteSpan pdu) noexcept {
  smpp::PduView view;
  message::DeliveryTicket ticket;
  ticket.link = handle;
  ticket.shard = flow.here();
  ticket.stored = true;
  if (view.decode(pdu)) {
    ticket.command_id = view.id();
    const Delivery delivery{{}, ticket};
    if (flow.offer(flow.directory_.of(client, flow.here()), {kind, delivery, view, from, nullptr})) return;
  }
  const depot::Handed* one = handed.get(handle);
  Box& box = box_of(one->box);
  box.returned();
  box.found_full(flow.shard_.loop().now());
  (void)partition.put_back(one->item, one->due);
  box.lane.ready = true;
  handed.release(handle);
  turn_wanted = true;
  flow.call(client);
}

void Flow::Depot::settled(SlabHandle handle, CommandStatus status) noexcept {
  const depot::Handed* one = handed.get(handle);
  if (one == nullptr) return;
  Box& box = box_of(one->box);
  box.returned();
  if (status == CommandStatus::ESME_ROK) {
    box.grow(flow.shard_.loop().now());
    begin().finish(one->item);
    if (box.items > 0) --box.items;
  } else {
    ++flow.probe_.inbox_again;
    store::Progress progress;
    progress.state = static_cast<std::uint8_t>(ItemState::kInbox);
    progress.lane = lanes::of_client(box.hash);
    progress.attempts = static_cast<std::uint16_t>(std::min(one->attempts + 1, 0xFFFF));
    progress.expires = one->expires;
    const unsigned doublings = std::min<unsigned>(progress.attempts - 1U, 16);
    progress.due = now() + std::min<std::chrono::milliseconds>(options().inbox_delay * (1U << doublings),
                                                               options().inbox_max_delay);
    begin().amend(one->item, progress);
  }
  commit_owed();
  handed.release(handle);
  box.blocked = false;
  pump_later(box);
}

void Flow::Depot::pump_later(Box& box) {
  turn_wanted = true;
  if (!box.listed) hungry.push_back(&box);
  box.listed = true;
}

// A receipt of our own for a message that ended here; adds it to the transaction that is being written. False: its
// sender wants none, or cannot be told.
bool Flow::Depot::tell_sender(const StoredMessage& stored, smpp::MessageState state, CommandStatus status) noexcept {
  const accounts::ClientEntry* client = flow.snapshot_->clients->find(stored.client);
  smpp::PduView view;
  if (client == nullptr || !options().keep_deliveries || !view.decode(stored.pdu)) return false;
  const message::OwnIdText id(stored.own, static_cast<message::IdFormat>(client->message_id_format));
  OwnReceipt receipt;
  receipt.id = id.view();
  receipt.state = state;
  receipt.error = static_cast<std::uint16_t>(std::min<std::uint32_t>(static_cast<std::uint32_t>(status), 999));
  receipt.submitted = stored.arrived;
  receipt.done = now();
  receipt.style = client->receipts.get();
  if (!write_own_receipt(facts_of(view), receipt, redrawn)) return false;
  const PeerSide side{smpp::Version::v34, stored.side.alphabet, 0};
  put_in({client->id, OfferKind::kReceipt, side, {}, 0, 0}, redrawn, false, flow.ids_.next(flow.wall_now()));
  if (smpp::is_final(state)) receipts.put_told(told_of(stored), true);
  ++flow.probe_.own_receipts;
  return true;
}

void Flow::Depot::receiver_bound(message::ClientId client) noexcept {
  if (!client.valid()) return;
  const auto box = boxes.find(lanes::hash(flow.snapshot_->client_names[client.value()]));
  if (box == boxes.end()) return;
  box->second->client = client;
  box->second->blocked = false;
  pump(*box->second);
}

void Flow::Depot::pump(Box& box) noexcept {
  if (!box.lane.ready || box.lane.reading || box.blocked || !box.has_room() || !may_send()) return;
  if (!box.client.valid()) return;
  if (flow.directory_.of(box.client, flow.here()).empty()) {
    flow.call(box.client);
    return;
  }
  take(lanes::of_client(box.hash), box.lane, box.most_in_hands - box.in_flight);
}

// An item of a client's lane, held now.
void Flow::Depot::take_out(const store::ItemView& item) noexcept {
  Box& box = box_of(lanes::hash_in(item.progress.lane));
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  if (!stored || item.progress.expires <= now()) {
    ++(stored ? flow.probe_.inbox_expired : flow.probe_.store_damaged);
    begin().finish(item.id);
    commit_owed();
    if (box.items > 0) --box.items;
    return;
  }
  const accounts::ClientEntry* client = flow.snapshot_->clients->find(stored->client);
  if (client == nullptr || box.blocked) {
    // Another client of the same hash may have been asked for, or the one before it found no session.
    (void)partition.put_back(item.id, box.blocked ? item.progress.due : now() + options().inbox_max_delay);
    box.lane.ready = box.lane.ready || box.blocked;
    turn_wanted = true;
    return;
  }
  const SlabHandle handle =
      handed.make(depot::Handed{item.id, box.hash, item.progress.attempts, item.progress.due, item.progress.expires})
          .second;
  box.given();
  hand(handle, client->id, offer_kind(stored->kind), stored->side, stored->pdu);
}

void Flow::Depot::keep_part(store::ItemId item, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  const UpstreamFacts& upstream = *flow.snapshot_->upstream(ticket.upstream);
  StoredMessage kept;
  kept.kind = StoredKind::kMo;
  kept.upstream = flow.snapshot_->upstream_names[ticket.upstream.value()];
  kept.side = upstream.side;
  kept.arrived = now();
  kept.pdu = pdu;
  store::Progress progress;
  progress.state = static_cast<std::uint8_t>(ItemState::kPart);
  progress.lane = lanes::of_parts(lanes::hash(kept.upstream));
  progress.held = true;
  begin().enqueue(item, progress, body_of(kept));
  commit_owed(StepKind::kAcknowledge, depot::AcknowledgeStep{ticket});
}

void Flow::Depot::add_parts_to_transaction() noexcept {
  for (const store::ItemId part : parts) transaction.finish(part);
  parts.clear();
}

void Flow::Depot::finish_parts() noexcept {
  if (parts.empty()) return;
  begin();
  add_parts_to_transaction();
  commit_owed();
}

// A part that was kept before this smppd started.
void Flow::Depot::take_part(const store::ItemView& item) noexcept {
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  message::DeliveryTicket ticket;
  ticket.link = handle_of(item.id);
  ticket.shard = flow.here();
  ticket.answered = true;
  for (std::size_t i = 0; stored && i < flow.snapshot_->upstream_names.size(); ++i) {
    if (flow.snapshot_->upstream_names[i] == stored->upstream) {
      ticket.upstream = message::UpstreamId(static_cast<std::uint16_t>(i));
    }
  }
  if (!stored || !ticket.upstream.valid()) {
    ++flow.probe_.store_damaged;
    parts_of(item.id);
    finish_parts();
    return;
  }
  flow.join_mo(ticket, stored->pdu);
}

}  // namespace smppd::flow
