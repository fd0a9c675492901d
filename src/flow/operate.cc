// query_sm, cancel_sm, replace_sm and their broadcast and 3.3 kin: carried to the SMSC that has the message, under the
// id that SMSC gave it, for the client whose message it is (SMPP 3.4 §4.8-4.10).
//
// The home shard of the upstream knows the ids, and the id a client shows does not tell the upstream: the request goes
// from shard to shard until one knows it or all were asked; with a store, what waits there comes first.
#include "flow/flow.h"
#include "flow/internal/depot.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/matching.h"
#include "flow/internal/stored_operations.h"
#include "flow/receipt_map.h"

namespace smppd::flow {

namespace {

constexpr std::size_t kMaxId33 = 9;  // octets of a message_id in 3.3, its NUL included

bool is_question(smpp::CommandId request) noexcept {
  return request == smpp::CommandId::query_sm || request == smpp::CommandId::query_msg_details;
}

}  // namespace

smpp::CommandStatus failure_of(smpp::CommandId request) noexcept {
  switch (request) {
    case smpp::CommandId::cancel_sm: return smpp::CommandStatus::ESME_RCANCELFAIL;
    case smpp::CommandId::replace_sm: return smpp::CommandStatus::ESME_RREPLACEFAIL;
    case smpp::CommandId::cancel_broadcast_sm: return smpp::CommandStatus::ESME_RBCASTCANCELFAIL;
    case smpp::CommandId::query_broadcast_sm: return smpp::CommandStatus::ESME_RBCASTQUERYFAIL;
    case smpp::CommandId::param_retrieve: return smpp::CommandStatus::ESME_RSYSERR;  // 3.3 has no better one
    default: return smpp::CommandStatus::ESME_RQUERYFAIL;
  }
}

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
  message::Flight flight;
  flight.arrived = shard_.loop().now();
  flight.origin = {sender.session, header.sequence_number, here()};
  flight.client = sender.client;
  flight.command_id = header.command_id;
  if (shown.empty()) {
    // cancel_sm by addresses alone means messages that wait in a queue; in transaction mode none does.
    const bool all = depot_ != nullptr && header.command_id == smpp::CommandId::cancel_sm && sender.entry != nullptr;
    if (!all) return answer(failure_of(header.command_id));
    matching_->cancel_all({flight, mark_of(kind_of(sender.entry->system_id, view)), 0}, pdu);
    return Taken::kYes;
  }
  const auto format = sender.entry == nullptr ? config::MessageIdFormat::kHex : sender.entry->message_id_format;
  flight.id = message::parse_own_id(shown, static_cast<message::IdFormat>(format)).value_or(0);
  const std::string_view source = view.text(smpp::Field::source_addr);
  flight.source_hash = source.empty() ? 0 : address_hash(source);
  operate_here({flight}, pdu);
  return Taken::kYes;
}

void Flow::operate_here(const OperateMail& asked, ByteSpan pdu) noexcept {
  if (depot_ != nullptr && !asked.at_smsc && asked.flight.id != 0) {
    depot_->operations->operate(asked, pdu);
  } else {
    operate_at_smsc(asked, pdu);
  }
}

void Flow::operate_at_smsc(const OperateMail& asked, ByteSpan pdu) noexcept {
  message::Flight flight = asked.flight;
  smpp::PduView view;
  if (!view.decode(pdu)) return;
  const auto known = receipts_.find(flight.id, view.text(smpp::Field::message_id), *snapshot_,
                                    [this](message::UpstreamId id) { return home_of(id) == shard_.index(); });
  if (!known) {
    operate_elsewhere(asked, pdu);
    return;
  }
  const bool owner =
      known->client == flight.client && (flight.source_hash == 0 || flight.source_hash == known->source_hash);
  upstream::Group* group = upstreams_.find(known->upstream);
  // Of a message in parts one alone would be cancelled or replaced.
  const bool whole = !known->part || is_question(flight.command_id);
  if (!owner || group == nullptr || !whole) {
    operate_failed(flight, owner ? failure_of(flight.command_id) : smpp::CommandStatus::ESME_RINVMSGID);
    return;
  }
  smpp::PduBuilder builder;
  builder.from(view, group->version()).set(smpp::Field::message_id, known->upstream_id);
  const auto status = send_operation(flight, *group, builder, view.sequence_number());
  if (status != smpp::CommandStatus::ESME_ROK) operate_failed(flight, status);
}

