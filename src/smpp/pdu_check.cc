#include <algorithm>
#include <array>

#include "smpp/flags.h"
#include "smpp/pdu_inspect.h"

namespace smppd::smpp {
namespace {

using enum CommandStatus;

// TLVs that may be there more than once: 3.4 §5.3.2.36 (callback_num), 5.0 §4.4 (broadcast areas).
constexpr auto kRepeatable = std::to_array<TlvTag>({
    TlvTag::callback_num_pres_ind,
    TlvTag::callback_num_atag,
    TlvTag::callback_num,
    TlvTag::broadcast_area_identifier,
    TlvTag::broadcast_error_status,
    TlvTag::broadcast_area_success,
});

constexpr auto kBroadcastMust = std::to_array<TlvTag>({
    TlvTag::broadcast_area_identifier,
    TlvTag::broadcast_content_type,
    TlvTag::broadcast_rep_num,
    TlvTag::broadcast_frequency_interval,
});
constexpr auto kQueryBroadcastMust = std::to_array<TlvTag>({
    TlvTag::message_state,
    TlvTag::broadcast_area_identifier,
    TlvTag::broadcast_area_success,
});
constexpr auto kCancelBroadcastMust = std::to_array<TlvTag>({TlvTag::broadcast_content_type});

class Checker {
 public:
  Checker(const PduView& view, Version version, const TlvRegistry& registry)
      : view_(view), spec_(*view.spec()), version_(version), registry_(registry) {}

  std::vector<Finding> run() {
    header();
    for (const FieldSpec& field : spec_.body()) {
      if (view_.has(field.field)) length(field), value(field);
    }
    if (spec_.has(Field::short_message)) message();
    if (spec_.id == CommandId::deliver_sm) unused_in_deliver_sm();
    if (spec_.id == CommandId::deliver_sm_resp && !view_.text(Field::message_id).empty()) {
      object(Field::message_id, ESME_RINVMSGID, "unused in deliver_sm_resp");
    }
    if (spec_.id == CommandId::submit_multi && view_.destinations().empty()) {
      object(Field::number_of_dests, ESME_RINVNUMDESTS, "there must be at least one destination");
    }
    for (const Tlv tlv : view_.tlvs()) one_tlv(tlv);
    repeated_tlvs();
    missing_tlvs();
    segments();
    return std::move(findings_);
  }

 private:
  void object(Field field, CommandStatus status, std::string_view text) {
    findings_.push_back({field, TlvTag{}, status, text});
  }
  void object(TlvTag tag, CommandStatus status, std::string_view text) {
    findings_.push_back({Field::none, tag, status, text});
  }

  void header() {
    const Header header = view_.header();
    const bool request = !is_response(header.command_id);
    if (!spec_.has_version(version_)) object(Field::none, ESME_RINVCMDID, "the session's version has no such PDU");
    if (request && header.command_status != ESME_ROK) {
      object(Field::none, ESME_RSYSERR, "command_status of a request must be 0");
    }
    // A generic_nack repeats what it was sent, whatever that was.
    const bool echoed = header.command_id == CommandId::generic_nack;
    if (!echoed && (header.sequence_number == 0 || header.sequence_number > 0x7FFFFFFFU)) {
      object(Field::none, ESME_RSYSERR, "sequence_number must be 1 to 0x7FFFFFFF");
    }
    const bool error = !request && header.command_status != ESME_ROK;
    if (error && version_ != Version::v50 && header.command_id != CommandId::data_sm_resp &&
        header.command_length > kHeaderSize) {
      object(Field::none, ESME_RINVCMDLEN, "an error response has no body before 5.0");
    }
  }

