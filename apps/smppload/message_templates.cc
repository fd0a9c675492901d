#include "smppload/message_templates.h"

#include <algorithm>
#include <cstring>

#include "smpp/flags.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "smppload/text_payload.h"

namespace smppd::load {

namespace {

constexpr std::size_t kUdhReference = 3;  // octets before the reference in 05 00 03 ref total part
constexpr std::size_t kShortMessageMax = 254;

struct TypeOfAddress {
  std::uint8_t ton;
  std::uint8_t npi;
};

// Letters make a name, more than six digits a number with country code, fewer a short code.
TypeOfAddress guess_type(std::string_view address) {
  const bool digits = std::ranges::all_of(address, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return {5, 0};
  return address.size() > 6 ? TypeOfAddress{1, 1} : TypeOfAddress{0, 1};
}

}  // namespace

struct MessageTemplates::Plan {
  const MessageOptions& message;
  smpp::Version version;
  const Payload& payload;
  std::string placeholder;
};

Fallible<void> MessageTemplates::encode_parts(const Plan& plan, bool data_sm, std::vector<Part>& out) {
  using smpp::Field;
  const MessageOptions& message = plan.message;
  const TypeOfAddress guessed = guess_type(message.source);
  for (const std::string& octets : plan.payload.parts) {
    smpp::PduBuilder pdu(data_sm ? smpp::CommandId::data_sm : smpp::CommandId::submit_sm, plan.version);
    std::uint8_t esm_class = message.esm_class;
    if (plan.payload.has_udh) esm_class |= smpp::EsmClass::kUdhi;
    pdu.set(Field::service_type, message.service_type)
        .set(Field::source_addr_ton, message.source_ton.value_or(guessed.ton))
        .set(Field::source_addr_npi, message.source_npi.value_or(guessed.npi))
        .set(Field::source_addr, message.source)
        .set(Field::dest_addr_ton, message.destination_ton)
        .set(Field::dest_addr_npi, message.destination_npi)
        .set(Field::destination_addr, plan.placeholder)
        .set(Field::esm_class, esm_class)
        .set(Field::registered_delivery, message.registered_delivery)
        .set(Field::data_coding, plan.payload.data_coding);
    if (!data_sm) {
      pdu.set(Field::priority_flag, message.priority)
          .set(Field::schedule_delivery_time, message.schedule)
          .set(Field::validity_period, message.validity_period);
    }
    if (data_sm || octets.size() > kShortMessageMax) {
      pdu.add_tlv(smpp::TlvTag::message_payload, as_bytes(octets));
    } else {
      pdu.set(Field::short_message, octets);
    }
    Part part;
    const auto encoded = pdu.encode(part.bytes, smpp::CommandStatus::ESME_ROK, 1);
    if (!encoded) return failure("the message cannot be encoded: " + smpp::describe(encoded.error()));
    smpp::PduView view;
    if (!view.decode(part.bytes)) return failure("the message cannot be encoded");
    part.destination_at =
        static_cast<std::size_t>(view.field_bytes(Field::destination_addr).data() - part.bytes.data());
    part.destination_size = plan.placeholder.size();
    if (plan.payload.parts.size() > 1) {
      const ByteSpan short_message = view.octets(Field::short_message);
      const std::uint8_t* user_data =
          short_message.empty() ? view.tlv(smpp::TlvTag::message_payload)->data() : short_message.data();
      part.reference_at = static_cast<std::size_t>(user_data - part.bytes.data()) + kUdhReference;
    }
    out.push_back(std::move(part));
  }
  return {};
}

Fallible<MessageTemplates> MessageTemplates::make(const Options& options, std::uint64_t seed) {
  MessageTemplates made;
  const MessageOptions& message = options.message;
  const auto payload = make_payload(message);
  if (!payload) return failure(payload.error());
  made.options_ = &message;
  made.random_ = toolkit::Random(seed);
  made.parts_ = static_cast<unsigned>(payload->parts.size());
  made.data_share_ = message.data_sm_share;
  std::string placeholder = message.destination.make(made.random_);
  std::size_t longest = message.destination.max_size();
  if (!message.destinations.empty()) {
    placeholder = message.destinations.front();
    for (const std::string& destination : message.destinations) longest = std::max(longest, destination.size());
    made.fixed_destination_ = false;
    made.same_size_ =
        std::ranges::all_of(message.destinations, [&](const auto& d) { return d.size() == placeholder.size(); });
  } else {
    made.fixed_destination_ = message.destination.constant();
    made.same_size_ = message.destination.fixed_size();
  }
  const Plan plan{message, options.bind.version, *payload, placeholder};
  if (auto done = made.encode_parts(plan, false, made.submit_); !done) return failure(done.error());
  if (made.data_share_ > 0) {
    if (auto done = made.encode_parts(plan, true, made.data_); !done) return failure(done.error());
  }
  for (const auto* parts : {&made.submit_, &made.data_}) {
    std::size_t size = 0;
    for (const Part& part : *parts) size += part.bytes.size() + longest;
    made.max_size_ = std::max(made.max_size_, size);
  }
  return made;
}

std::size_t MessageTemplates::write_part(const Part& part, std::uint8_t* out, std::uint32_t sequence,
                                         std::string_view destination) noexcept {
  std::size_t size = part.bytes.size();
  if (same_size_) {
    std::memcpy(out, part.bytes.data(), size);
    if (!destination.empty()) std::memcpy(out + part.destination_at, destination.data(), destination.size());
    if (part.reference_at != 0) out[part.reference_at] = reference_;
  } else {
    const std::size_t tail_at = part.destination_at + part.destination_size;
    std::memcpy(out, part.bytes.data(), part.destination_at);
    std::memcpy(out + part.destination_at, destination.data(), destination.size());
    std::memcpy(out + part.destination_at + destination.size(), part.bytes.data() + tail_at, size - tail_at);
    const std::size_t moved = destination.size() - part.destination_size;  // may wrap; so does the sum
    size += moved;
    store_be(out, static_cast<std::uint32_t>(size));
    if (part.reference_at != 0) out[part.reference_at + moved] = reference_;
  }
  store_be(out + 12, sequence);
  return size;
}

MessageTemplates::Written MessageTemplates::write(std::uint8_t* out, const std::uint32_t* sequences) noexcept {
  char buffer[128];
  std::string_view destination;
  if (!fixed_destination_) {
    const std::uint64_t number = number_++;
    if (options_->destinations.empty()) {
      destination = {buffer, options_->destination.write(buffer, random_, number)};
    } else {
      destination = options_->destinations[number % options_->destinations.size()];
    }
  }
  Written written;
  written.data_sm = random_.chance(data_share_);
  ++reference_;
  for (const Part& part : written.data_sm ? data_ : submit_) {
    written.octets += write_part(part, out + written.octets, *sequences++, destination);
  }
  return written;
}

}  // namespace smppd::load
