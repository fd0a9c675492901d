#include "smpp/pdu_builder.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "smpp/internal/samples.h"
#include "smpp/internal/test_support.h"

namespace smppd::smpp {
namespace {

using testing::hex;
using testing::unhex;

constexpr Version kVersions[] = {Version::v33, Version::v34, Version::v50};

std::string text_of(std::size_t max_length, bool with_nul) {
  const auto length = *rc::gen::inRange<std::size_t>(0, max_length + 1);
  const auto octet = with_nul ? rc::gen::arbitrary<char>() : rc::gen::nonZero<char>();
  return *rc::gen::container<std::string>(length, octet);
}

const PduSpec& any_spec(Version version) {
  std::vector<const PduSpec*> specs;
  for (const PduSpec& spec : all_pdus()) {
    if (spec.has_version(version)) specs.push_back(&spec);
  }
  return **rc::gen::elementOf(specs);
}

// Sets every field of the PDU to something the version allows and remembers what the wire must say.
std::map<Field, std::string> fill(PduBuilder& builder, const PduSpec& spec, Version version) {
  std::map<Field, std::string> wire;
  for (std::size_t i = 0; i < spec.field_count; ++i) {
    const FieldSpec& field = spec.fields[i];
    const std::size_t max = field.max[version_index(version)];
    if (field.kind == FieldKind::cstring || field.kind == FieldKind::date) {
      const std::string text = text_of(max - 1, false);
      builder.set(field.field, text);
      wire[field.field] = text + '\0';
    } else if (field.kind == FieldKind::octets) {
      const std::string text = text_of(max, true);
      builder.set(field.field, text);
      wire[field.field] = text;
      wire[spec.fields[i - 1].field] = std::string(1, static_cast<char>(text.size()));
    } else if (field.kind == FieldKind::u8 && !(i + 1 < spec.field_count && is_counted(spec.fields[i + 1].kind))) {
      const auto octet = *rc::gen::arbitrary<std::uint8_t>();
      builder.set(field.field, octet);
      wire[field.field] = std::string(1, static_cast<char>(octet));
    }
  }
  return wire;
}

RC_GTEST_PROP(PduBuilder, EveryPduOfEveryVersionSurvivesTheRoundTrip, ()) {
  const Version version = *rc::gen::elementOf(std::vector<Version>(std::begin(kVersions), std::end(kVersions)));
  const PduSpec& spec = any_spec(version);
  PduBuilder builder(spec.id, version);
  const auto wire = fill(builder, spec, version);
  std::vector<std::pair<std::uint16_t, std::string>> tlvs;
  if (version != Version::v33) {
    tlvs = *rc::gen::container<decltype(tlvs)>(
        *rc::gen::inRange(0, 4), rc::gen::pair(rc::gen::arbitrary<std::uint16_t>(), rc::gen::arbitrary<std::string>()));
  }
  for (const auto& [tag, value] : tlvs) builder.add_tlv(static_cast<TlvTag>(tag), as_bytes(value));
  const auto sequence = *rc::gen::arbitrary<std::uint32_t>();

  std::vector<std::uint8_t> bytes;
  const Encoded encoded = builder.encode(bytes, CommandStatus::ESME_ROK, sequence);
  RC_ASSERT(encoded.has_value());
  RC_ASSERT(*encoded == bytes.size());

  PduView view;
  const DecodeResult result = view.decode(bytes, Strictness::strict);
  RC_ASSERT(result.ok());
  RC_ASSERT(result.leniency == kNothingForgiven);
  RC_ASSERT(view.sequence_number() == sequence);
  for (const auto& [field, value] : wire) RC_ASSERT(as_text(view.field_bytes(field)) == value);
  std::size_t index = 0;
  for (const Tlv tlv : view.tlvs()) {
    RC_ASSERT(static_cast<std::uint16_t>(tlv.tag) == tlvs[index].first);
    RC_ASSERT(as_text(tlv.value) == tlvs[index++].second);
  }
  RC_ASSERT(index == tlvs.size());

  PduBuilder copy;
  std::vector<std::uint8_t> again;
  RC_ASSERT(copy.from(view, version).encode(again, CommandStatus::ESME_ROK, sequence).has_value());
  RC_ASSERT(again == bytes);
}

// Also when the version has no room for a field, the copied one or the new one.
RC_GTEST_PROP(PduBuilder, AChangedCopyIsWhatIsBuiltFieldByField, ()) {
  const std::vector<Version> versions(std::begin(kVersions), std::end(kVersions));
  const auto id = *rc::gen::element(CommandId::submit_sm, CommandId::deliver_sm, CommandId::data_sm);
  const PduSpec& spec = *spec_of(id);
  PduBuilder first(id, Version::v50);
  fill(first, spec, Version::v50);
  if (*rc::gen::arbitrary<bool>()) first.add_tlv_text(TlvTag::receipted_message_id, "A-1");
  std::vector<std::uint8_t> original;
  RC_ASSERT(first.encode(original, CommandStatus::ESME_ROK, 7).has_value());
  PduView view;
  RC_ASSERT(view.decode(original).ok());

  const Version version = *rc::gen::elementOf(versions);
  PduBuilder copy;
  copy.from(view, version);
  PduBuilder anew(id, version);
  for (std::size_t i = 0; i < spec.field_count; ++i) {
    const FieldSpec& field = spec.fields[i];
    const bool text = field.kind == FieldKind::cstring || field.kind == FieldKind::date;
    if (field.kind == FieldKind::u8 && i + 1 < spec.field_count && is_counted(spec.fields[i + 1].kind)) continue;
    const bool change = *rc::gen::weightedElement<bool>({{1, true}, {3, false}});
    if (text || field.kind == FieldKind::octets) {
      const std::size_t max = field.max[version_index(version)];
      const std::string old(text ? view.text(field.field) : as_text(view.octets(field.field)));
      const std::string value = change ? text_of(max + (*rc::gen::inRange(0, 8) == 0 ? 2 : 0), !text) : old;
      if (change) copy.set(field.field, value);
      anew.set(field.field, value);
    } else {
      const auto value = change ? *rc::gen::arbitrary<std::uint8_t>() : view.u8(field.field);
      if (change) copy.set(field.field, value);
      anew.set(field.field, value);
    }
  }
  for (const Tlv tlv : view.tlvs()) anew.add_tlv(tlv.tag, tlv.value);
  std::vector<std::uint8_t> copied;
  std::vector<std::uint8_t> built;
  const Encoded from_copy = copy.encode(copied, CommandStatus::ESME_ROK, 9);
  const Encoded from_fields = anew.encode(built, CommandStatus::ESME_ROK, 9);
  RC_CLASSIFY(!from_fields.has_value(), "refused");
  RC_ASSERT((from_copy == from_fields));
  RC_ASSERT(copied == built);
}

RC_GTEST_PROP(PduBuilder, DestinationsAndUnsuccessfulOnesSurviveTheRoundTrip, ()) {
  const int count = *rc::gen::inRange(0, 60);
  PduBuilder multi(CommandId::submit_multi, Version::v34);
  PduBuilder response(CommandId::submit_multi_resp, Version::v34);
  std::vector<std::tuple<bool, std::string, std::uint32_t>> model;
  for (int i = 0; i < count; ++i) {
    const bool list = *rc::gen::arbitrary<bool>();
    const auto& [is_list, address, code] = model.emplace_back(list, text_of(20, false), *rc::gen::arbitrary<int>());
    multi.add_destination({is_list ? DestFlag::distribution_list : DestFlag::sme_address, 1, 2, address});
    response.add_unsuccess({3, 4, address, static_cast<CommandStatus>(code)});
  }
  std::vector<std::uint8_t> bytes;
  RC_ASSERT(multi.encode(bytes, CommandStatus::ESME_ROK, 1).has_value());
  PduView view;
  RC_ASSERT(view.decode(bytes, Strictness::strict).ok());
  RC_ASSERT(view.destinations().size() == model.size());
  std::size_t i = 0;
  for (const Destination& destination : view.destinations()) {
    RC_ASSERT((destination.flag == DestFlag::distribution_list) == std::get<0>(model[i]));
    RC_ASSERT(destination.ton == (std::get<0>(model[i]) ? 0 : 1));
    RC_ASSERT(destination.address == std::get<1>(model[i++]));
  }
  RC_ASSERT(i == model.size());

  std::vector<std::uint8_t> response_bytes;
  RC_ASSERT(response.encode(response_bytes, CommandStatus::ESME_ROK, 1).has_value());
  RC_ASSERT(view.decode(response_bytes, Strictness::strict).ok());
  i = 0;
  for (const Unsuccess& entry : view.unsuccess()) {
    RC_ASSERT(entry.address == std::get<1>(model[i]));
    RC_ASSERT(static_cast<std::uint32_t>(entry.error_status_code) == std::get<2>(model[i++]));
  }
  RC_ASSERT(i == model.size());
}

TEST(PduBuilder, WritesBindTransceiverAsTheSpecificationDraws) {
  PduBuilder builder(CommandId::bind_transceiver, Version::v34);
  builder.set(Field::system_id, "SMPP3TEST")
      .set(Field::password, "secret08")
      .set(Field::system_type, "SUBMIT1")
      .set(Field::interface_version, 0x34)
      .set(Field::addr_ton, Ton::international)
      .set(Field::addr_npi, Npi::isdn);
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 1).has_value());
  // The bytes of 3.4 §3.2.3's example bind, as transceiver and version 3.4.
  EXPECT_EQ(hex(bytes), hex(unhex("0000002F 00000009 00000000 00000001"
                                  "53 4D 50 50 33 54 45 53 54 00"
                                  "73 65 63 72 65 74 30 38 00"
                                  "53 55 42 4D 49 54 31 00"
                                  "34 01 01 00")));
}

