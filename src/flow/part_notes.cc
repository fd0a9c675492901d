// What the parts of long messages have reported, over restarts.
#include <algorithm>

#include "flow/internal/depot.h"
#include "flow/internal/desk.h"
#include "flow/internal/lanes.h"
#include "flow/internal/octets.h"
#include "flow/internal/part_note.h"

namespace smppd::flow {

using internal::PartReceipts;
using smpp::CommandStatus;

namespace {

// version parts copies worst has_code err_code(4) done(32), bit 0 first | err shown_id
constexpr std::uint8_t kPartNoteVersion = 1;
constexpr std::size_t kDoneOctets = 32;
constexpr std::size_t kLongestErr = 16;

}  // namespace

PartNoteKey part_note_key(message::OwnId own, std::string_view upstream) noexcept {
  PartNoteKey key{};
  auto* at = std::ranges::copy(outcome_key(own), key.begin()).out;
  *at = 'p';
  store_be(reinterpret_cast<std::uint8_t*>(at + 1), lanes::hash(upstream));
  return key;
}

ByteSpan encode(const PartReceipts::Message& message, PartNoteRoom& room) noexcept {
  internal::OctetWriter out(room);
  out.number(kPartNoteVersion);
  out.number(message.parts);
  out.number(static_cast<std::uint8_t>(message.copies));
  out.number(message.worst ? static_cast<std::uint8_t>(*message.worst) : std::uint8_t{0xFF});
  out.number(static_cast<std::uint8_t>(message.err_code.has_value()));
  out.number(message.err_code.value_or(0));
  std::array<std::uint8_t, kDoneOctets> done{};
  for (std::size_t part = 0; part < message.done.size(); ++part) {
    if (message.done.test(part)) done[part / 8] = static_cast<std::uint8_t>(done[part / 8] | 1U << part % 8);
  }
  out.octets(done);
  out.text(message.err);
  out.text(message.shown_id);
  return out.done();
}

bool recall_part_note(ByteSpan octets, PartReceipts::Message& message) {
  internal::OctetReader in(octets);
  if (in.number<std::uint8_t>() != kPartNoteVersion) return false;
  const auto parts = in.number<std::uint8_t>();
  const bool copies = in.number<std::uint8_t>() != 0;
  const auto worst = in.number<std::uint8_t>();
  const bool has_code = in.number<std::uint8_t>() != 0;
  const auto err_code = in.number<std::uint32_t>();
  std::bitset<256> done;
  for (std::size_t octet = 0; octet < kDoneOctets; ++octet) {
    const auto bits = in.number<std::uint8_t>();
    for (std::size_t bit = 0; bit < 8; ++bit) done.set(octet * 8 + bit, (bits >> bit & 1U) != 0);
  }
  const std::string_view err = in.text();
  const std::string_view shown_id = in.text();
  const bool has_worst = worst <= static_cast<std::uint8_t>(smpp::MessageState::skipped);
  if (!in.at_end() || parts != message.parts || err.size() > kLongestErr || (!has_worst && worst != 0xFF)) return false;
  message.done |= done;
  message.copies = message.copies || copies;
  message.on_disk = true;
  message.shown_id = shown_id;
  if (has_worst) {
    PartReceipts::merge(message, static_cast<smpp::MessageState>(worst), err,
                        has_code ? std::optional(err_code) : std::nullopt);
  }
  return true;
}

bool Flow::ReceiptStore::recall_parts(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                                      const ReceiptMap::Entry& entry) noexcept {
  const PartReceipts::Message* known = flow.receipts_.parts_of(entry.own);
  if (known == nullptr || known->recalled) return false;
  const PartNoteKey key = part_note_key(entry.own, flow.snapshot_->upstream_names[entry.upstream.value()]);
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = store::Table::kNotes;
  request.key = {key.data(), key.size()};
  const ByteSpan pdu = view.bytes();
  flow.desk_->read(request, [this, ticket, own = entry.own, kept = std::vector<std::uint8_t>(pdu.begin(), pdu.end())](
                                const store::ReadAnswer& answer) {
    if (answer.failed) return flow.answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    PartReceipts::Message* message = flow.receipts_.parts_of(own);
    if (message != nullptr && !message->recalled) {
      message->recalled = true;
      if (!answer.records.empty() && !recall_part_note(answer.records.front().value, *message)) {
        ++flow.probe_.store_damaged;
      }
    }
    flow.match_report(ticket, kept, Look::kAgain);
  });
  return true;
}

void Flow::ReceiptStore::put_parts(const ReceiptMap::Entry& entry, const PartReceipts::Message& message) noexcept {
  Depot& depot = *flow.depot_;
  const PartNoteKey key = part_note_key(entry.own, flow.snapshot_->upstream_names[entry.upstream.value()]);
  const auto kept = std::chrono::duration_cast<std::chrono::milliseconds>(flow.snapshot_->config->receipts.retention);
  PartNoteRoom octets;
  const ByteSpan value = encode(message, octets);
  if (!value.empty()) {
    depot.transaction.put(store::Table::kNotes, {key.data(), key.size()}, value, depot.now() + kept);
  }
}

void Flow::ReceiptStore::keep_part(const message::DeliveryTicket& ticket, const ReceiptMap::Entry& entry) noexcept {
  Depot& depot = *flow.depot_;
  PartReceipts::Message* message = flow.receipts_.parts_of(entry.own);
  depot.begin();
  // The part has one final receipt: another is known for a repetition after a restart, too.
  depot.put_final(entry, flow.receipts_.upstream_id(entry.ref));
  if (message != nullptr) {
    message->on_disk = true;
    put_parts(entry, *message);
  }
  if (ticket.answered) {
    depot.commit_owed();
    flow.answer_smsc(ticket, CommandStatus::ESME_ROK);
  } else {
    depot.commit_owed(depot::StepKind::kAcknowledge, depot::AcknowledgeStep{ticket});
  }
}

void Flow::ReceiptStore::put_parts_told(const ReceiptMap::Entry& entry) noexcept {
  const PartReceipts::Message* message = flow.receipts_.parts_of(entry.own);
  if (message == nullptr) return;
  if (message->copies || may_end_later(entry)) {
    PartReceipts::Message told = *message;
    told.done.set(message->part_of(flow.receipts_.upstream_id(entry.ref)));
    told.done.reset(0);
    put_parts(entry, told);
  } else if (message->on_disk) {
    const PartNoteKey key = part_note_key(entry.own, flow.snapshot_->upstream_names[entry.upstream.value()]);
    flow.depot_->transaction.erase(store::Table::kNotes, {key.data(), key.size()});
  }
}

}  // namespace smppd::flow
