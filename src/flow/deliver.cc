// The road from the SMSC: receipts to the message they are about, MO to whom they are for, and the SMSC's answer once
// the client has answered (stop 8). Without a taker the SMSC is told ESME_RX_T_APPN, so that it keeps the message.
#include <algorithm>
#include <cstring>

#include "flow/flow.h"
#include "flow/internal/depot.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/log.h"
#include "flow/internal/offer.h"
#include "flow/internal/report_splice.h"
#include "flow/internal/report_writer.h"
#include "flow/receipt_map.h"
#include "smpp/flags.h"
#include "smpp/text/receipt.h"

namespace smppd::flow {

namespace {

using smpp::CommandStatus;
using smpp::Field;

// Counts at the shard whose session was given the delivery, so that only what was sent is counted.
void count_sent(FlowProbe& probe, OfferKind kind) noexcept {
  ++(kind == OfferKind::kReceipt ? probe.receipts_forwarded
     : kind == OfferKind::kMo    ? probe.mo_forwarded
                                 : probe.alerts_forwarded);
}

void count_left(FlowProbe& probe, OfferKind kind) noexcept {
  ++(kind == OfferKind::kReceipt ? probe.receipts_refused
     : kind == OfferKind::kMo    ? probe.mo_refused
                                 : probe.alerts_unclaimed);
}

constexpr std::uint64_t bit_of(unsigned shard) noexcept { return std::uint64_t{1} << shard; }

}  // namespace

// On the upstream's home shard.
void Flow::match_report(const message::DeliveryTicket& ticket, ByteSpan pdu, Look look) noexcept {
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  smpp::PduView view;
  if (upstream == nullptr || !view.decode(pdu)) {
    answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return;
  }
  match_report(ticket, view, *upstream, look);
}

void Flow::match_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, const UpstreamFacts& upstream,
                        Look look) noexcept {
  const Instant now = shard_.loop().now();
  Report report = read_report(view, upstream);
  const auto state = report.receipt.state.value_or(smpp::MessageState::unknown);
  if (look == Look::kFirst) {
    ++probe_.receipts_by_state[std::min<std::size_t>(static_cast<std::size_t>(state), 9)];
    if (upstream.receipt_codes != nullptr) count_code(ticket.upstream, report);
  }
  if (report.receipt.id.empty()) {
    give_up_report(ticket, view.bytes());
    return;
  }
  using enum smpp::MessageField;
  const bool usual = view.message_layout();
  const auto entry = receipts_.match(
      ticket.upstream, report.receipt.id, usual ? view.text_at(source_addr) : view.text(Field::source_addr),
      usual ? view.text_at(destination_addr) : view.text(Field::destination_addr), ReceiptDesk::Patience::kMayWait);
  if (!entry) {
    if (look == Look::kFirst) ++probe_.receipts_parked;
    const bool ask_the_store = depot_ != nullptr && look == Look::kFirst;
    if (const auto released = receipts_.park(ticket, report.receipt.id, view.bytes(), now)) {
      give_up_report(released->ticket, released->pdu);
    }
    if (ask_the_store) depot_->look_up({ticket.upstream, true}, report.receipt.id);
    return;
  }
  tell_report(ticket, view, report, *entry);
}

// A receipt whose message had not come: with less patience, what other readings of its id mean may count now.
Reported Flow::tell_kept(const message::DeliveryTicket& ticket, ByteSpan pdu, ReceiptDesk::Patience patience) noexcept {
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  smpp::PduView view;
  if (upstream == nullptr || !view.decode(pdu)) return Reported::kUnmatched;
  Report report = read_report(view, *upstream);
  if (report.receipt.id.empty()) return Reported::kUnmatched;
  const auto entry = receipts_.match(ticket.upstream, report.receipt.id, view.text(Field::source_addr),
                                     view.text(Field::destination_addr), patience);
  return entry ? tell_report(ticket, view, report, *entry) : Reported::kUnmatched;
}