TEST(PduBuilder, WritesSubmitMultiAndItsResponse) {
  PduBuilder builder(CommandId::submit_multi, Version::v34);
  builder.set(Field::source_addr, "1")
      .add_destination({DestFlag::sme_address, 1, 1, "22"})
      .add_destination({DestFlag::distribution_list, 0, 0, "dl"})
      .set(Field::short_message, "x");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 2).has_value());
  EXPECT_EQ(hex(bytes), hex(unhex("0000002B 00000021 00000000 00000002"
                                  "00 00 00 3100"
                                  "02 01 01 01 323200 02 646C00"
                                  "00 00 00 00 00 00 00 00 00 01 78")));
  builder.reset(CommandId::submit_multi_resp, Version::v34)
      .set(Field::message_id, "7")
      .add_unsuccess({1, 1, "22", CommandStatus::ESME_RINVDSTADR});
  bytes.clear();
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 2).has_value());
  EXPECT_EQ(hex(bytes), hex(unhex("0000001C 80000021 00000000 00000002 3700 01 01 01 323200 0000000B")));
}

TEST(PduBuilder, WritesTheOldQueriesOf33) {
  PduBuilder builder(CommandId::query_last_msgs_resp, Version::v33);
  builder.add_message_id("0000000A").add_message_id("B");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 3).has_value());
  EXPECT_EQ(hex(bytes), hex(unhex("0000001C 80000023 00000000 00000003 02 303030303030304100 4200")));
  bytes.clear();
  builder.reset(CommandId::query_msg_details, Version::v33)
      .set(Field::message_id, "A")
      .set(Field::source_addr_ton, 1)
      .set(Field::source_addr_npi, 1)
      .set(Field::source_addr, "9")
      .set(Field::sm_length, 160);
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 4).has_value());
  EXPECT_EQ(hex(bytes), hex(unhex("00000017 00000024 00000000 00000004 4100 01 01 3900 A0")));
}