  void length(const FieldSpec& field) {
    const std::size_t max = field.max[version_index(version_)];
    const std::size_t size = view_.field_bytes(field.field).size();
    if (field.kind == FieldKind::cstring || field.kind == FieldKind::octets) {
      if (size > max) object(field.field, field.fault, "longer than the version allows");
    } else if (field.kind == FieldKind::date && size != 1 && size != max) {
      object(field.field, field.fault, "a time has 1 or 17 octets");
    } else if (field.kind == FieldKind::destinations && view_.destinations().size() > max) {
      object(field.field, ESME_RINVNUMDESTS, "more destinations than the version allows");
    }
  }

  void value(const FieldSpec& field) {
    const std::uint8_t octet = view_.u8(field.field);
    switch (field.field) {
      case Field::source_addr_ton:
      case Field::dest_addr_ton:
      case Field::addr_ton:
      case Field::esme_addr_ton:
        if (standard_name(static_cast<Ton>(octet)).empty()) object(field.field, field.fault, "reserved type of number");
        break;
      case Field::source_addr_npi:
      case Field::dest_addr_npi:
      case Field::addr_npi:
      case Field::esme_addr_npi:
        if (standard_name(static_cast<Npi>(octet)).empty()) object(field.field, field.fault, "reserved numbering plan");
        break;
      case Field::esm_class: esm_class(field, EsmClass{octet}); break;
      case Field::priority_flag:
        if (octet > (version_ == Version::v50 ? 4 : 3)) object(field.field, field.fault, "reserved priority");
        break;
      case Field::registered_delivery: registered_delivery(field, octet); break;
      case Field::replace_if_present_flag:
        if (octet > 1) object(field.field, field.fault, "must be 0 or 1");
        break;
      case Field::data_coding:
        if (!is_standard_data_coding(octet)) object(field.field, field.fault, "reserved coding");
        break;
      case Field::sm_default_msg_id:
        if (octet == 0xFF) object(field.field, field.fault, "must be 0 to 254");
        break;
      case Field::message_state:
        if (standard_name(static_cast<MessageState>(octet)).empty()) object(field.field, field.fault, "reserved state");
        break;
      default: break;
    }
  }

  void esm_class(const FieldSpec& field, EsmClass octet) {
    using Type = EsmClass::Type;
    switch (octet.type()) {
      case Type::normal:
      case Type::delivery_acknowledgement:
      case Type::user_acknowledgement: return;
      // 3.4 §5.2.12: what only an SMSC says.
      case Type::delivery_receipt:
      case Type::conversation_abort:
      case Type::intermediate_notification:
        if (spec_.id != CommandId::submit_sm && spec_.id != CommandId::submit_multi) return;
        break;
    }
    object(field.field, field.fault, "reserved message type");
  }

  void registered_delivery(const FieldSpec& field, std::uint8_t octet) {
    if (version_ == Version::v33 && octet > 1) {
      object(field.field, field.fault, "must be 0 or 1 in 3.3");
    } else if ((octet & 0xE0) != 0) {
      object(field.field, field.fault, "reserved bits are set");
    }
  }

  void message() {
    const ByteSpan text = view_.octets(Field::short_message);
    const auto payload = view_.tlv(TlvTag::message_payload);
    if (payload && !text.empty()) {
      object(TlvTag::message_payload, ESME_RINVMSGLEN, "both short_message and message_payload hold text");
    }
    const ByteSpan user_data = payload && text.empty() ? *payload : text;
    if (!view_.has(Field::esm_class) || !EsmClass{view_.u8(Field::esm_class)}.has_udh()) return;
    if (user_data.empty() || user_data[0] >= user_data.size()) {
      object(Field::esm_class, ESME_RINVESMCLASS, "the user data header does not fit into the message");
    }
  }

  // 3.4 §4.6.1.
  void unused_in_deliver_sm() {
    for (const Field field : {Field::schedule_delivery_time, Field::validity_period}) {
      if (!view_.text(field).empty()) object(field, spec_.fields[spec_.index_of(field)].fault, "unused in deliver_sm");
    }
    for (const Field field : {Field::replace_if_present_flag, Field::sm_default_msg_id}) {
      if (view_.u8(field) != 0) object(field, spec_.fields[spec_.index_of(field)].fault, "unused in deliver_sm");
    }
  }