// Nothing is known of its message: it is acknowledged, so that the SMSC sends on, and kept to be looked at.
void Flow::give_up_report(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  if (tell_kept(ticket, pdu, ReceiptDesk::Patience::kAtLast) != Reported::kUnmatched) return;
  ++probe_.receipts_unmatched;
  std::uint64_t suppressed = 0;
  if (unmatched_log_.allow(shard_.loop().now(), suppressed)) {
    kLog.warn("receipt for a message that is not known here",
              {{"upstream", snapshot_->upstream_names[ticket.upstream.value()]}, {"suppressed", suppressed}});
  }
  if (depot_ != nullptr) {
    depot_->receipts.keep_stray(ticket, pdu);
    return;
  }
  receipts_.strays().keep({ticket.upstream, wall_now(), {pdu.begin(), pdu.end()}, 0});
  answer_smsc(ticket, CommandStatus::ESME_ROK);
}

Reported Flow::tell_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, Report& report,
                           const ReceiptMap::Entry& entry) noexcept {
  auto state = report.receipt.state.value_or(smpp::MessageState::unknown);
  const bool intermediate = !smpp::is_final(state);
  if (entry.final_seen) {
    ++probe_.receipts_duplicate;
    answer_smsc(ticket, CommandStatus::ESME_ROK);
    return Reported::kDone;
  }
  if (entry.telling) {
    ++probe_.receipts_duplicate;
    if (!receipts_.hold(entry.ref, ticket)) answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return Reported::kDone;
  }
  if (quality_.on() && !intermediate) note_report(view, *snapshot_->upstream(ticket.upstream), entry, state);
  if (entry.part) [[unlikely]] {
    if (!is_of_whole(ticket, view, report, entry)) return Reported::kDone;
    state = report.receipt.state.value_or(smpp::MessageState::unknown);
  }
  const accounts::ClientEntry* client = intermediate ? snapshot_->client(entry.client) : nullptr;
  if (!is_receipt_wanted(entry.registered_delivery, state, client == nullptr ? nullptr : client->receipts.get())) {
    ++probe_.receipts_unwanted;
    answer_smsc(ticket, CommandStatus::ESME_ROK);
    return Reported::kDone;
  }
  if (!intermediate && !entry.part && keeps_deliveries() &&
      depot_->receipts.doubts({entry.own, entry.destination_hash})) [[unlikely]] {
    depot_->receipts.tell_if_first(ticket, view, entry);
    return Reported::kDone;
  }
  return forward_report(ticket, view, report, entry);
}

// The receipt of a part: false when it says nothing yet of the message, or nothing new.
bool Flow::is_of_whole(const message::DeliveryTicket& ticket, const smpp::PduView& view, Report& report,
                       const ReceiptMap::Entry& entry) noexcept {
  if (keeps_deliveries() && depot_->receipts.recall_parts(ticket, view, entry)) return false;
  switch (gather_part(entry, report)) {
    case Gathered::kTell: return true;
    case Gathered::kCounted:
      if (keeps_deliveries()) {
        depot_->receipts.keep_part(ticket, entry);
      } else {
        answer_smsc(ticket, CommandStatus::ESME_ROK);
      }
      return false;
    case Gathered::kRepeated:
      ++probe_.receipts_duplicate;
      answer_smsc(ticket, CommandStatus::ESME_ROK);
      return false;
    case Gathered::kLater: answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN); return false;
  }
  return true;
}

void Flow::count_code(message::UpstreamId upstream, const Report& report) noexcept {
  CodeCount& count = probe_.codes_of(upstream);
  if (report.meaning != nullptr) {
    ++count.mapped;
    return;
  }
  ++count.unmapped;
  std::uint64_t suppressed = 0;
  if (unmapped_log_.allow(shard_.loop().now(), suppressed)) {
    kLog.warn("receipt with a code that the map of its upstream lacks",
              {{"upstream", snapshot_->upstream_names[upstream.value()]},
               {"err", report.receipt.err},
               {"stat", report.receipt.stat},
               {"suppressed", suppressed}});
  }
}

