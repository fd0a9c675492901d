// For tests, benchmarks and tools only: one plausible, fully populated PDU of every kind.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smpp/pdu_builder.h"
#include "smpp/pdu_table.h"

namespace smppd::smpp::samples {

inline std::string_view sample_text(Field field) {
  switch (field) {
    case Field::service_type: return "CMT";
    case Field::source_addr: return "258840000001";
    case Field::destination_addr: return "258841234567";
    case Field::esme_addr: return "40404";
    case Field::schedule_delivery_time: return "000001000000000R";
    case Field::validity_period: return "261231235959000+";
    case Field::final_date: return "261120131500000+";
    case Field::short_message: return "Bom dia, Maputo";
    case Field::message_id: return "0A1B2C3D";
    case Field::system_id: return "gateway";
    case Field::password: return "s3cret";
    case Field::system_type: return "VMA";
    case Field::address_range: return "^2588";
    case Field::param_name: return "max_messages";
    case Field::param_value: return "100";
    default: return "";
  }
}

inline std::uint8_t sample_number(Field field, Version version) {
  switch (field) {
    case Field::source_addr_ton:
    case Field::source_addr_npi:
    case Field::dest_addr_ton:
    case Field::dest_addr_npi:
    case Field::addr_ton:
    case Field::addr_npi:
    case Field::esme_addr_npi:
    case Field::priority_flag:
    case Field::registered_delivery: return 1;
    case Field::esme_addr_ton: return 3;
    case Field::interface_version: return to_interface_version(version);
    case Field::message_state: return 2;
    case Field::num_msgs: return 10;
    case Field::sm_length: return 160;
    default: return 0;
  }
}

// The value a TLV has in the samples: what its type and the specification's value range allow.
inline std::string sample_tlv(const TlvSpec& spec) {
  if (spec.type == TlvType::cstring) return std::string(std::max<std::size_t>(spec.min, 9) - 1, '7') + '\0';
  std::string value(std::max<std::size_t>(spec.min, 1), '\1');
  if (spec.tag == TlvTag::message_payload) value = "payload text";
  if (spec.tag == TlvTag::dest_addr_np_information) value = "2588412345";
  if (spec.tag == TlvTag::broadcast_end_time) value = std::string("261120131500000+") + '\0';
  if (spec.tag == TlvTag::alert_on_message_delivery) value.clear();
  if (spec.tag == TlvTag::sar_msg_ref_num) value = std::string("\x12\x34");
  return value;
}

inline void fill_list(PduBuilder& builder, FieldKind kind) {
  if (kind == FieldKind::destinations) {
    builder.add_destination({DestFlag::sme_address, 1, 1, "258841111111"});
    builder.add_destination({DestFlag::distribution_list, 0, 0, "friends"});
    builder.add_destination({DestFlag::sme_address, 1, 1, "258842222222"});
  } else if (kind == FieldKind::unsuccess) {
    builder.add_unsuccess({1, 1, "258841111111", CommandStatus::ESME_RINVDSTADR});
    builder.add_unsuccess({1, 1, "258842222222", CommandStatus::ESME_RTHROTTLED});
  } else if (kind == FieldKind::message_ids) {
    builder.add_message_id("0A1B2C3D").add_message_id("0A1B2C3E");
  }
}

// With every mandatory field set and every TLV the specification allows there, except message_payload where
// short_message holds the text.
inline PduBuilder sample(const PduSpec& spec, Version version) {
  PduBuilder builder(spec.id, version);
  for (std::size_t i = 0; i < spec.field_count; ++i) {
    const FieldSpec& field = spec.fields[i];
    const bool derived = i + 1 < spec.field_count && is_counted(spec.fields[i + 1].kind);
    // 3.4 §4.6: there, but unused.
    const bool unused =
        (spec.id == CommandId::deliver_sm && field.kind == FieldKind::date) || spec.id == CommandId::deliver_sm_resp;
    if (derived || unused) continue;
    if (field.kind == FieldKind::u8) {
      builder.set(field.field, sample_number(field.field, version));
    } else if (field.kind == FieldKind::cstring || field.kind == FieldKind::date || field.kind == FieldKind::octets) {
      builder.set(field.field, sample_text(field.field));
    } else {
      fill_list(builder, field.kind);
    }
  }
  if (version < spec.tlvs_since) return builder;
  for (const TlvTag tag : spec.tlvs) {
    const TlvSpec& tlv = *standard_tlv(tag);
    const bool second_text = tag == TlvTag::message_payload && spec.has(Field::short_message);
    if (tlv.since <= version && !second_text) builder.add_tlv(tag, as_bytes(sample_tlv(tlv)));
  }
  return builder;
}

inline std::vector<std::uint8_t> sample_bytes(const PduSpec& spec, Version version, std::uint32_t sequence = 1) {
  std::vector<std::uint8_t> bytes;
  const CommandStatus status =
      spec.id == CommandId::generic_nack ? CommandStatus::ESME_RINVCMDID : CommandStatus::ESME_ROK;
  if (!sample(spec, version).encode(bytes, status, sequence)) bytes.clear();
  return bytes;
}

}  // namespace smppd::smpp::samples