TEST(PduBuilder, WritesDataSmAndAlertNotification) {
  PduBuilder builder(CommandId::data_sm, Version::v34);
  builder.set(Field::destination_addr, "5").set(Field::data_coding, 8).add_tlv(TlvTag::message_payload, as_bytes("ab"));
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 5).has_value());
  EXPECT_EQ(hex(bytes),
            hex(unhex("00000021 00000103 00000000 00000005 00 00 00 00 00 00 3500 00 00 08 0424 0002 6162")));
  bytes.clear();
  builder.reset(CommandId::alert_notification, Version::v34)
      .set(Field::source_addr, "8")
      .set(Field::esme_addr, "9")
      .add_tlv_u8(TlvTag::ms_availability_status, 0);
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 6).has_value());
  EXPECT_EQ(hex(bytes), hex(unhex("0000001D 00000102 00000000 00000006 00 00 3800 00 00 3900 0422 0001 00")));
}

TEST(PduBuilder, NamesTheFieldThatDoesNotFit) {
  const auto fault = [](PduBuilder& builder) {
    std::vector<std::uint8_t> bytes;
    const Encoded encoded = builder.encode(bytes, CommandStatus::ESME_ROK, 1);
    EXPECT_EQ(bytes.empty(), !encoded.has_value());
    return encoded ? std::string("none") : describe(encoded.error());
  };
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.set(Field::source_addr, std::string(21, '1'))), "source_addr: too_long");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.set(Field::source_addr, std::string(20, '1'))), "none");
  EXPECT_EQ(fault(builder.set(Field::short_message, std::string(255, 'x'))), "short_message: too_long");
  builder.reset(CommandId::submit_sm, Version::v50);
  EXPECT_EQ(fault(builder.set(Field::short_message, std::string(255, 'x'))), "none");
  EXPECT_EQ(fault(builder.set(Field::service_type, std::string_view("a\0b", 3))), "service_type: embedded_nul");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.set(Field::message_id, "1")), "message_id: no_such_field");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.set(Field::sm_length, 3)), "sm_length: wrong_kind");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.set(Field::esm_class, "3")), "esm_class: wrong_kind");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.set(Field::esm_class, 256)), "esm_class: out_of_range");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.add_tlv(TlvTag::message_payload, std::vector<std::uint8_t>(65536))),
            "message_payload: tlv_too_long");
  builder.reset(CommandId::submit_sm, Version::v34);
  EXPECT_EQ(fault(builder.add_destination({})), "dest_address: no_such_field");
  builder.reset(CommandId::broadcast_sm, Version::v34);
  EXPECT_EQ(fault(builder), "not_in_version");
  builder.reset(static_cast<CommandId>(0x99), Version::v34);
  EXPECT_EQ(fault(builder), "unknown_command");
}

