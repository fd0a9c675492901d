#include "smppsim/operations.h"

#include "smpp/pdu_builder.h"
#include "smpp/text/smpp_time.h"
#include "smppsim/receipts.h"
#include "smppsim/session.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::MessageState;

namespace {

constexpr std::uint8_t kFailedCode = 1;  // error_code of a message that did not arrive

// One request on the shard that has its message. The answer is left in the shard's scratch buffer.
class Operation {
 public:
  Operation(Shard& shard, const smpp::PduView& request, smpp::Version version)
      : shard_(shard), request_(request), pdu_(shard.builder.reset(response_to(request.id()), version)) {}

  ByteSpan run() {
    const CommandStatus status = perform();
    shard_.scratch.clear();
    if (!pdu_.encode(shard_.scratch, status, request_.sequence_number())) {
      shard_.scratch.resize(smpp::kHeaderSize);
      smpp::write_bare(shard_.scratch.data(), response_to(request_.id()), CommandStatus::ESME_RSYSERR,
                       request_.sequence_number());
    }
    return shard_.scratch;
  }

 private:
  CommandStatus perform() {
    switch (request_.id()) {
      case CommandId::query_sm: return query();
      case CommandId::cancel_sm: return cancel();
      case CommandId::replace_sm: return replace();
      case CommandId::query_broadcast_sm: return query_broadcast();
      case CommandId::cancel_broadcast_sm: return cancel_one(CommandStatus::ESME_RBCASTCANCELFAIL);
      case CommandId::query_last_msgs: return query_last();
      case CommandId::query_msg_details: return query_details();
      case CommandId::param_retrieve: pdu_.set(Field::param_value, ""); return CommandStatus::ESME_ROK;
      default: return CommandStatus::ESME_RINVCMDID;
    }
  }

  [[nodiscard]] bool owns(const Message& message) const {
    return request_.text(Field::source_addr).empty() || message.source.digits == request_.text(Field::source_addr);
  }
  Message* find() {
    const auto number = shard_.options.response_id.read(request_.text(Field::message_id));
    Message* message = number ? shard_.messages.find(*number) : nullptr;
    return message != nullptr && owns(*message) ? message : nullptr;
  }
  [[nodiscard]] MessageState state_of(const Message& message) const { return message.state(shard_.loop.wall_now()); }
  [[nodiscard]] static bool failed(MessageState state) {
    return is_final(state) && state != MessageState::delivered && state != MessageState::deleted;
  }

  void set_fate(const Message& message) {
    const MessageState state = state_of(message);
    pdu_.set(Field::message_state, state).set(Field::error_code, failed(state) ? kFailedCode : std::uint8_t{0});
    if (!is_final(state)) return;
    if (const auto time = smpp::absolute_time(message.done)) {
      pdu_.set(Field::final_date, smpp::view(smpp::format_time(*time)));
    }
  }

  CommandStatus query() {
    const Message* message = find();
    if (message == nullptr) return CommandStatus::ESME_RQUERYFAIL;
    pdu_.set(Field::message_id, request_.text(Field::message_id));
    set_fate(*message);
    return CommandStatus::ESME_ROK;
  }

  CommandStatus cancel_one(CommandStatus otherwise) {
    Message* message = find();
    if (message == nullptr || is_final(state_of(*message))) return otherwise;
    end_message(*message, MessageState::deleted);
    return CommandStatus::ESME_ROK;
  }

  // Without an id every waiting message between the two addresses goes, 3.4 §4.9.
  CommandStatus cancel() {
    if (!request_.text(Field::message_id).empty()) return cancel_one(CommandStatus::ESME_RCANCELFAIL);
    std::vector<Message*> doomed;
    shard_.messages.for_each([&](Message& message) {
      const bool same_type =
          request_.text(Field::service_type).empty() || message.service_type == request_.text(Field::service_type);
      if (same_type && message.source.digits == request_.text(Field::source_addr) &&
          message.destination.digits == request_.text(Field::destination_addr) && !is_final(state_of(message))) {
        doomed.push_back(&message);
      }
    });
    smpp::PduBuilder kept = pdu_;
    for (Message* message : doomed) end_message(*message, MessageState::deleted);
    pdu_ = std::move(kept);
    return doomed.empty() ? CommandStatus::ESME_RCANCELFAIL : CommandStatus::ESME_ROK;
  }

