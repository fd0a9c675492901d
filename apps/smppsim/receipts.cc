#include "smppsim/receipts.h"

#include <array>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "smpp/flags.h"
#include "smpp/pdu_builder.h"
#include "smpp/text/receipt.h"
#include "smppsim/session.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::MessageState;

namespace {

constexpr std::size_t kTextInReceipt = 20;

std::string date_text(ReceiptDates dates, WallTime at) {
  if (dates == ReceiptDates::zeros) return "0000000000";
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  switch (dates) {
    case ReceiptDates::seconds: return fmt::format("{:%y%m%d%H%M%S}", utc);
    case ReceiptDates::long_year: return fmt::format("{:%Y%m%d%H%M%S}", utc);
    default: return fmt::format("{:%y%m%d%H%M}", utc);
  }
}

std::string_view err_of(const ReceiptPlan& plan, MessageState state) {
  if (state == MessageState::delivered || state == MessageState::accepted || state == MessageState::enroute)
    return "000";
  return plan.err.empty() ? std::string_view("001") : std::string_view(plan.err);
}

std::string_view readable(const Message& message) { return std::string_view(message.text).substr(0, kTextInReceipt); }

std::string fill_template(const ReceiptPlan& plan, const Message& message, std::string_view id, MessageState state,
                          WallTime done) {
  const std::array<std::pair<std::string_view, std::string>, 9> values{{
      {"{id}", std::string(id)},
      {"{state}", std::string(smpp::receipt_word(state))},
      {"{state_number}", std::to_string(static_cast<int>(state))},
      {"{submit}", date_text(plan.dates, message.submitted)},
      {"{done}", date_text(plan.dates, done)},
      {"{err}", std::string(err_of(plan, state))},
      {"{text}", std::string(readable(message))},
      {"{source}", message.source.digits},
      {"{destination}", message.destination.digits},
  }};
  std::string out;
  std::string_view rest = plan.text_template;
  while (!rest.empty()) {
    const auto* found = std::ranges::find_if(values, [&](const auto& value) { return rest.starts_with(value.first); });
    if (found == values.end()) {
      out.push_back(rest.front());
      rest.remove_prefix(1);
    } else {
      out += found->second;
      rest.remove_prefix(found->first.size());
    }
  }
  return out;
}

// Writes the report into the shard's scratch buffer; false when it cannot be encoded for the account's version.
bool encode_report(Message& message, MessageState state, std::uint8_t esm_class) {
  Shard& shard = message.shard;
  const ReceiptPlan& plan = *message.plan;
  const smpp::Version version = message.account->version;
  char buffer[IdFormat::kMaxSize];
  const std::string_view id = receipt_id_of(message, buffer);
  const Address& from = plan.swapped ? message.source : message.destination;
  const Address& to = plan.swapped ? message.destination : message.source;
  auto& pdu = shard.builder.reset(CommandId::deliver_sm, version);
  pdu.set(Field::source_addr_ton, from.ton)
      .set(Field::source_addr_npi, from.npi)
      .set(Field::source_addr, from.digits)
      .set(Field::dest_addr_ton, to.ton)
      .set(Field::dest_addr_npi, to.npi)
      .set(Field::destination_addr, to.digits)
      .set(Field::esm_class, esm_class);
  const bool tlvs = plan.form != ReceiptForm::text && version != smpp::Version::v33;
  if (plan.form != ReceiptForm::tlv || !tlvs) {
    pdu.set(Field::short_message, receipt_text(plan, message, id, state, shard.loop.wall_now()));
  }
  if (tlvs) {
    pdu.add_tlv_text(smpp::TlvTag::receipted_message_id, id);
    pdu.add_tlv_u8(smpp::TlvTag::message_state, static_cast<std::uint8_t>(state));
  }
  shard.scratch.clear();
  return pdu.encode(shard.scratch, CommandStatus::ESME_ROK, 1).has_value();
}

void send_report(Message& message, MessageState state, std::uint8_t esm_class, DeliveryKind kind) {
  if (!encode_report(message, state, esm_class)) return;
  Shard& shard = message.shard;
  const std::vector<std::uint8_t> pdu = shard.scratch;
  shard.deliver(*message.account, pdu, kind, shard.session(message.session));
}

void send_final(Message& message) {
  const ReceiptPlan& plan = *message.plan;
  message.wants_receipt = false;
  send_report(message, message.final_state, plan.esm_class, DeliveryKind::receipt);
  if (!message.shard.random.chance(plan.duplicate)) return;
  ++message.shard.stats.receipts_duplicated;
  send_report(message, message.final_state, plan.esm_class, DeliveryKind::receipt);
}

// Reports of no final state, once the response is out.
void send_first_reports(Message& message) {
  const ReceiptPlan& plan = *message.plan;
  toolkit::Random& random = message.shard.random;
  message.responded = true;
  if (!plan.enabled) return;
  const smpp::RegisteredDelivery wanted{message.registered_delivery};
  const bool receipts = plan.always || wanted.receipt() != smpp::RegisteredDelivery::Receipt::none;
  if (receipts && random.chance(plan.accepted)) {
    send_report(message, MessageState::accepted, plan.esm_class, DeliveryKind::report);
  }
  if ((plan.always || wanted.intermediate()) && random.chance(plan.intermediate)) {
    constexpr auto kIntermediate = static_cast<std::uint8_t>(smpp::EsmClass::Type::intermediate_notification);
    send_report(message, MessageState::enroute, kIntermediate, DeliveryKind::report);
  }
}

}  // namespace

