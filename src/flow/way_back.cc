// What an SMSC sends of itself: sorted by what it is, and receipts told as nearly all of them are (stop 8). What needs
// more than that is in deliver.cc.
#include <algorithm>
#include <optional>

#include "base/flatten.h"
#include "flow/flow.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/plain_report.h"
#include "smpp/flags.h"

namespace smppd::flow {

struct Flow::Back {
  Flow& flow;

  // The usual form, of a message that is known here beyond doubt and has not ended, whose client has a session here and
  // wants it as it is. False, and nothing has happened, for all others.
  [[nodiscard]] bool tell(const message::DeliveryTicket& ticket, const smpp::PduView& view) noexcept;
  [[nodiscard]] bool find(const PlainReport& report, const message::DeliveryTicket& ticket, const smpp::PduView& view,
                          std::optional<ReceiptMap::Entry>& entry) noexcept;

  [[gnu::noinline]] void sort(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                              const smpp::DecodeResult& decoded) noexcept;
  [[gnu::noinline]] void take_mo(const message::DeliveryTicket& ticket, const smpp::PduView& view) noexcept;
};

SMPPD_FLATTEN void Flow::on_request(upstream::Group&, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  smpp::PduView view;
  const smpp::DecodeResult decoded = view.decode(pdu);
  Back back{*this};
  if (decoded && back.tell(ticket, view)) [[likely]]
    return;
  back.sort(ticket, view, decoded);
}

bool Flow::Back::tell(const message::DeliveryTicket& ticket, const smpp::PduView& view) noexcept {
  const std::size_t id = ticket.upstream.value();
  if (id >= flow.ways_.size() || !flow.ways_[id].tells_plainly || flow.quality_.on()) return false;
  PlainReport report;
  std::optional<ReceiptMap::Entry> entry;
  if (!report.read(view) || !find(report, ticket, view, entry)) return false;
  const accounts::ClientEntry* client = flow.snapshot_->client(entry->client);
  if (client != nullptr && client->receipts != nullptr) return false;
  const Receiver* receiver = flow.directory_.first_of(entry->client, flow.here());
  if (receiver == nullptr || receiver->side.version == smpp::Version::v33 ||
      receiver->side.alphabet != flow.ways_[id].alphabet) {
    return false;
  }
  const message::OwnIdText own(entry->own, client == nullptr
                                               ? message::IdFormat::kHex
                                               : static_cast<message::IdFormat>(client->message_id_format));
  report.show_as(own.view());
  if (report.text_size() > std::min(kMaxPlainText, short_message_limit(receiver->side))) return false;
  const Delivery delivery{{}, ticket, entry->own, entry->ref.index, &report};
  if (!flow.sessions_->deliver(receiver->session, delivery)) return false;
  flow.directory_.pass_turn();
  flow.receipts_.tell_found(*entry);
  ++flow.probe_.receipts;
  ++flow.probe_.receipts_by_state[static_cast<std::size_t>(report.state())];
  ++flow.probe_.receipts_forwarded;
  return true;
}

bool Flow::Back::find(const PlainReport& report, const message::DeliveryTicket& ticket, const smpp::PduView& view,
                      std::optional<ReceiptMap::Entry>& entry) noexcept {
  using enum smpp::MessageField;
  if (!smpp::is_final(report.state())) return false;
  entry = flow.receipts_.find_plainly(ticket.upstream, report.id(), view.text_at(source_addr),
                                      view.text_at(destination_addr));
  if (!entry || entry->final_seen || entry->telling || entry->part) return false;
  const bool delivered = report.state() == smpp::MessageState::delivered;
  return smpp::RegisteredDelivery{entry->registered_delivery}.wants_final(delivered);
}

void Flow::Back::sort(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                      const smpp::DecodeResult& decoded) noexcept {
  if (!decoded) {
    ++flow.probe_.malformed;
    flow.answer_smsc(ticket, decoded.status);
    return;
  }
  if (ticket.command_id == smpp::CommandId::alert_notification) {
    ++flow.probe_.alerts;
    flow.route_alert(ticket, view);
    return;
  }
  const UpstreamFacts* upstream = flow.snapshot_->upstream(ticket.upstream);
  if (upstream == nullptr || !is_report(view, *upstream)) {
    take_mo(ticket, view);
    return;
  }
  ++flow.probe_.receipts;
  if (const unsigned home = flow.home_of(ticket.upstream); home == flow.shard_.index()) {
    flow.match_report(ticket, view, *upstream, Look::kFirst);
  } else {
    post(flow.shard_, home, MailKind::kReport, ReportMail{ticket}, view.bytes());
  }
}

void Flow::Back::take_mo(const message::DeliveryTicket& ticket, const smpp::PduView& view) noexcept {
  ++flow.probe_.mo;
  if (flow.reassembly_ == nullptr) {
    flow.route_mo(ticket, view);
  } else if (const unsigned home = flow.home_of(ticket.upstream); home == flow.shard_.index()) {
    flow.join_mo(ticket, view.bytes());
  } else {
    // Parts of one message may come over links of several shards.
    post(flow.shard_, home, MailKind::kMo, MoMail{ticket}, view.bytes());
  }
}

}  // namespace smppd::flow