Reported Flow::forward_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, const Report& report,
                              const ReceiptMap::Entry& entry) noexcept {
  const UpstreamFacts& upstream = *snapshot_->upstream(ticket.upstream);
  const bool intermediate = report.receipt.state && !smpp::is_final(*report.receipt.state);
  Delivery delivery{{}, ticket, intermediate ? 0 : entry.own, entry.ref.index};
  if (!intermediate) receipts_.tell(entry.ref);
  const auto receivers = directory_.of(entry.client, here());
  const accounts::ClientEntry* client = snapshot_->client(entry.client);
  const message::OwnIdText own(entry.own, client == nullptr
                                              ? message::IdFormat::kHex
                                              : static_cast<message::IdFormat>(client->message_id_format));
  ReportShape shape{upstream.passes_ids_through ? report.receipt.id : own.view(),
                    upstream.options->receipts.swap_addresses, client == nullptr ? nullptr : client->receipts.get()};
  if (shape.style != nullptr) shape.swap_addresses ^= shape.style->swap_addresses;
  smpp::PduView spliced;
  const bool as_octets = shape.is_plain() && splice_report(view, report, shape.id, spliced_, spliced);
  if (!as_octets) write_report(view, report, shape, wall_now(), scratch_);
  if (keeps_deliveries() && entry.client.valid()) {
    delivery.pdu = spliced.bytes();
    return store_report(delivery, entry, as_octets ? nullptr : &scratch_);
  }
  if (as_octets) {
    if (offer(receivers, {OfferKind::kReceipt, delivery, spliced, upstream.side, nullptr})) return Reported::kDone;
  } else {
    if (offer(receivers, {OfferKind::kReceipt, delivery, view, upstream.side, &scratch_})) return Reported::kDone;
  }
  count_left(probe_, OfferKind::kReceipt);
  call(entry.client);
  delivered(delivery, CommandStatus::ESME_RX_T_APPN);
  return Reported::kNoTaker;
}

bool Flow::keeps_deliveries() const noexcept { return depot_ != nullptr && depot_->options().keep_deliveries; }

// The receipt becomes the client's own, whether it is there or not; its message is told of at the same moment.
// `delivery.pdu` is the receipt, unless it is `edited`.
Reported Flow::store_report(const Delivery& delivery, const ReceiptMap::Entry& entry,
                            smpp::PduBuilder* edited) noexcept {
  ByteSpan pdu = delivery.pdu;
  const PeerSide& side = snapshot_->upstream(delivery.ticket.upstream)->side;
  if (edited != nullptr) {
    spliced_.clear();
    if (!edited->encode(spliced_, CommandStatus::ESME_ROK, delivery.ticket.sequence_number)) {
      delivered(delivery, CommandStatus::ESME_RX_T_APPN);
      return Reported::kNoTaker;
    }
    pdu = spliced_;
  }
  depot_->begin();
  if (delivery.id != 0) depot_->put_final(entry, receipts_.upstream_id(entry.ref));
  if (const ToldId id{entry.own, entry.destination_hash}; delivery.id != 0 && depot_->receipts.must_note(entry)) {
    depot_->receipts.put_told(id, depot_->receipts.doubts(id));
  }
  if (delivery.id != 0 && entry.part) [[unlikely]]
    depot_->receipts.put_parts_told(entry);
  if (depot_->take_in({entry.client, OfferKind::kReceipt, side, delivery.ticket, delivery.id, delivery.entry}, pdu))
    return Reported::kDone;
  count_left(probe_, OfferKind::kReceipt);
  delivered(delivery, CommandStatus::ESME_RX_T_APPN);
  return Reported::kNoTaker;
}