// This shard does not know the message.
void Flow::operate_elsewhere(const OperateMail& asked, ByteSpan pdu) noexcept {
  const message::Flight& flight = asked.flight;
  const unsigned next = (shard_.index() + 1) % shard_.count();
  if (next != flight.origin.shard) {
    post(shard_, next, MailKind::kOperate, asked, pdu);
  } else if (depot_ != nullptr && flight.command_id == smpp::CommandId::query_sm && flight.id != 0) {
    depot_->operations->query_outcome(flight, pdu);
  } else {
    operate_failed(flight, smpp::CommandStatus::ESME_RINVMSGID);
  }
}

// ESME_ROK: it is on its way. Otherwise what the client is told.
smpp::CommandStatus Flow::send_operation(message::Flight& flight, upstream::Group& group,
                                         const smpp::PduBuilder& request, std::uint32_t sequence) noexcept {
  encoded_.clear();
  const auto encoded = request.encode(encoded_, smpp::CommandStatus::ESME_ROK, sequence);
  const auto pick = encoded ? group.pick({}) : upstream::Group::Pick{};
  if (pick.outcome == upstream::Group::Outcome::kFull) return smpp::CommandStatus::ESME_RTHROTTLED;
  if (pick.outcome != upstream::Group::Outcome::kSend) return failure_of(flight.command_id);
  flight.upstream = group.id();
  flight.host = pick.host;
  flight.lane_shard = pick.shard;
  // The answer goes straight to the shard of the session, so only that one could settle what it has launched.
  flight.unbooked = flight.origin.shard != here();
  if (!flight.unbooked) group.launched(pick.host, pick.shard);
  if (pick.shard != here()) {
    post(shard_, pick.shard, MailKind::kSubmit, SubmitMail{flight, {}}, encoded_);
  } else if (!group.send(flight, encoded_)) {
    if (!flight.unbooked) group.abandoned(pick.host, pick.shard);
    return smpp::CommandStatus::ESME_RTHROTTLED;
  }
  return smpp::CommandStatus::ESME_ROK;
}

// query_msg_details, query_last_msgs and param_retrieve are known to 3.3 alone: other versions reserve their
// command_ids, so that a session of theirs gets a generic_nack (3.4 §4.3.1). A 3.3 session gets their own response,
// with an error where the SMSC does not speak 3.3.
Flow::Taken Flow::operate_33(const Sender& sender, const smpp::Header& header, ByteSpan pdu) noexcept {
  const auto answer = [&](smpp::CommandStatus status) {
    sessions_->answer(sender.session, {header.sequence_number, header.command_id, status, 0, {}, {}});
    return Taken::kYes;
  };
  if (sender.side.version != smpp::Version::v33) return answer(smpp::CommandStatus::ESME_RINVCMDID);
  if (header.command_id == smpp::CommandId::query_msg_details) return operate(sender, header, pdu);
  ++probe_.operations;
  smpp::PduView view;
  if (const auto decoded = view.decode(pdu); !decoded) {
    ++probe_.malformed;
    return answer(decoded.status);
  }
  message::Flight flight;
  flight.arrived = shard_.loop().now();
  flight.origin = {sender.session, header.sequence_number, here()};
  flight.client = sender.client;
  flight.command_id = header.command_id;
  const auto status = consult(sender, flight, view);
  if (status == smpp::CommandStatus::ESME_ROK) return Taken::kYes;
  ++probe_.operations_unknown;
  return answer(status);
}