// A fuzzer's find: a forgiven address of a list was copied and sent on, longer than any peer must accept.
TEST(PduBuilder, RefusesToPassOnAListEntryThatIsTooLong) {
  const auto bytes = unhex("00000032 80000021 00000000 00000001 3100 01 01 01" + std::string(48, '7') + "00 00000001");
  PduView view;
  ASSERT_EQ(view.decode(bytes).leniency, kLongText);
  PduBuilder builder;
  std::vector<std::uint8_t> out;
  const Encoded encoded = builder.from(view, Version::v34).encode(out, CommandStatus::ESME_ROK, 1);
  ASSERT_FALSE(encoded.has_value());
  EXPECT_EQ(describe(encoded.error()), "unsuccess_sme: too_long");
  EXPECT_TRUE(builder.clear_list().encode(out, CommandStatus::ESME_ROK, 1).has_value());
}

TEST(PduBuilder, CountsDestinationsAgainstTheVersion) {
  for (const Version version : {Version::v34, Version::v50}) {
    PduBuilder builder(CommandId::submit_multi, version);
    for (int i = 0; i < 255; ++i) builder.add_destination({DestFlag::sme_address, 1, 1, "1"});
    std::vector<std::uint8_t> bytes;
    EXPECT_EQ(builder.encode(bytes, CommandStatus::ESME_ROK, 1).has_value(), version == Version::v50);
  }
}