// On the upstream's home shard: what the client said to a final receipt is said to those that came after it, too.
void Flow::settle_report(ReceiptMap::Ref message, CommandStatus status) noexcept {
  const bool taken = status == CommandStatus::ESME_ROK;
  for (const message::DeliveryTicket& held : receipts_.told(message, taken, shard_.loop().now())) {
    answer_smsc(held, status);
  }
}

void Flow::join_mo(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  smpp::PduView view;
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  if (!view.decode(pdu)) {
    answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return;
  }
  const bool keeps = keeps_deliveries();
  const auto go_on_with = [&](const message::DeliveryTicket& part) {
    if (keeps) depot_->parts_of(Depot::item_of(part.link));
  };
  if (reassembly_ == nullptr || upstream == nullptr) {
    if (ticket.answered) go_on_with(ticket);
    route_mo(ticket, view);
    return;
  }
  message::DeliveryTicket part = ticket;
  if (keeps && !ticket.answered) part.link = Depot::handle_of(ids_.next(wall_now()));
  switch (reassembly_->offer(view, part, upstream->side.alphabet, upstream->side.version, shard_.loop().now())) {
    case Reassembly::Outcome::kNotAPart:
      if (ticket.answered) go_on_with(ticket);
      route_mo(ticket, view);
      break;
    case Reassembly::Outcome::kHeld:
      if (keeps && !ticket.answered) {
        depot_->keep_part(Depot::item_of(part.link), ticket, pdu);
      } else {
        answer_smsc(ticket, CommandStatus::ESME_ROK);
      }
      break;
    case Reassembly::Outcome::kDuplicate:
      answer_smsc(ticket, CommandStatus::ESME_ROK);
      if (ticket.answered) go_on_with(ticket);
      break;
    case Reassembly::Outcome::kComplete: {
      ++probe_.mo_reassembled;
      for (const message::DeliveryTicket& one : reassembly_->joined()) go_on_with(one);
      smpp::PduView whole;
      if (whole.decode(reassembly_->message())) route_mo(ticket, whole);
      break;
    }
  }
  if (keeps) depot_->finish_parts();
  route_released();
}

// Parts whose message will not be completed go on alone.
void Flow::route_released() noexcept {
  while (const auto released = reassembly_->next_released()) {
    smpp::PduView part;
    const bool keeps = keeps_deliveries();
    if (keeps) depot_->parts_of(Depot::item_of(released->ticket.link));
    if (part.decode(released->pdu)) route_mo(released->ticket, part);
    if (keeps) depot_->finish_parts();
  }
}

void Flow::route_mo(const message::DeliveryTicket& ticket, const smpp::PduView& view) noexcept {
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  if (upstream == nullptr) {
    answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return;
  }
  LazyText text(view, upstream->side.alphabet);
  message::MessageFacts facts = facts_of(view);
  facts.upstream = ticket.upstream;
  facts.text = &text;
  Draft draft(view, scratch_, upstream->side.version);
  if (!chain_->on_mo.empty()) {
    MessageContext context{
        facts, draft, nullptr, upstream->side.version, ids_.next(wall_now()), shard_.loop().now(), wall_now(), false};
    for (Filter* filter : chain_->on_mo) {
      const Verdict verdict = filter->on_mo(context);
      if (verdict.kind == Verdict::Kind::kPass) continue;
      ++(verdict.kind == Verdict::Kind::kDrop ? probe_.dropped_by_filter : probe_.filtered);
      answer_smsc(ticket, verdict.status);
      return;
    }
  }
  smpp::PduBuilder* edited = draft.edited() ? &draft.edit() : nullptr;
  const Delivery delivery{{}, ticket};
  const Offer offered{OfferKind::kMo, delivery, view, upstream->side, edited};
  if (keeps_deliveries() ? store_mo(facts, offered) : offer_to_takers(facts, offered)) return;
  count_left(probe_, OfferKind::kMo);
  answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
}