// What names no message goes where a message of this client without a destination would go.
smpp::CommandStatus Flow::consult(const Sender& sender, message::Flight& flight, const smpp::PduView& view) noexcept {
  routing::Decision road;
  if (sender.entry != nullptr && sender.entry->upstream.valid()) {
    road.kind = routing::Decision::Kind::kUpstreams;
    road.upstreams[0] = sender.entry->upstream;
    road.upstream_count = 1;
  } else {
    message::MessageFacts facts = facts_of(view);
    facts.client = sender.client;
    road = snapshot_->routes->decide(facts, wall_now(), random());
  }
  auto status = failure_of(flight.command_id);
  if (road.kind != routing::Decision::Kind::kUpstreams) return status;
  for (const message::UpstreamId id : road.to_try()) {
    upstream::Group* group = upstreams_.find(id);
    if (group == nullptr || group->version() != smpp::Version::v33) continue;
    smpp::PduBuilder builder;
    builder.from(view, smpp::Version::v33);
    status = send_operation(flight, *group, builder, view.sequence_number());
    if (status == smpp::CommandStatus::ESME_ROK) break;
  }
  return status;
}

// The SMSC's ids mean nothing to the client, and its account may be shared: the upstream's home shard picks those of
// this client and shows them under the ids the client was given.
void Flow::show_last_msgs(const message::Flight& flight, ByteSpan pdu) noexcept {
  const unsigned home = home_of(flight.upstream);
  if (home != shard_.index()) {
    post(shard_, home, MailKind::kLastMsgs, LastMsgsMail{flight, false}, pdu);
    return;
  }
  smpp::PduView view;
  if (!view.decode(pdu)) {
    operate_failed(flight, failure_of(flight.command_id));
    return;
  }
  if (view.status() != smpp::CommandStatus::ESME_ROK) {
    answer_last_msgs(flight, pdu);
    return;
  }
  const UpstreamFacts* upstream = snapshot_->upstream(flight.upstream);
  const bool as_they_are = upstream != nullptr && upstream->passes_ids_through;
  const accounts::ClientEntry* client = flight.client.valid() ? snapshot_->clients->find(flight.client) : nullptr;
  const auto format = client == nullptr ? config::MessageIdFormat::kHex : client->message_id_format;
  smpp::PduBuilder builder;
  builder.reset(smpp::CommandId::query_last_msgs_resp, smpp::Version::v33);
  for (const std::string_view theirs : view.message_ids()) {
    const auto known = receipts_.find_theirs(flight.upstream, theirs);
    if (!known || known->client != flight.client) continue;
    const message::OwnIdText own(known->own, static_cast<message::IdFormat>(format));
    const std::string_view shown = as_they_are ? theirs : own.view();
    if (shown.size() < kMaxId33) builder.add_message_id(shown);
  }
  std::vector<std::uint8_t> out;
  if (builder.encode(out, smpp::CommandStatus::ESME_ROK, view.sequence_number())) {
    answer_last_msgs(flight, out);
  } else {
    operate_failed(flight, failure_of(flight.command_id));
  }
}

void Flow::on_last_msgs(const LastMsgsMail& mail, ByteSpan pdu) noexcept {
  if (mail.named) {
    answer_last_msgs(mail.flight, pdu);
  } else {
    show_last_msgs(mail.flight, pdu);
  }
}

void Flow::answer_last_msgs(const message::Flight& flight, ByteSpan pdu) noexcept {
  if (flight.origin.shard != here()) {
    post(shard_, flight.origin.shard, MailKind::kLastMsgs, LastMsgsMail{flight, true}, pdu);
    return;
  }
  const auto status = smpp::read_header(pdu.data()).command_status;
  sessions_->answer(flight.origin.session, {flight.origin.sequence_number, flight.command_id, status, 0, {}, pdu});
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
