// The road from the SMSC: receipts to the message they are about, MO to whom they are for, and the SMSC's answer once
// the client has answered (stop 8). Without a taker the SMSC is told ESME_RX_T_APPN, so that it keeps the message.
#include <cstring>

#include "flow/flow.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/log.h"
#include "flow/receipt_map.h"
#include "smpp/flags.h"
#include "smpp/text/receipt.h"

namespace smppd::flow {

namespace {

using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;

// Whether the client asked for this receipt with registered_delivery (3.4 §5.2.17).
bool is_wanted(std::uint8_t registered_delivery, bool intermediate, bool delivered) noexcept {
  const smpp::RegisteredDelivery asked{registered_delivery};
  return intermediate ? asked.intermediate() : asked.wants_final(delivered);
}

}  // namespace

void Flow::on_request(upstream::Group& group, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  smpp::PduView view;
  const smpp::DecodeResult decoded = view.decode(pdu);
  if (!decoded) {
    ++probe_.malformed;
    answer_smsc(ticket, decoded.status);
    return;
  }
  if (ticket.command_id == smpp::CommandId::alert_notification) {
    ++probe_.alerts;
    return;
  }
  const UpstreamFacts* upstream = snapshot_->upstream(group.id());
  const unsigned home = home_of(group.id());
  if (upstream == nullptr || !is_report(view, *upstream)) {
    ++probe_.mo;
    if (reassembly_ == nullptr) {
      route_mo(ticket, view);
    } else if (home == shard_.index()) {
      join_mo(ticket, pdu);
    } else {
      // Parts of one message may come over links of several shards.
      post(shard_, home, MailKind::kMo, MoMail{ticket}, pdu);
    }
    return;
  }
  ++probe_.receipts;
  if (home == shard_.index()) {
    match_report(ticket, pdu);
  } else {
    post(shard_, home, MailKind::kReport, ReportMail{ticket}, pdu);
  }
}

// On the upstream's home shard.
void Flow::match_report(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  smpp::PduView view;
  if (upstream == nullptr || !view.decode(pdu)) {
    answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return;
  }
  const Instant now = shard_.loop().now();
  const Report report = read_report(view, *upstream);
  const auto state = report.receipt.state.value_or(smpp::MessageState::unknown);
  ++probe_.receipts_by_state[std::min<std::size_t>(static_cast<std::size_t>(state), 9)];
  if (report.receipt.id.empty()) {
    ++probe_.receipts_unmatched;
    answer_smsc(ticket, CommandStatus::ESME_ROK);
    return;
  }
  const auto entry = receipts_.match(ticket.upstream, report.receipt.id, view.text(Field::source_addr),
                                     view.text(Field::destination_addr));
  if (!entry) {
    ++probe_.receipts_parked;
    if (const auto released = receipts_.park(ticket, report.receipt.id, pdu, now)) {
      ++probe_.receipts_unmatched;
      answer_smsc(*released, CommandStatus::ESME_ROK);
    }
    return;
  }
  const bool intermediate = !smpp::is_final(state);
  if (entry->final_seen) {
    ++probe_.receipts_duplicate;
    answer_smsc(ticket, CommandStatus::ESME_ROK);
    return;
  }
  if (!is_wanted(entry->registered_delivery, intermediate, state == smpp::MessageState::delivered)) {
    ++probe_.receipts_unwanted;
    answer_smsc(ticket, CommandStatus::ESME_ROK);
    return;
  }
  forward_report(ticket, view, report, *entry);
}

// The same PDU under our id: in the text, in the TLV, and as text where there was none.
void Flow::write_report(const smpp::PduView& view, const Report& report, const UpstreamFacts& upstream,
                        message::OwnId id, message::ClientId client, smpp::PduBuilder& builder) noexcept {
  const accounts::ClientEntry* entry = client.valid() ? snapshot_->clients->find(client) : nullptr;
  const auto format = entry == nullptr ? config::MessageIdFormat::kHex : entry->message_id_format;
  const message::OwnIdText own(id, static_cast<message::IdFormat>(format));
  const std::string shown(upstream.passes_ids_through ? report.receipt.id : own.view());
  builder.from(view, smpp::Version::v50);
  if (upstream.options->receipts.swap_addresses) {
    builder.set(Field::source_addr, view.text(Field::destination_addr))
        .set(Field::source_addr_ton, view.u8(Field::dest_addr_ton))
        .set(Field::source_addr_npi, view.u8(Field::dest_addr_npi))
        .set(Field::destination_addr, view.text(Field::source_addr))
        .set(Field::dest_addr_ton, view.u8(Field::source_addr_ton))
        .set(Field::dest_addr_npi, view.u8(Field::source_addr_npi));
  }
  static thread_local std::vector<char> text;
  text.resize(report.text.size() + shown.size() + smpp::kMaxReceipt);
  const auto rewritten = report.vendor_text ? std::nullopt : smpp::rewrite_receipt_id(report.text, shown, text);
  std::size_t size = rewritten.value_or(0);
  if (!rewritten) {
    smpp::ReceiptFields fields;
    fields.id = shown;
    fields.state = report.receipt.state.value_or(smpp::MessageState::unknown);
    fields.delivered = fields.state == smpp::MessageState::delivered ? 1 : 0;
    fields.err = report.receipt.err.empty() ? "000" : report.receipt.err.substr(0, 16);
    fields.submit_date = smpp::parse_receipt_date(report.receipt.submit_date).value_or(wall_now());
    fields.done_date = smpp::parse_receipt_date(report.receipt.done_date).value_or(wall_now());
    fields.text = report.receipt.text;
    size = smpp::write_receipt(fields, text);
    builder.set(Field::data_coding, 0);
  }
  const std::string_view written(text.data(), size);
  if (view.id() == smpp::CommandId::data_sm || view.tlv(TlvTag::message_payload)) {
    builder.replace_tlv(TlvTag::message_payload, as_bytes(written));
  } else {
    builder.set(Field::short_message, written);
  }
  builder.set(Field::esm_class,
              smpp::EsmClass{view.u8(Field::esm_class)}.is_report() ? view.u8(Field::esm_class) : std::uint8_t{0x04});
  builder.replace_tlv(TlvTag::receipted_message_id, as_bytes(std::string_view(shown.c_str(), shown.size() + 1)));
  if (report.receipt.state) {
    const auto state = static_cast<std::uint8_t>(*report.receipt.state);
    builder.replace_tlv(TlvTag::message_state, ByteSpan(&state, 1));
  }
}

void Flow::forward_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, const Report& report,
                          const ReceiptMap::Entry& entry) noexcept {
  const UpstreamFacts& upstream = *snapshot_->upstream(ticket.upstream);
  smpp::PduBuilder builder;
  write_report(view, report, upstream, entry.own, entry.client, builder);
  const bool intermediate = report.receipt.state && !smpp::is_final(*report.receipt.state);
  const Delivery delivery{{}, ticket, intermediate ? 0 : entry.own};
  if (offer(directory_.of(entry.client, here()), delivery, view, upstream.side, &builder)) {
    ++probe_.receipts_forwarded;
    return;
  }
  ++probe_.receipts_refused;
  call(entry.client);
  answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
}

