// query_sm, cancel_sm and replace_sm about messages that wait in the store, and query_sm about those that have ended
// (3.4 §4.8-4.10). A message that is with an SMSC, or about to be, can be asked after and nothing else.
#include "flow/internal/depot.h"
#include "flow/internal/desk.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/matching.h"
#include "flow/receipt_map.h"
#include "smpp/text/smpp_time.h"

namespace smppd::flow {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::MessageState;

void Flow::Depot::operate(const message::Flight& flight, ByteSpan pdu) noexcept {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kItem;
  request.id = flight.id;
  Ask what;
  what.kind = Ask::Kind::kOperate;
  what.flight = flight;
  what.pdu.assign(pdu.begin(), pdu.end());
  ask(request, std::move(what));
}

void Flow::Depot::query_outcome(const message::Flight& flight, ByteSpan pdu) noexcept {
  const OutcomeKey key = outcome_key(flight.id);
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = store::Table::kOutcomes;
  request.key = view(key);
  Ask what;
  what.kind = Ask::Kind::kOutcome;
  what.flight = flight;
  what.pdu.assign(pdu.begin(), pdu.end());
  ask(request, std::move(what));
}

void Flow::Depot::show_outcome(const Ask& what, const store::ReadAnswer& answer) noexcept {
  const auto outcome = answer.records.empty() ? std::nullopt : decode_outcome(answer.records.front().value);
  smpp::PduView request;
  const std::string_view client = what.flight.client.valid()
                                      ? std::string_view(flow.snapshot_->client_names[what.flight.client.value()])
                                      : std::string_view();
  if (!outcome || outcome->client != client || !request.decode(what.pdu)) {
    flow.operate_failed(what.flight, CommandStatus::ESME_RINVMSGID);
    return;
  }
  const auto done = smpp::absolute_time(outcome->ended);
  const smpp::TimeText text = done ? smpp::format_time(*done) : smpp::TimeText{};
  show_state(what.flight, request, outcome->state, done ? smpp::view(text) : std::string_view());
}

void Flow::Depot::operate_on(const message::Flight& flight, ByteSpan pdu, const store::ItemView& item) noexcept {
  smpp::PduView request, message;
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  const std::string_view client = flight.client.valid()
                                      ? std::string_view(flow.snapshot_->client_names[flight.client.value()])
                                      : std::string_view();
  const bool owner = stored && stored->kind == StoredKind::kMessage && stored->client == client &&
                     message.decode(stored->pdu) &&
                     (flight.source_hash == 0 || flight.source_hash == address_hash(message.text(Field::source_addr)));
  if (!owner || !request.decode(pdu)) {
    flow.operate_failed(flight, CommandStatus::ESME_RINVMSGID);
    return;
  }
  if (flight.command_id == CommandId::query_sm) {
    show_state(flight, request, MessageState::enroute, {});
    return;
  }
  const bool changes = flight.command_id == CommandId::cancel_sm || flight.command_id == CommandId::replace_sm;
  if (!changes) {
    flow.operate_failed(flight, failure_of(flight.command_id));
    return;
  }
  flow.matching_->claim_item(
      item.id, [this, flight, pdu = std::vector<std::uint8_t>(pdu.begin(), pdu.end())](const store::ItemView* claimed) {
        if (claimed == nullptr) return flow.operate_failed(flight, failure_of(flight.command_id));
        change(flight, pdu, *claimed);
      });
}

// Nobody sends it meanwhile: it is held.
void Flow::Depot::change(const message::Flight& flight, ByteSpan pdu, const store::ItemView& item) noexcept {
  smpp::PduView request;
  const auto stored = only_waits(item) ? decode_stored(item.body) : std::nullopt;
  if (!stored || !request.decode(pdu)) {
    unclaim(item);
    flow.operate_failed(flight, failure_of(flight.command_id));
  } else if (flight.command_id == CommandId::cancel_sm) {
    cancel(flight, item, *stored);
  } else {
    replace(flight, request, item, *stored);
  }
}

void Flow::Depot::unclaim(const store::ItemView& item) noexcept {
  (void)partition.put_back(item.id, item.progress.due);
  now_ready(item.progress);
}

void Flow::Depot::now_ready(const store::Progress& progress) noexcept {
  if (progress.due > now()) return;
  Outlet& outlet = outlet_of(lanes::hash_in(progress.lane));
  outlet.lanes[lanes::priority_in(progress.lane)].ready = true;
  pump(outlet);
}

void Flow::Depot::cancel(const message::Flight& flight, const store::ItemView& item,
                         const StoredMessage& stored) noexcept {
  ++flow.probe_.cancelled;
  std::vector<std::uint8_t> response;
  if (!smpp::PduBuilder(CommandId::cancel_sm_resp, smpp::Version::v34)
           .encode(response, CommandStatus::ESME_ROK, flight.origin.sequence_number)) {
    return;
  }
  write_end(item, stored, {EndReason::kCancelled, CommandStatus::ESME_ROK});
  commit_owed(StepKind::kOperated, depot::OperatedStep{flight}, response);
}

void Flow::Depot::replace(const message::Flight& flight, const smpp::PduView& request, const store::ItemView& item,
                          const StoredMessage& stored) noexcept {
  const Lifetime life = lifetime(request);
  smpp::PduView message;
  if (life.status != CommandStatus::ESME_ROK || !message.decode(stored.pdu)) {
    unclaim(item);
    flow.operate_failed(flight,
                        life.status != CommandStatus::ESME_ROK ? life.status : CommandStatus::ESME_RREPLACEFAIL);
    return;
  }
  smpp::PduBuilder builder;
  builder.from(message, stored.side.version);
  builder.set(Field::registered_delivery, request.u8(Field::registered_delivery))
      .set(Field::sm_default_msg_id, request.u8(Field::sm_default_msg_id))
      .set(Field::short_message, request.octets(Field::short_message));
  const bool new_schedule = !request.text(Field::schedule_delivery_time).empty();
  const bool new_validity = !request.text(Field::validity_period).empty();
  store::Progress progress = item.progress;
  progress.held = false;
  if (new_schedule) progress.due = life.due;
  if (new_validity) progress.expires = life.expires;
  StoredMessage kept = stored;
  kept.expires = progress.expires;
  kept.registered_delivery = request.u8(Field::registered_delivery);
  std::vector<std::uint8_t> response;
  redrawn.clear();
  if (!builder.encode(redrawn, CommandStatus::ESME_ROK, message.sequence_number()) ||
      !smpp::PduBuilder(CommandId::replace_sm_resp, smpp::Version::v34)
           .encode(response, CommandStatus::ESME_ROK, flight.origin.sequence_number)) {
    unclaim(item);
    flow.operate_failed(flight, CommandStatus::ESME_RREPLACEFAIL);
    return;
  }
  kept.pdu = redrawn;
  begin().enqueue(item.id, progress, body_of(kept));
  commit_owed(StepKind::kOperated, depot::OperatedStep{flight}, response);
  now_ready(progress);
}

void Flow::Depot::show_state(const message::Flight& flight, const smpp::PduView& request, MessageState state,
                             std::string_view final_date) noexcept {
  smpp::PduBuilder builder(CommandId::query_sm_resp, smpp::Version::v34);
  builder.set(Field::message_id, request.text(Field::message_id))
      .set(Field::final_date, final_date)
      .set(Field::message_state, static_cast<std::uint8_t>(state))
      .set(Field::error_code, std::uint8_t{0});
  std::vector<std::uint8_t> response;
  if (builder.encode(response, CommandStatus::ESME_ROK, flight.origin.sequence_number)) {
    answer_operation(flight, response);
  } else {
    flow.operate_failed(flight, CommandStatus::ESME_RQUERYFAIL);
  }
}

void Flow::Depot::answer_operation(const message::Flight& flight, ByteSpan response) noexcept {
  if (flight.origin.shard != flow.here()) {
    post(flow.shard_, flight.origin.shard, MailKind::kOperationAnswer, OperatedMail{flight, CommandStatus::ESME_ROK},
         response);
    return;
  }
  flow.sessions_->answer(flight.origin.session,
                         {flight.origin.sequence_number, flight.command_id, CommandStatus::ESME_ROK, 0, {}, response});
}

}  // namespace smppd::flow