TEST(PduBuilder, WritesNothingIntoASpanThatIsTooSmall) {
  PduBuilder builder(CommandId::submit_sm_resp, Version::v34);
  builder.set(Field::message_id, "abc");
  std::vector<std::uint8_t> room(20, 0xEE);
  const Encoded small = builder.encode(std::span(room).first(19), CommandStatus::ESME_ROK, 1);
  ASSERT_FALSE(small.has_value());
  EXPECT_EQ(small.error().problem, EncodeProblem::no_room);
  EXPECT_EQ(room, std::vector<std::uint8_t>(20, 0xEE));
  EXPECT_EQ(builder.encode(std::span(room), CommandStatus::ESME_ROK, 1).value(), 20U);
}

TEST(Interop, Row19_ErrorBodiesAreEmptyIn34AndPresentIn50) {
  for (const Version version : kVersions) {
    PduBuilder builder(CommandId::submit_sm_resp, version);
    builder.set(Field::message_id, "A1");
    std::vector<std::uint8_t> bytes;
    ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_RTHROTTLED, 9).has_value());
    EXPECT_EQ(bytes.size(), version == Version::v50 ? 19U : 16U);
    bytes.clear();
    ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 9).has_value());
    EXPECT_EQ(bytes.size(), 19U);
  }
}

TEST(Interop, Row20_DataSmRespTellsItsReasonIn34) {
  PduBuilder builder(CommandId::data_sm_resp, Version::v34);
  builder.set(Field::message_id, "A1").add_tlv_u8(TlvTag::delivery_failure_reason, 2);
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_RDELIVERYFAILURE, 9).has_value());
  EXPECT_EQ(hex(bytes), hex(unhex("00000018 80000103 000000FE 00000009 413100 0425 0001 02")));
}

TEST(Interop, Row24_DeliverSmRespIsASingleNul) {
  std::uint8_t out[17];
  ASSERT_EQ(write_response_with_id(out, CommandId::deliver_sm_resp, CommandStatus::ESME_ROK, 5, ""), 17U);
  EXPECT_EQ(hex(out), hex(unhex("00000011 80000005 00000000 00000005 00")));
}

TEST(Interop, Row23_BareResponsesNeverHaveABody) {
  std::uint8_t out[16];
  ASSERT_EQ(write_bare(out, CommandId::enquire_link_resp, CommandStatus::ESME_ROK, 5), 16U);
  EXPECT_EQ(hex(out), hex(unhex("00000010 80000015 00000000 00000005")));
  PduBuilder builder(CommandId::unbind_resp, Version::v50);
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 5).has_value());
  EXPECT_EQ(bytes.size(), 16U);
}

TEST(Interop, Row29_AnySequenceNumberIsEchoedVerbatim) {
  for (const std::uint32_t sequence : {0U, 1U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    std::uint8_t out[32];
    const std::size_t size =
        write_response_with_id(out, CommandId::submit_sm_resp, CommandStatus::ESME_ROK, sequence, "id");
    PduView view;
    ASSERT_TRUE(view.decode({out, size}).ok());
    EXPECT_EQ(view.sequence_number(), sequence);
    EXPECT_EQ(view.text(Field::message_id), "id");
  }
}

TEST(Interop, Row37_NoTlvsTowards33Peers) {
  PduBuilder builder(CommandId::bind_transmitter_resp, Version::v34);
  builder.set(Field::system_id, "smsc").add_tlv_u8(TlvTag::sc_interface_version, 0x34);
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 1).has_value());
  EXPECT_EQ(bytes.size(), 26U);
  PduView view;
  ASSERT_TRUE(view.decode(bytes).ok());
  std::vector<std::uint8_t> old;
  PduBuilder translated;
  ASSERT_TRUE(translated.from(view, Version::v33).encode(old, CommandStatus::ESME_ROK, 1).has_value());
  EXPECT_EQ(hex(old), hex(unhex("00000015 80000002 00000000 00000001 736D736300")));
}