// An alert_notification goes where a message to its esme_addr would go. It has no response (3.4 §4.12).
void Flow::route_alert(message::DeliveryTicket ticket, const smpp::PduView& view) noexcept {
  ticket.answered = true;
  message::MessageFacts facts;
  facts.source_addr = view.text(Field::source_addr);
  facts.source_addr_ton = view.u8(Field::source_addr_ton);
  facts.source_addr_npi = view.u8(Field::source_addr_npi);
  facts.destination_addr = view.text(Field::esme_addr);
  facts.dest_addr_ton = view.u8(Field::esme_addr_ton);
  facts.dest_addr_npi = view.u8(Field::esme_addr_npi);
  facts.upstream = ticket.upstream;
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  const Delivery delivery{{}, ticket};
  if (upstream != nullptr && offer_to_takers(facts, {OfferKind::kAlert, delivery, view, upstream->side, nullptr}))
    return;
  count_left(probe_, OfferKind::kAlert);
}

// mo_routes name the clients in order; without a route the address ranges of the binds decide.
bool Flow::offer_to_takers(const message::MessageFacts& facts, const Offer& offered) noexcept {
  const auto takers = snapshot_->mo_routes->decide(facts, wall_now());
  if (!takers.route.valid()) return offer(directory_.covering(facts.destination_addr), offered);
  for (const message::ClientId client : takers.clients) {
    if (offer(directory_.of(client, here()), offered)) return true;
  }
  if (offered.kind == OfferKind::kMo) {
    for (const message::ClientId client : takers.clients) call(client);
  }
  return false;
}

// The first of the route's clients that is there; if none is, it waits for the first.
bool Flow::store_mo(const message::MessageFacts& facts, const Offer& offered) noexcept {
  const auto takers = snapshot_->mo_routes->decide(facts, wall_now());
  message::ClientId client;
  if (takers.route.valid()) {
    for (const message::ClientId taker : takers.clients) {
      if (client.valid() || directory_.of(taker, here()).empty()) continue;
      client = taker;
    }
    if (!client.valid() && !takers.clients.empty()) client = takers.clients.front();
  } else if (const Receiver* first = directory_.covering(facts.destination_addr).next()) {
    client = first->client;
  }
  if (!client.valid()) return offer_to_takers(facts, offered);  // nobody, or an anonymous one
  ByteSpan pdu = offered.view.bytes();
  if (offered.edited != nullptr) {
    spliced_.clear();
    if (!offered.edited->encode(spliced_, CommandStatus::ESME_ROK, 0)) return false;
    pdu = spliced_;
  }
  depot_->begin();
  return depot_->take_in({client, OfferKind::kMo, offered.from, offered.delivery.ticket}, pdu);
}

// Gives the delivery to the first receiver that takes it; one on another shard gets it by mail, and that shard looks
// further if its session cannot take it.
bool Flow::offer(Candidates receivers, const Offer& offered) noexcept {
  static thread_local std::vector<std::uint8_t> written;
  const bool alert = offered.kind == OfferKind::kAlert;
  const PeerSide* written_for = nullptr;
  Delivery delivery = offered.delivery;
  while (const Receiver* next = receivers.next()) {
    const Receiver& receiver = *next;
    if ((offered.tried & bit_of(receiver.shard)) != 0) continue;
    if (alert && receiver.side.version == smpp::Version::v33) continue;  // 3.4 brought it
    if (written_for == nullptr || !(*written_for == receiver.side)) {
      written_for = nullptr;
      delivery.pdu = offered.view.bytes();
      const bool as_it_is =
          alert || (offered.edited == nullptr && fits_as_it_is(offered.view, offered.from, receiver.side));
      if (!as_it_is) {
        written.clear();
        if (!adapt_delivery(offered.view, offered.edited, offered.from, receiver.side, adapted_, written)) continue;
        delivery.pdu = written;
      }
      written_for = &receiver.side;
    }
    if (receiver.shard == here()) {
      if (!sessions_->deliver(receiver.session, delivery)) continue;
      count_sent(probe_, offered.kind);
      return true;
    }
    ++probe_.cross_shard;
    post(shard_, receiver.shard, MailKind::kDeliver,
         DeliverMail{delivery.ticket, delivery.id, delivery.entry, receiver.client, receiver.session, receiver.side,
                     offered.kind, offered.tried | bit_of(here())},
         delivery.pdu);
    return true;
  }
  return false;
}

