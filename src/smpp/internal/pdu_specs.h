// The table itself, constexpr so that the decoder of the hot PDUs can be unrolled from it.
#pragma once

#include <initializer_list>

#include "smpp/internal/tlv_sets.h"
#include "smpp/pdu_table.h"

namespace smppd::smpp::table {

using enum Field;
using enum CommandStatus;

constexpr FieldSpec u8(Field field, CommandStatus fault) { return {field, FieldKind::u8, {1, 1, 1}, fault}; }
constexpr FieldSpec sized(Field field, FieldKind kind, std::uint16_t max, CommandStatus fault) {
  return {field, kind, {max, max, max}, fault};
}
constexpr FieldSpec text(Field field, std::uint16_t max, CommandStatus fault) {
  return sized(field, FieldKind::cstring, max, fault);
}
constexpr FieldSpec date(Field field, CommandStatus fault) { return sized(field, FieldKind::date, 17, fault); }

constexpr FieldSpec kServiceType = text(service_type, 6, ESME_RINVSERTYP);
constexpr FieldSpec kSourceTon = u8(source_addr_ton, ESME_RINVSRCTON);
constexpr FieldSpec kSourceNpi = u8(source_addr_npi, ESME_RINVSRCNPI);
constexpr FieldSpec kSource = text(source_addr, 21, ESME_RINVSRCADR);
constexpr FieldSpec kLongSource = text(source_addr, 65, ESME_RINVSRCADR);
constexpr FieldSpec kDestTon = u8(dest_addr_ton, ESME_RINVDSTTON);
constexpr FieldSpec kDestNpi = u8(dest_addr_npi, ESME_RINVDSTNPI);
constexpr FieldSpec kDest = text(destination_addr, 21, ESME_RINVDSTADR);
constexpr FieldSpec kLongDest = text(destination_addr, 65, ESME_RINVDSTADR);
constexpr FieldSpec kEsmClass = u8(esm_class, ESME_RINVESMCLASS);
constexpr FieldSpec kProtocolId = u8(protocol_id, ESME_RSUBMITFAIL);
constexpr FieldSpec kPriority = u8(priority_flag, ESME_RINVPRTFLG);
constexpr FieldSpec kSchedule = date(schedule_delivery_time, ESME_RINVSCHED);
constexpr FieldSpec kValidity = date(validity_period, ESME_RINVEXPIRY);
constexpr FieldSpec kRegistered = u8(registered_delivery, ESME_RINVREGDLVFLG);
constexpr FieldSpec kReplaceFlag = u8(replace_if_present_flag, ESME_RINVREPFLAG);
constexpr FieldSpec kDataCoding = u8(data_coding, ESME_RINVDCS);
constexpr FieldSpec kDefaultMsg = u8(sm_default_msg_id, ESME_RINVDFTMSGID);
constexpr FieldSpec kSmLength = u8(sm_length, ESME_RINVMSGLEN);
// 3.3 and 3.4 stop at 254 octets, 5.0 §4.7.25 at 255.
constexpr FieldSpec kShortMessage = {short_message, FieldKind::octets, {254, 254, 255}, ESME_RINVMSGLEN};
// 3.3 §6: eight hexadecimal digits and the NUL.
constexpr FieldSpec kMessageId = {message_id, FieldKind::cstring, {9, 65, 65}, ESME_RINVMSGID};
constexpr FieldSpec kSystemId = text(system_id, 16, ESME_RINVSYSID);
constexpr FieldSpec kPassword = text(password, 9, ESME_RINVPASWD);

struct Presence {
  std::array<bool, 3> in_version;
};
constexpr Presence kAllVersions{{true, true, true}};
constexpr Presence kOnly33{{true, false, false}};
constexpr Presence kSince34{{false, true, true}};
constexpr Presence kOnly50{{false, false, true}};

constexpr PduSpec pdu(CommandId id, std::string_view name, Presence presence, std::initializer_list<FieldSpec> fields,
                      std::span<const TlvTag> tlvs = {}, Version tlvs_since = Version::v34) {
  PduSpec spec;
  spec.id = id;
  spec.name = name;
  spec.in_version = presence.in_version;
  spec.tlvs = tlvs;
  spec.tlvs_since = tlvs_since;
  spec.index.fill(kMaxFields);
  for (const FieldSpec& field : fields) {
    spec.index[static_cast<std::size_t>(field.field)] = spec.field_count;
    spec.fields[spec.field_count++] = field;
  }
  return spec;
}

#define SMPPD_PDU(name, ...) pdu(CommandId::name, #name, __VA_ARGS__)

constexpr std::initializer_list<FieldSpec> kBind = {
    kSystemId,
    kPassword,
    text(system_type, 13, ESME_RINVSYSTYP),
    u8(interface_version, ESME_RBINDFAIL),
    u8(addr_ton, ESME_RBINDFAIL),
    u8(addr_npi, ESME_RBINDFAIL),
    text(address_range, 41, ESME_RBINDFAIL),
};
constexpr std::initializer_list<FieldSpec> kShortMessageBody = {
    kServiceType, kSourceTon, kSourceNpi, kSource,     kDestTon,     kDestNpi,    kDest,       kEsmClass, kProtocolId,
    kPriority,    kSchedule,  kValidity,  kRegistered, kReplaceFlag, kDataCoding, kDefaultMsg, kSmLength, kShortMessage,
};

inline constexpr auto kPdus = std::to_array<PduSpec>({
    SMPPD_PDU(bind_transmitter, kAllVersions, kBind),
    SMPPD_PDU(bind_transmitter_resp, kAllVersions, {kSystemId}, kBindRespTlvs),
    SMPPD_PDU(bind_receiver, kAllVersions, kBind),
    SMPPD_PDU(bind_receiver_resp, kAllVersions, {kSystemId}, kBindRespTlvs),
    SMPPD_PDU(bind_transceiver, kSince34, kBind),
    SMPPD_PDU(bind_transceiver_resp, kSince34, {kSystemId}, kBindRespTlvs),
    SMPPD_PDU(outbind, kSince34, {kSystemId, kPassword}),
    SMPPD_PDU(unbind, kAllVersions, {}),
    SMPPD_PDU(unbind_resp, kAllVersions, {}),
    SMPPD_PDU(enquire_link, kAllVersions, {}),
    SMPPD_PDU(enquire_link_resp, kAllVersions, {}),
    SMPPD_PDU(alert_notification, kSince34,
              {kSourceTon, kSourceNpi, kLongSource, u8(esme_addr_ton, ESME_RINVDSTTON),
               u8(esme_addr_npi, ESME_RINVDSTNPI), text(esme_addr, 65, ESME_RINVDSTADR)},
              kAlertTlvs),
    SMPPD_PDU(generic_nack, kAllVersions, {}),
    SMPPD_PDU(submit_sm, kAllVersions, kShortMessageBody, kSubmitTlvs),
    SMPPD_PDU(submit_sm_resp, kAllVersions, {kMessageId}, kMessageRespTlvs, Version::v50),
    SMPPD_PDU(submit_multi, kAllVersions,
              {kServiceType, kSourceTon, kSourceNpi, kSource, u8(number_of_dests, ESME_RINVNUMDESTS),
               FieldSpec{dest_address, FieldKind::destinations, {254, 254, 255}, ESME_RINVDESTFLAG}, kEsmClass,
               kProtocolId, kPriority, kSchedule, kValidity, kRegistered, kReplaceFlag, kDataCoding, kDefaultMsg,
               kSmLength, kShortMessage},
              kSubmitTlvs),
    SMPPD_PDU(submit_multi_resp, kAllVersions,
              {kMessageId, u8(no_unsuccess, ESME_RINVNUMDESTS),
               sized(unsuccess_sme, FieldKind::unsuccess, 255, ESME_RINVDSTADR)},
              kMessageRespTlvs, Version::v50),
    SMPPD_PDU(data_sm, kSince34,
              {kServiceType, kSourceTon, kSourceNpi, kLongSource, kDestTon, kDestNpi, kLongDest, kEsmClass, kRegistered,
               kDataCoding},
              kDataTlvs),
    SMPPD_PDU(data_sm_resp, kSince34, {kMessageId}, kMessageRespTlvs),
    SMPPD_PDU(deliver_sm, kAllVersions, kShortMessageBody, kDeliverTlvs),
    SMPPD_PDU(deliver_sm_resp, kAllVersions, {kMessageId}, kMessageRespTlvs, Version::v50),
    SMPPD_PDU(query_sm, kAllVersions, {kMessageId, kSourceTon, kSourceNpi, kSource}),
    SMPPD_PDU(query_sm_resp, kAllVersions,
              {kMessageId, date(final_date, ESME_RQUERYFAIL), u8(message_state, ESME_RQUERYFAIL),
               u8(error_code, ESME_RQUERYFAIL)}),
    SMPPD_PDU(query_last_msgs, kOnly33, {kSourceTon, kSourceNpi, kSource, u8(num_msgs, ESME_RINVNUMMSGS)}),
    SMPPD_PDU(query_last_msgs_resp, kOnly33,
              {u8(num_msgs, ESME_RINVNUMMSGS), sized(message_ids, FieldKind::message_ids, 9, ESME_RINVMSGID)}),
    SMPPD_PDU(query_msg_details, kOnly33, {kMessageId, kSourceTon, kSourceNpi, kSource, kSmLength}),
    SMPPD_PDU(query_msg_details_resp, kOnly33,
              {kServiceType, kSourceTon, kSourceNpi, kSource, u8(number_of_dests, ESME_RINVNUMDESTS),
               FieldSpec{dest_address, FieldKind::destinations, {254, 254, 255}, ESME_RINVDESTFLAG}, kProtocolId,
               kPriority, kSchedule, kValidity, kRegistered, kDataCoding, kSmLength, kShortMessage, kMessageId,
               date(final_date, ESME_RQUERYFAIL), u8(message_state, ESME_RQUERYFAIL), u8(error_code, ESME_RQUERYFAIL)}),
    SMPPD_PDU(cancel_sm, kAllVersions,
              {kServiceType, kMessageId, kSourceTon, kSourceNpi, kSource, kDestTon, kDestNpi, kDest}),
    SMPPD_PDU(cancel_sm_resp, kAllVersions, {}),
    SMPPD_PDU(replace_sm, kAllVersions,
              {kMessageId, kSourceTon, kSourceNpi, kSource, kSchedule, kValidity, kRegistered, kDefaultMsg, kSmLength,
               kShortMessage},
              kReplaceTlvs, Version::v50),
    SMPPD_PDU(replace_sm_resp, kAllVersions, {}),
    SMPPD_PDU(param_retrieve, kOnly33, {text(param_name, 32, ESME_RINVCMDLEN)}),
    SMPPD_PDU(param_retrieve_resp, kOnly33, {text(param_value, 101, ESME_RINVCMDLEN)}),
    SMPPD_PDU(broadcast_sm, kOnly50,
              {kServiceType, kSourceTon, kSourceNpi, kSource, kMessageId, kPriority, kSchedule, kValidity, kReplaceFlag,
               kDataCoding, kDefaultMsg},
              kBroadcastTlvs),
    SMPPD_PDU(broadcast_sm_resp, kOnly50, {kMessageId}, kBroadcastRespTlvs),
    SMPPD_PDU(query_broadcast_sm, kOnly50, {kMessageId, kSourceTon, kSourceNpi, kSource}, kReferenceTlvs),
    SMPPD_PDU(query_broadcast_sm_resp, kOnly50, {kMessageId}, kQueryBroadcastRespTlvs),
    SMPPD_PDU(cancel_broadcast_sm, kOnly50, {kServiceType, kMessageId, kSourceTon, kSourceNpi, kSource},
              kCancelBroadcastTlvs),
    SMPPD_PDU(cancel_broadcast_sm_resp, kOnly50, {}),
});
#undef SMPPD_PDU

constexpr std::size_t kNoPdu = 0xFF;
static_assert(kPdus.size() < kNoPdu);

constexpr std::uint32_t kIdLimit = 0x114;  // request ids end before this
inline constexpr auto kSlots = [] {
  std::array<std::uint8_t, std::size_t{2} * kIdLimit> slots{};
  slots.fill(kNoPdu);
  for (std::size_t i = 0; i < kPdus.size(); ++i) {
    const auto id = static_cast<std::uint32_t>(kPdus[i].id);
    slots[(id & ~kResponseBit) + ((id & kResponseBit) != 0 ? kIdLimit : 0)] = static_cast<std::uint8_t>(i);
  }
  return slots;
}();

constexpr std::size_t position_of(CommandId id) noexcept {
  const auto value = static_cast<std::uint32_t>(id);
  const std::uint32_t low = value & ~kResponseBit;
  if (low >= kIdLimit) return kNoPdu;
  return kSlots[low + ((value & kResponseBit) != 0 ? kIdLimit : 0)];
}

}  // namespace smppd::smpp::table
