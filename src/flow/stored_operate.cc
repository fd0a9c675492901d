#include "flow/internal/aliases.h"
#include "flow/internal/desk.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/matching.h"
#include "flow/internal/stored_operations.h"
#include "flow/receipt_map.h"
#include "smpp/text/smpp_time.h"

namespace smppd::flow {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::MessageState;

void Flow::Depot::Operations::operate(const OperateMail& order, ByteSpan pdu) {
  const auto job = std::make_shared<Job>(Job{order, {pdu.begin(), pdu.end()}, {}, 0});
  flow.depot_->find_items(order.flight.id, [this, job](const std::vector<store::ItemId>& items) {
    job->items = items;
    go_on(job);
  });
}

// The next item, the next shard, or the end.
void Flow::Depot::Operations::go_on(const JobPtr& job) {
  OperateMail& order = job->asked;
  const bool all_done = (order.changed > 0 || order.why != CommandStatus::ESME_ROK) && !order.goes_round;
  if (!all_done && job->next < job->items.size()) {
    store::ReadRequest request;
    request.kind = store::ReadRequest::Kind::kItem;
    request.id = job->items[job->next++];
    flow.desk_->read(request, [this, job](const store::ReadAnswer& answer) {
      if (answer.items.empty()) return go_on(job);
      look_at(job, answer.items.front());
    });
    return;
  }
  const unsigned next = (flow.here() + 1U) % flow.shard_.count();
  if (all_done || next == order.flight.origin.shard) {
    end(job);
  } else {
    post(flow.shard_, next, MailKind::kOperate, order, job->pdu);
  }
}

void Flow::Depot::Operations::look_at(const JobPtr& job, const store::ItemView& item) {
  const message::Flight& flight = job->asked.flight;
  smpp::PduView request, message;
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  const bool owner = stored && stored->kind == StoredKind::kMessage && stored->client == name_of(flight.client) &&
                     message.decode(stored->pdu) &&
                     (flight.source_hash == 0 || flight.source_hash == address_hash(message.text(Field::source_addr)));
  if (!owner || !request.decode(job->pdu)) return go_on(job);
  if (flight.command_id == CommandId::query_sm) return show_state(flight, request, MessageState::enroute, {});
  const bool cancels = flight.command_id == CommandId::cancel_sm;
  if (!cancels && flight.command_id != CommandId::replace_sm) return cannot(job, failure_of(flight.command_id));
  if (stored->is(StoredMessage::kPartOfMulti)) {
    job->asked.goes_round = true;
    const std::string_view meant = cancels ? request.text(Field::destination_addr) : std::string_view();
    if (!meant.empty() && meant != message.text(Field::destination_addr)) return go_on(job);
  }
  flow.matching_->claim_item(item.id, [this, job](const store::ItemView* claimed) {
    if (claimed == nullptr) return cannot(job, failure_of(job->asked.flight.command_id));
    change(job, *claimed);
  });
}

// Nobody sends it meanwhile: it is held.
void Flow::Depot::Operations::change(const JobPtr& job, const store::ItemView& item) {
  const message::Flight& flight = job->asked.flight;
  smpp::PduView request;
  const auto stored = only_waits(item) ? decode_stored(item.body) : std::nullopt;
  if (!stored || !request.decode(job->pdu)) {
    flow.depot_->unclaim(item);
    cannot(job, failure_of(flight.command_id));
  } else if (flight.command_id == CommandId::cancel_sm) {
    cancel(job, item, *stored);
  } else {
    replace(job, request, item, *stored);
  }
}

void Flow::Depot::Operations::cancel(const JobPtr& job, const store::ItemView& item, const StoredMessage& stored) {
  Depot& depot = *flow.depot_;
  depot.before_end(
      item, stored, EndReason::kCancelled, [this, job, &depot](const auto& ended, const auto& message, bool told) {
        if (told) {  // an SMSC has had it
          (void)depot.write_settled(ended, message);
          depot.commit_owed();
          cannot(job, CommandStatus::ESME_RCANCELFAIL);
          return false;
        }
        ++flow.probe_.cancelled;
        const bool tells = depot.write_end(ended, message, {EndReason::kCancelled, CommandStatus::ESME_ROK});
        changed_when_durable(job);
        return tells;
      });
}

void Flow::Depot::Operations::replace(const JobPtr& job, const smpp::PduView& request, const store::ItemView& item,
                                      const StoredMessage& stored) {
  Depot& depot = *flow.depot_;
  const Lifetime life = depot.lifetime(request);
  smpp::PduView message;
  if (life.status != CommandStatus::ESME_ROK || !message.decode(stored.pdu)) {
    depot.unclaim(item);
    return cannot(job, life.status != CommandStatus::ESME_ROK ? life.status : CommandStatus::ESME_RREPLACEFAIL);
  }
  smpp::PduBuilder builder;
  builder.from(message, stored.side.version);
  builder.set(Field::registered_delivery, request.u8(Field::registered_delivery))
      .set(Field::sm_default_msg_id, request.u8(Field::sm_default_msg_id))
      .set(Field::short_message, request.octets(Field::short_message));
  store::Progress progress = item.progress;
  progress.held = false;
  if (!request.text(Field::schedule_delivery_time).empty()) progress.due = life.due;
  if (!request.text(Field::validity_period).empty()) progress.expires = life.expires;
  StoredMessage kept = stored;
  kept.expires = progress.expires;
  kept.registered_delivery = request.u8(Field::registered_delivery);
  depot.redrawn.clear();
  if (!builder.encode(depot.redrawn, CommandStatus::ESME_ROK, message.sequence_number())) {
    depot.unclaim(item);
    return cannot(job, CommandStatus::ESME_RREPLACEFAIL);
  }
  kept.pdu = depot.redrawn;
  depot.begin().enqueue(item.id, progress, depot.body_of(kept));
  put_alias(depot.transaction, stored.own, item.id, progress.expires);
  changed_when_durable(job);
  depot.now_ready(progress);
}

// Ends the transaction that is being written.
void Flow::Depot::Operations::changed_when_durable(const JobPtr& job) {
  flow.depot_->commit_owed(StepKind::kDesk, flow.desk_->expect([this, job] {
    ++job->asked.changed;
    go_on(job);
  }));
}

void Flow::Depot::Operations::cannot(const JobPtr& job, CommandStatus why) {
  job->asked.why = why;
  go_on(job);
}

// Every shard has looked.
void Flow::Depot::Operations::end(const JobPtr& job) {
  OperateMail& order = job->asked;
  const message::Flight& flight = order.flight;
  if (order.changed > 0) {
    const bool cancels = flight.command_id == CommandId::cancel_sm;
    std::vector<std::uint8_t> response;
    if (smpp::PduBuilder(cancels ? CommandId::cancel_sm_resp : CommandId::replace_sm_resp, smpp::Version::v34)
            .encode(response, CommandStatus::ESME_ROK, flight.origin.sequence_number)) {
      answer(flight, response);
    }
  } else if (order.why != CommandStatus::ESME_ROK) {
    flow.operate_failed(flight, order.why);
  } else {
    order.at_smsc = true;
    if (flight.origin.shard == flow.here()) {
      flow.operate_here(order, job->pdu);
    } else {
      post(flow.shard_, flight.origin.shard, MailKind::kOperate, order, job->pdu);
    }
  }
}

void Flow::Depot::Operations::query_outcome(const message::Flight& flight, ByteSpan pdu) {
  flow.desk_->read_record(store::Table::kOutcomes, flight.id,
                          [this, flight, request = std::vector<std::uint8_t>(pdu.begin(), pdu.end())](
                              const store::ReadAnswer& answer) { show_outcome(flight, request, answer); });
}

void Flow::Depot::Operations::show_outcome(const message::Flight& flight, ByteSpan pdu,
                                           const store::ReadAnswer& answer) {
  const auto outcome = answer.records.empty() ? std::nullopt : decode_outcome(answer.records.front().value);
  smpp::PduView request;
  if (!outcome || outcome->client != name_of(flight.client) || !request.decode(pdu)) {
    flow.operate_failed(flight, CommandStatus::ESME_RINVMSGID);
    return;
  }
  const auto done = smpp::absolute_time(outcome->ended);
  const smpp::TimeText text = done ? smpp::format_time(*done) : smpp::TimeText{};
  show_state(flight, request, outcome->state, done ? smpp::view(text) : std::string_view());
}

void Flow::Depot::Operations::show_state(const message::Flight& flight, const smpp::PduView& request,
                                         MessageState state, std::string_view final_date) noexcept {
  smpp::PduBuilder builder(CommandId::query_sm_resp, smpp::Version::v34);
  builder.set(Field::message_id, request.text(Field::message_id))
      .set(Field::final_date, final_date)
      .set(Field::message_state, static_cast<std::uint8_t>(state))
      .set(Field::error_code, std::uint8_t{0});
  std::vector<std::uint8_t> response;
  if (builder.encode(response, CommandStatus::ESME_ROK, flight.origin.sequence_number)) {
    answer(flight, response);
  } else {
    flow.operate_failed(flight, CommandStatus::ESME_RQUERYFAIL);
  }
}

void Flow::Depot::Operations::answer(const message::Flight& flight, ByteSpan response) noexcept {
  if (flight.origin.shard != flow.here()) {
    post(flow.shard_, flight.origin.shard, MailKind::kOperationAnswer, OperatedMail{flight, CommandStatus::ESME_ROK},
         response);
    return;
  }
  flow.sessions_->answer(flight.origin.session,
                         {flight.origin.sequence_number, flight.command_id, CommandStatus::ESME_ROK, 0, {}, response});
}

std::string_view Flow::Depot::Operations::name_of(message::ClientId client) const noexcept {
  return client.valid() ? std::string_view(flow.snapshot_->client_names[client.value()]) : std::string_view();
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

}  // namespace smppd::flow
