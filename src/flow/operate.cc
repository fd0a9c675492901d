// query_sm, cancel_sm, replace_sm and their broadcast kin: carried to the SMSC that has the message, under the id that
// SMSC gave it, for the client whose message it is (SMPP 3.4 §4.8-4.10).
//
// The home shard of the upstream knows the ids, and the id a client shows does not tell the upstream: the request goes
// from shard to shard until one knows it or all were asked.
#include "flow/flow.h"
#include "flow/internal/facts_of.h"
#include "flow/receipt_map.h"

namespace smppd::flow {

namespace {

smpp::CommandStatus failure_of(smpp::CommandId request) noexcept {
  switch (request) {
    case smpp::CommandId::cancel_sm: return smpp::CommandStatus::ESME_RCANCELFAIL;
    case smpp::CommandId::replace_sm: return smpp::CommandStatus::ESME_RREPLACEFAIL;
    case smpp::CommandId::cancel_broadcast_sm: return smpp::CommandStatus::ESME_RBCASTCANCELFAIL;
    case smpp::CommandId::query_broadcast_sm: return smpp::CommandStatus::ESME_RBCASTQUERYFAIL;
    default: return smpp::CommandStatus::ESME_RQUERYFAIL;
  }
}

}  // namespace

Flow::Taken Flow::operate(const Sender& sender, const smpp::Header& header, ByteSpan pdu) noexcept {
  ++probe_.operations;
  const auto answer = [&](smpp::CommandStatus status) {
    sessions_->answer(sender.session, {header.sequence_number, header.command_id, status, 0, {}, {}});
    return Taken::kYes;
  };
  smpp::PduView view;
  if (const auto decoded = view.decode(pdu); !decoded) {
    ++probe_.malformed;
    return answer(decoded.status);
  }
  const std::string_view shown = view.text(smpp::Field::message_id);
  // cancel_sm by addresses alone means messages that wait in a queue; in transaction mode none does.
  if (shown.empty()) return answer(failure_of(header.command_id));
  message::Flight flight;
  flight.arrived = shard_.loop().now();
  flight.origin = {sender.session, header.sequence_number, here()};
  flight.client = sender.client;
  flight.command_id = header.command_id;
  const auto format = sender.entry == nullptr ? config::MessageIdFormat::kHex : sender.entry->message_id_format;
  flight.id = message::parse_own_id(shown, static_cast<message::IdFormat>(format)).value_or(0);
  const std::string_view source = view.text(smpp::Field::source_addr);
  flight.source_hash = source.empty() ? 0 : address_hash(source);
  operate_here(flight, pdu);
  return Taken::kYes;
}

void Flow::operate_here(message::Flight flight, ByteSpan pdu) noexcept {
  smpp::PduView view;
  if (!view.decode(pdu)) return;
  const auto known = receipts_.find(flight.id, view.text(smpp::Field::message_id), *snapshot_,
                                    [this](message::UpstreamId id) { return home_of(id) == shard_.index(); });
  if (!known) {
    const unsigned next = (shard_.index() + 1) % shard_.count();
    if (next == flight.origin.shard) {
      operate_failed(flight, smpp::CommandStatus::ESME_RINVMSGID);
    } else {
      post(shard_, next, MailKind::kOperate, OperateMail{flight}, pdu);
    }
    return;
  }
  const bool owner =
      known->client == flight.client && (flight.source_hash == 0 || flight.source_hash == known->source_hash);
  upstream::Group* group = upstreams_.find(known->upstream);
  if (!owner || group == nullptr) {
    operate_failed(flight, owner ? failure_of(flight.command_id) : smpp::CommandStatus::ESME_RINVMSGID);
    return;
  }
  smpp::PduBuilder builder;
  builder.from(view, group->version()).set(smpp::Field::message_id, known->upstream_id);
  encoded_.clear();
  const auto encoded = builder.encode(encoded_, smpp::CommandStatus::ESME_ROK, view.sequence_number());
  const auto pick = encoded ? group->pick({}) : upstream::Group::Pick{};
  if (pick.outcome != upstream::Group::Outcome::kSend) {
    operate_failed(flight, pick.outcome == upstream::Group::Outcome::kFull ? smpp::CommandStatus::ESME_RTHROTTLED
                                                                           : failure_of(flight.command_id));
    return;
  }
  flight.upstream = group->id();
  flight.host = pick.host;
  flight.lane_shard = pick.shard;
  group->launched(pick.host, pick.shard);
  if (pick.shard != here()) {
    post(shard_, pick.shard, MailKind::kSubmit, SubmitMail{flight}, encoded_);
  } else if (!group->send(flight, encoded_)) {
    group->abandoned(pick.host, pick.shard);
    operate_failed(flight, smpp::CommandStatus::ESME_RTHROTTLED);
  }
}

void Flow::operate_failed(const message::Flight& flight, smpp::CommandStatus status) noexcept {
  ++probe_.operations_unknown;
  if (flight.origin.shard != here()) {
    post(shard_, flight.origin.shard, MailKind::kOperated, OperatedMail{flight, status});
    return;
  }
  sessions_->answer(flight.origin.session, {flight.origin.sequence_number, flight.command_id, status, 0, {}, {}});
}

}  // namespace smppd::flow