void Flow::join_mo(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  smpp::PduView view;
  const UpstreamFacts* upstream = snapshot_->upstream(ticket.upstream);
  if (!view.decode(pdu)) {
    answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return;
  }
  if (reassembly_ == nullptr || upstream == nullptr) {
    route_mo(ticket, view);
    return;
  }
  switch (reassembly_->offer(view, ticket, upstream->side.alphabet, upstream->side.version, shard_.loop().now())) {
    case Reassembly::Outcome::kNotAPart: route_mo(ticket, view); break;
    case Reassembly::Outcome::kHeld:
    case Reassembly::Outcome::kDuplicate: answer_smsc(ticket, CommandStatus::ESME_ROK); break;
    case Reassembly::Outcome::kComplete: {
      ++probe_.mo_reassembled;
      smpp::PduView whole;
      if (whole.decode(reassembly_->message())) route_mo(ticket, whole);
      break;
    }
  }
  route_released();
}

// Parts whose message will not be completed go on alone.
void Flow::route_released() noexcept {
  while (const auto released = reassembly_->next_released()) {
    smpp::PduView part;
    if (part.decode(released->pdu)) route_mo(released->ticket, part);
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
  const Delivery delivery{{}, ticket, 0};
  const auto takers = snapshot_->mo_routes->decide(facts, wall_now());
  bool taken = false;
  if (takers.route.valid()) {
    for (const message::ClientId client : takers.clients) {
      taken = offer(directory_.of(client, here()), delivery, view, upstream->side, edited);
      if (taken) break;
    }
  } else {
    taken = offer(directory_.covering(facts.destination_addr), delivery, view, upstream->side, edited);
  }
  if (taken) {
    ++probe_.mo_forwarded;
    return;
  }
  ++probe_.mo_refused;
  if (takers.route.valid()) {
    for (const message::ClientId client : takers.clients) call(client);
  }
  answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
}

// Gives the delivery to the first receiver that takes it; one on another shard takes it by mail and offers it to the
// client's other sessions there if the first cannot.
bool Flow::offer(const std::vector<Receiver>& receivers, Delivery delivery, const smpp::PduView& view,
                 const PeerSide& from, smpp::PduBuilder* edited) noexcept {
  static thread_local std::vector<std::uint8_t> pdu;
  const PeerSide* written_for = nullptr;
  for (const Receiver& receiver : receivers) {
    if (written_for == nullptr || !(*written_for == receiver.side)) {
      pdu.clear();
      written_for = nullptr;
      if (!adapt_delivery(view, edited, from, receiver.side, adapted_, pdu)) continue;
      written_for = &receiver.side;
    }
    delivery.pdu = pdu;
    if (receiver.shard == here()) {
      if (sessions_->deliver(receiver.session, delivery)) return true;
      continue;
    }
    ++probe_.cross_shard;
    post(shard_, receiver.shard, MailKind::kDeliver,
         DeliverMail{delivery.ticket, delivery.id, receiver.client, receiver.session}, pdu);
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

void Flow::deliver_here(const DeliverMail& mail, ByteSpan pdu) noexcept {
  const Delivery delivery{pdu, mail.ticket, mail.id};
  if (sessions_->deliver(mail.session, delivery)) return;
  for (const Receiver& receiver : directory_.of(mail.client, here())) {
    if (receiver.shard == here() && sessions_->deliver(receiver.session, delivery)) return;
  }
  delivered(delivery, CommandStatus::ESME_RX_T_APPN);
}

void Flow::delivered(const Delivery& delivery, CommandStatus status) noexcept {
  if (delivery.id != 0 && status == CommandStatus::ESME_ROK) {
    const unsigned home = home_of(delivery.ticket.upstream);
    if (home == shard_.index()) {
      receipts_.told(delivery.id, shard_.loop().now());
    } else {
      post(shard_, home, MailKind::kTold, ToldMail{delivery.id});
    }
  }
  answer_smsc(delivery.ticket, status);
}

void Flow::answer_smsc(const message::DeliveryTicket& ticket, CommandStatus status) noexcept {
  if (ticket.answered) return;
  if (ticket.shard == here()) {
    upstreams_.answer(ticket, status);
  } else {
    post(shard_, ticket.shard, MailKind::kDelivered, DeliveredMail{ticket, status});
  }
}

void Flow::tick() noexcept {
  const Instant now = shard_.loop().now();
  receipts_.tick(
      now, [this](const message::DeliveryTicket& ticket) { answer_smsc(ticket, CommandStatus::ESME_ROK); },
      [this, now](const message::DeliveryTicket& ticket) {
        ++probe_.receipts_unmatched;
        answer_smsc(ticket, CommandStatus::ESME_ROK);
        std::uint64_t suppressed = 0;
        if (unmatched_log_.allow(now, suppressed)) {
          kLog.warn("receipt for a message that is not known here",
                    {{"upstream", snapshot_->upstream_names[ticket.upstream.value()]}, {"suppressed", suppressed}});
        }
      });
  if (reassembly_ != nullptr) {
    reassembly_->tick(now);
    route_released();
  }
  upstreams_.reap();
}

}  // namespace smppd::flow