std::string_view response_id_of(const Message& message, char* buffer) noexcept {
  if (!message.fixed_id.empty()) return message.fixed_id;
  return {buffer, message.shard.options.response_id.write(message.number, buffer)};
}

std::string_view receipt_id_of(const Message& message, char* buffer) noexcept {
  if (!message.fixed_id.empty()) return message.fixed_id;
  return {buffer, message.shard.options.id_in_receipts().write(message.number, buffer)};
}

std::string receipt_text(const ReceiptPlan& plan, const Message& message, std::string_view id, MessageState state,
                         WallTime done) {
  if (!plan.text_template.empty()) return fill_template(plan, message, id, state, done);
  if (plan.dates == ReceiptDates::long_year || plan.dates == ReceiptDates::zeros) {
    return fmt::format("id:{} sub:001 dlvrd:{} submit date:{} done date:{} stat:{} err:{} text:{}", id,
                       state == MessageState::delivered ? "001" : "000", date_text(plan.dates, message.submitted),
                       date_text(plan.dates, done), smpp::receipt_word(state), err_of(plan, state), readable(message));
  }
  smpp::ReceiptFields fields;
  fields.id = id;
  fields.delivered = state == MessageState::delivered ? 1 : 0;
  fields.submit_date = message.submitted;
  fields.done_date = done;
  fields.seconds = plan.dates == ReceiptDates::seconds;
  fields.state = state;
  fields.err = err_of(plan, state);
  fields.text = readable(message);
  std::array<char, smpp::kMaxReceipt> text;
  return {text.data(), smpp::write_receipt(fields, text)};
}

void plan_receipt(Message& message, const ReceiptPlan& plan, Duration latency) noexcept {
  Shard& shard = message.shard;
  message.plan = &plan;
  message.final_state = plan.states.draw(shard.random).value_or(MessageState::delivered);
  Duration delay = latency + plan.delay.draw(shard.random);
  const smpp::RegisteredDelivery wanted{message.registered_delivery};
  message.wants_receipt =
      plan.enabled && (plan.always || wanted.wants_final(message.final_state == MessageState::delivered));
  if (message.wants_receipt) {
    ++shard.stats.receipts_planned;
    if (shard.random.chance(plan.late)) delay += plan.lateness;
    if (shard.random.chance(plan.missing)) {
      ++shard.stats.receipts_withheld;
      message.wants_receipt = false;
    }
  }
  message.done = message.submitted + delay;
}

void send_early_receipt(Message& message) noexcept {
  if (!message.wants_receipt || !message.shard.random.chance(message.plan->early)) return;
  ++message.shard.stats.receipts_early;
  message.done = message.submitted;
  send_final(message);
}

void start_receipts(Message& message, Duration latency) noexcept {
  if (!message.plan->enabled) return;
  if (latency > Duration::zero()) {
    message.shard.loop.timers().arm(message.timer, message.shard.loop.now() + latency + std::chrono::milliseconds(1));
  } else {
    on_message_due(&message);
  }
}

void on_message_due(void* self) noexcept {
  auto& message = *static_cast<Message*>(self);
  if (!message.responded) send_first_reports(message);
  if (!message.wants_receipt) return;
  const Duration left = message.done - message.shard.loop.wall_now();
  if (left > Duration::zero()) {
    message.shard.loop.timers().arm(message.timer, message.shard.loop.now() + left);
  } else {
    send_final(message);
  }
}

void end_message(Message& message, MessageState state) noexcept {
  message.final_state = state;
  message.done = message.shard.loop.wall_now();
  message.timer.cancel();
  if (message.wants_receipt) send_final(message);
}

}  // namespace smppd::sim