  CommandStatus replace() {
    Message* message = find();
    if (message == nullptr || is_final(state_of(*message))) return CommandStatus::ESME_RREPLACEFAIL;
    message->text = user_data(request_);
    message->registered_delivery = request_.u8(Field::registered_delivery);
    return CommandStatus::ESME_ROK;
  }

  CommandStatus query_broadcast() {
    const Message* message = find();
    if (message == nullptr || !message->broadcast) return CommandStatus::ESME_RBCASTQUERYFAIL;
    pdu_.set(Field::message_id, request_.text(Field::message_id));
    pdu_.add_tlv_u8(smpp::TlvTag::message_state, static_cast<std::uint8_t>(state_of(*message)));
    const std::uint8_t everywhere[] = {0, 0};  // broadcast_area_identifier: an alias, left empty
    pdu_.add_tlv(smpp::TlvTag::broadcast_area_identifier, everywhere);
    pdu_.add_tlv_u8(smpp::TlvTag::broadcast_area_success, 100);
    return CommandStatus::ESME_ROK;
  }

  CommandStatus query_last() {
    std::vector<std::uint64_t> numbers;
    shard_.messages.for_each([&](const Message& message) {
      if (owns(message)) numbers.push_back(message.number);
    });
    std::ranges::sort(numbers, std::greater<>());
    numbers.resize(std::min<std::size_t>(numbers.size(), request_.u8(Field::num_msgs)));
    char id[IdFormat::kMaxSize];
    for (const std::uint64_t number : numbers) {
      pdu_.add_message_id({id, shard_.options.response_id.write(number, id)});
    }
    return CommandStatus::ESME_ROK;
  }

  CommandStatus query_details() {
    const Message* message = find();
    if (message == nullptr) return CommandStatus::ESME_RQUERYFAIL;
    pdu_.set(Field::service_type, message->service_type)
        .set(Field::source_addr_ton, message->source.ton)
        .set(Field::source_addr_npi, message->source.npi)
        .set(Field::source_addr, message->source.digits)
        .add_destination({smpp::DestFlag::sme_address, message->destination.ton, message->destination.npi,
                          message->destination.digits})
        .set(Field::registered_delivery, message->registered_delivery)
        .set(Field::data_coding, message->data_coding)
        .set(Field::short_message, std::string_view(message->text).substr(0, request_.u8(Field::sm_length)))
        .set(Field::message_id, request_.text(Field::message_id));
    set_fate(*message);
    return CommandStatus::ESME_ROK;
  }

  Shard& shard_;
  const smpp::PduView& request_;
  smpp::PduBuilder& pdu_;
};

}  // namespace

void answer_operation(Session& session, const smpp::PduView& request) noexcept {
  Shard& here = session.shard();
  const auto number = here.options.response_id.read(request.text(Field::message_id));
  Shard& owner = number ? here.directory.shard_of(*number) : here;
  if (&owner == &here) {
    const ByteSpan answer = Operation(here, request, session.version()).run();
    session.put(std::vector<std::uint8_t>(answer.begin(), answer.end()));
    return;
  }
  const ByteSpan bytes = request.bytes();
  owner.loop.post([&owner, &here, handle = session.handle(), version = session.version(),
                   pdu = std::vector<std::uint8_t>(bytes.begin(), bytes.end())] {
    smpp::PduView view;
    if (!view.decode(pdu)) return;
    const ByteSpan answer = Operation(owner, view, version).run();
    here.loop.post([&here, handle, answered = std::vector<std::uint8_t>(answer.begin(), answer.end())] {
      if (Session* asking = here.session(handle)) asking->put(answered);
    });
  });
}

}  // namespace smppd::sim
