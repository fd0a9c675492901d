#include "smppsim/intake.h"

#include "smpp/flags.h"
#include "smpp/pdu_builder.h"
#include "smppsim/receipts.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

const Behaviour& Intake::behaviour_for(const smpp::PduView& view) noexcept {
  if (shard_.options.rules.empty()) return shard_.options.behaviour;
  MessageFacts facts;
  facts.command = view.id();
  facts.system_id = session_.account_->system_id;
  facts.source = view.text(Field::source_addr);
  facts.destination = view.text(Field::destination_addr);
  if (view.id() == CommandId::submit_multi && !view.destinations().empty()) {
    facts.destination = view.destinations().begin()->address;
  }
  facts.service_type = view.text(Field::service_type);
  facts.text = user_data(view);
  facts.data_coding = view.u8(Field::data_coding);
  facts.esm_class = view.u8(Field::esm_class);
  facts.registered_delivery = view.u8(Field::registered_delivery);
  const Rule* rule = shard_.rules.find(facts, shard_.random);
  if (rule == nullptr) return shard_.options.behaviour;
  ++shard_.stats.rules[rule->name];
  return rule->behaviour;
}

CommandStatus Intake::judge(const Behaviour& behaviour) noexcept {
  const Limits& limits = shard_.options.limits;
  if (limits.window != 0 && session_.responses_open_ >= limits.window) return limits.window_status;
  if (!shard_.take_rate()) return limits.rate_status;
  return behaviour.errors.draw(shard_.random).value_or(CommandStatus::ESME_ROK);
}

void Intake::take(const smpp::PduView& view) noexcept {
  const Behaviour& behaviour = behaviour_for(view);
  ++shard_.stats.messages;
  const CommandStatus status = judge(behaviour);
  if (status != CommandStatus::ESME_ROK) {
    ++shard_.stats.refused;
    ++shard_.stats.statuses[status];
    refuse(view, status, behaviour);
    return;
  }
  ++shard_.stats.accepted;
  if (view.id() == CommandId::submit_multi) {
    take_multi(view, behaviour);
  } else {
    accept(view, behaviour);
  }
}

// 3.4 leaves the body of an error out, 5.0 keeps it; misbehaviours turn that round.
void Intake::refuse(const smpp::PduView& view, CommandStatus status, const Behaviour& behaviour) noexcept {
  std::uint8_t bytes[smpp::kHeaderSize + 1];
  const bool body = behaviour.misbehave.error_body.value_or(session_.version() == smpp::Version::v50);
  const CommandId id = response_to(view.id());
  const std::size_t size = body ? smpp::write_response_with_id(bytes, id, status, view.sequence_number(), {})
                                : smpp::write_bare(bytes, id, status, view.sequence_number());
  session_.respond(ByteSpan(bytes, size), behaviour, behaviour.latency.draw(shard_.random));
}

Message& Intake::keep(const smpp::PduView& view, const Behaviour& behaviour, Duration latency) {
  Message& message = shard_.messages.add(shard_.next_number());
  read_message(view, message);
  message.account = session_.account_;
  message.session = session_.handle_;
  message.fixed_id = behaviour.message_id;
  message.submitted = shard_.loop.wall_now();
  plan_receipt(message, behaviour.receipts, latency);
  return message;
}

void Intake::respond_with_id(const smpp::PduView& view, const Message& message, const Behaviour& behaviour,
                             Duration latency) noexcept {
  char id[IdFormat::kMaxSize];
  std::uint8_t bytes[smpp::kHeaderSize + IdFormat::kMaxSize + 1];
  const std::size_t size = smpp::write_response_with_id(bytes, response_to(view.id()), CommandStatus::ESME_ROK,
                                                        view.sequence_number(), response_id_of(message, id));
  session_.respond(ByteSpan(bytes, size), behaviour, latency);
}

void Intake::accept(const smpp::PduView& view, const Behaviour& behaviour) noexcept {
  const Duration latency = behaviour.latency.draw(shard_.random);
  Message& message = keep(view, behaviour, latency);
  send_early_receipt(message);
  respond_with_id(view, message, behaviour, latency);
  start_receipts(message, latency);
}

// Each destination is a message of its own under one id; those whose draw is an error become unsuccess_sme.
void Intake::take_multi(const smpp::PduView& view, const Behaviour& behaviour) noexcept {
  const Duration latency = behaviour.latency.draw(shard_.random);
  auto& pdu = shard_.builder.reset(CommandId::submit_multi_resp, session_.version());
  char id_buffer[IdFormat::kMaxSize];
  std::string_view id;
  std::vector<Message*> messages;
  for (const smpp::Destination& destination : view.destinations()) {
    const auto status = behaviour.errors.draw(shard_.random);
    if (status && *status != CommandStatus::ESME_ROK) {
      pdu.add_unsuccess({destination.ton, destination.npi, destination.address, *status});
      continue;
    }
    Message& message = keep(view, behaviour, latency);
    message.destination = {destination.ton, destination.npi, std::string(destination.address)};
    if (id.empty()) id = response_id_of(message, id_buffer);
    message.fixed_id = id;
    messages.push_back(&message);
  }
  pdu.set(Field::message_id, id);
  shard_.scratch.clear();
  if (!pdu.encode(shard_.scratch, CommandStatus::ESME_ROK, view.sequence_number())) return;
  session_.respond(shard_.scratch, behaviour, latency);
  for (Message* message : messages) start_receipts(*message, latency);
}

}  // namespace smppd::sim