TEST(Interop, Row37_TextInMessagePayloadIsNotLostSilentlyTowards33) {
  PduBuilder builder(CommandId::submit_sm, Version::v33);
  builder.add_tlv(TlvTag::message_payload, as_bytes("text"));
  std::vector<std::uint8_t> bytes;
  const Encoded encoded = builder.encode(bytes, CommandStatus::ESME_ROK, 1);
  ASSERT_FALSE(encoded.has_value());
  EXPECT_EQ(encoded.error().problem, EncodeProblem::payload_in_v33);
}

TEST(PduBuilder, EditsACopyAndKeepsUnknownTlvsInOrder) {
  PduBuilder original(CommandId::deliver_sm, Version::v34);
  original.set(Field::source_addr, "111")
      .set(Field::short_message, "old")
      .add_tlv(static_cast<TlvTag>(0x1500), as_bytes("first"))
      .add_tlv_u8(TlvTag::message_state, 2)
      .add_tlv(static_cast<TlvTag>(0x1500), as_bytes("second"))
      .add_tlv_text(TlvTag::receipted_message_id, "77");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(original.encode(bytes, CommandStatus::ESME_ROK, 1).has_value());
  PduView view;
  ASSERT_TRUE(view.decode(bytes).ok());
  EXPECT_EQ(view.tlv_text(TlvTag::receipted_message_id), "77");

  PduBuilder editor;
  editor.from(view, Version::v34).set(Field::short_message, "a longer text").set(Field::source_addr, "2");
  const std::uint8_t undeliverable = 5;
  editor.replace_tlv(TlvTag::message_state, {&undeliverable, 1});
  EXPECT_TRUE(editor.remove_tlv(TlvTag::receipted_message_id));
  EXPECT_FALSE(editor.remove_tlv(TlvTag::receipted_message_id));
  std::vector<std::uint8_t> edited;
  ASSERT_TRUE(editor.encode(edited, CommandStatus::ESME_ROK, 1).has_value());
  PduView after;
  ASSERT_TRUE(after.decode(edited, Strictness::strict).ok());
  EXPECT_EQ(as_text(after.octets(Field::short_message)), "a longer text");
  EXPECT_EQ(after.u8(Field::sm_length), 13);
  EXPECT_EQ(after.text(Field::source_addr), "2");
  std::vector<std::string> tlvs;
  for (const Tlv tlv : after.tlvs()) tlvs.emplace_back(as_text(tlv.value));
  EXPECT_EQ(tlvs, (std::vector<std::string>{"first", "\5", "second"}));
}

TEST(PduBuilder, ReplaceMergesDuplicatesAndAppendsWhatIsNew) {
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.add_tlv(TlvTag::callback_num, as_bytes("aaaa"))
      .add_tlv_u16(TlvTag::source_port, 1)
      .add_tlv(TlvTag::callback_num, as_bytes("bbbb"))
      .replace_tlv(TlvTag::callback_num, as_bytes("cc"))
      .replace_tlv(TlvTag::destination_port, as_bytes("dd"));
  EXPECT_EQ(hex(builder.tlv_bytes()), hex(unhex("0381 0002 6363 020A 0002 0001 020B 0002 6464")));
}

TEST(PduBuilder, ClearListDropsTheCopiedDestinations) {
  const auto bytes = samples::sample_bytes(*spec_of(CommandId::submit_multi), Version::v34);
  PduView view;
  ASSERT_TRUE(view.decode(bytes).ok());
  ASSERT_EQ(view.destinations().size(), 3U);
  PduBuilder builder;
  builder.from(view, Version::v34).clear_list().add_destination({DestFlag::sme_address, 2, 8, "5"});
  std::vector<std::uint8_t> out;
  ASSERT_TRUE(builder.encode(out, CommandStatus::ESME_ROK, 1).has_value());
  PduView after;
  ASSERT_TRUE(after.decode(out).ok());
  ASSERT_EQ(after.destinations().size(), 1U);
  EXPECT_EQ(after.destinations().begin()->npi, 8);
  EXPECT_EQ(as_text(after.tlv_bytes()), as_text(view.tlv_bytes()));
}

}  // namespace
}  // namespace smppd::smpp