// A client that waits to be called is called by one shard, so that it is called once.
void Flow::call(message::ClientId client) noexcept {
  const accounts::ClientEntry* entry = client.valid() ? snapshot_->clients->find(client) : nullptr;
  if (entry == nullptr || !entry->outbind || !directory_.of(client, here()).empty()) return;
  const unsigned caller = client.value() % shard_.count();
  if (caller == shard_.index()) {
    sessions_->call(client);
  } else {
    post(shard_, caller, MailKind::kCall, CallMail{client});
  }
}

// The session that was chosen may be gone or full by now: then the client's others, here and on the shards where none
// was tried.
void Flow::deliver_here(const DeliverMail& mail, ByteSpan pdu) noexcept {
  const Delivery delivery{pdu, mail.ticket, mail.id, mail.entry};
  if (sessions_->deliver(mail.session, delivery)) {
    count_sent(probe_, mail.kind);
    return;
  }
  smpp::PduView view;
  const Offer offered{mail.kind, delivery, view, mail.side, nullptr, mail.tried};
  if (view.decode(pdu) && offer(directory_.of(mail.client, here()), offered)) return;
  count_left(probe_, mail.kind);
  delivered(delivery, CommandStatus::ESME_RX_T_APPN);
}

void Flow::delivered(const Delivery& delivery, CommandStatus status) noexcept {
  if (delivery.id != 0) {
    const unsigned home = home_of(delivery.ticket.upstream);
    const ReceiptMap::Ref message{delivery.entry, delivery.id};
    if (home == shard_.index()) {
      settle_report(message, status);
    } else {
      post(shard_, home, MailKind::kTold, ToldMail{message, status});
    }
  }
  answer_smsc(delivery.ticket, status);
}

void Flow::answer_smsc(const message::DeliveryTicket& ticket, CommandStatus status) noexcept {
  if (ticket.answered) {
    if (ticket.on_record) [[unlikely]]
      depot_->receipts.settled(ticket, status);
    return;
  }
  if (ticket.shard == here()) {
    if (ticket.stored) {
      depot_->settled(ticket.link, status);
    } else {
      upstreams_.answer(ticket, status);
    }
  } else {
    post(shard_, ticket.shard, MailKind::kDelivered, DeliveredMail{ticket, status});
  }
}

void Flow::tick() noexcept {
  const Instant now = shard_.loop().now();
  receipts_.tick(
      now,
      [this](const ReceiptParking::Parked& parked, message::DeliveryTicket& kept) {
        const Reported told = tell_kept(parked.ticket, parked.pdu, ReceiptDesk::Patience::kHeld);
        if (told != Reported::kUnmatched) return true;
        if (depot_ != nullptr) {
          depot_->receipts.keep_parked(parked, kept);
        } else {
          answer_smsc(parked.ticket, CommandStatus::ESME_ROK);
        }
        return false;
      },
      [this](const ReceiptParking::Parked& parked) { give_up_report(parked.ticket, parked.pdu); });
  if (depot_ != nullptr) depot_->tick();
  if (reassembly_ != nullptr) {
    reassembly_->tick(now);
    route_released();
  }
  resume_parts(nullptr);
  upstreams_.reap();
  share_outcomes();
}

}  // namespace smppd::flow