  void one_tlv(const Tlv& tlv) {
    if (version_ == Version::v33) return object(tlv.tag, ESME_ROPTPARNOTALLWD, "3.3 has no optional parameters");
    const TlvSpec* known = registry_.find(tlv.tag);
    if (known == nullptr) return;
    const auto tag = static_cast<std::uint16_t>(tlv.tag);
    const bool vendor = tag >= kVendorTagFirst && tag <= kVendorTagLast;
    if (!vendor && (known->since > version_ || spec_.tlvs_since > version_ || !spec_.allows(tlv.tag))) {
      object(tlv.tag, ESME_ROPTPARNOTALLWD, "not allowed in this PDU");
    }
    if (tlv.value.size() < known->min || tlv.value.size() > known->max) {
      object(tlv.tag, ESME_RINVPARLEN, "length out of bounds");
    } else if (known->type == TlvType::cstring && tlv.value.back() != 0) {
      object(tlv.tag, ESME_RINVOPTPARAMVAL, "lacks its NUL");
    }
    if (tlv.tag == TlvTag::message_state && tlv.value.size() == 1 &&
        standard_name(static_cast<MessageState>(tlv.value[0])).empty()) {
      object(tlv.tag, ESME_RINVOPTPARAMVAL, "reserved state");
    }
  }

  void repeated_tlvs() {
    std::vector<TlvTag> seen;
    for (const Tlv tlv : view_.tlvs()) {
      const bool again = std::ranges::find(seen, tlv.tag) != seen.end();
      seen.push_back(tlv.tag);
      if (again && standard_tlv(tlv.tag) != nullptr && std::ranges::find(kRepeatable, tlv.tag) == kRepeatable.end()) {
        object(tlv.tag, ESME_RINVOPTPARAMVAL, "given more than once");
      }
    }
  }

  void missing_tlvs() {
    std::span<const TlvTag> must;
    if (spec_.id == CommandId::broadcast_sm) must = kBroadcastMust;
    if (spec_.id == CommandId::query_broadcast_sm_resp && view_.status() == ESME_ROK) must = kQueryBroadcastMust;
    // 5.0 §4.6.3.1: without a message_id the content type says what to cancel.
    if (spec_.id == CommandId::cancel_broadcast_sm && view_.text(Field::message_id).empty())
      must = kCancelBroadcastMust;
    for (const TlvTag tag : must) {
      if (!view_.tlv(tag)) object(tag, ESME_RMISSINGOPTPARAM, "must be there");
    }
  }

  // 3.4 §5.3.2.22-24: all three or none, numbered from 1.
  void segments() {
    const auto total = view_.tlv_u8(TlvTag::sar_total_segments);
    const auto number = view_.tlv_u8(TlvTag::sar_segment_seqnum);
    const bool reference = view_.tlv(TlvTag::sar_msg_ref_num).has_value();
    if (reference != total.has_value() || reference != number.has_value()) {
      object(TlvTag::sar_msg_ref_num, ESME_RMISSINGOPTPARAM, "the three sar parameters come together");
    } else if (total && (*number == 0 || *number > *total)) {
      object(TlvTag::sar_segment_seqnum, ESME_RINVOPTPARAMVAL, "must be 1 to sar_total_segments");
    }
  }

  const PduView& view_;
  const PduSpec& spec_;
  const Version version_;
  const TlvRegistry& registry_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_pdu(const PduView& view, Version version, const TlvRegistry& registry) {
  return Checker(view, version, registry).run();
}

std::string describe(const Finding& finding, const TlvRegistry& registry) {
  std::string text;
  if (finding.field != Field::none) text = std::string(name_of(finding.field)) + ": ";
  if (finding.tag != TlvTag{}) text = registry.name_of(finding.tag) + ": ";
  return text + std::string(finding.text) + " (" + name_of(finding.status) + ")";
}

}  // namespace smppd::smpp
