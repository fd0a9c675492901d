#include "smpp/pdu_view.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "smpp/internal/samples.h"
#include "smpp/internal/test_support.h"
#include "smpp/pdu_builder.h"

namespace smppd::smpp {
namespace {

using testing::hex;
using testing::unhex;

// Written by hand from SMPP 3.4 §4.4.1.
const std::string kSubmitSm =
    "00000042 00000004 00000000 00000007"
    "434D5400"                // service_type "CMT"
    "05 00 4D794272616E6400"  // source_addr_ton alphanumeric, npi, "MyBrand"
    "01 01 32353838343100"    // dest_addr_ton, npi, "258841"
    "03 00 01"                // esm_class, protocol_id, priority_flag
    "00 00"                   // schedule_delivery_time, validity_period
    "01 00 00 00"             // registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id
    "05 48656C6C6F"           // sm_length, short_message
    "0204 0002 0042"          // user_message_reference
    "1403 0002 BEEF";         // a vendor TLV

TEST(PduView, ReadsEveryFieldOfAHandWrittenSubmitSm) {
  const auto bytes = unhex(kSubmitSm);
  PduView view;
  const DecodeResult result = view.decode(bytes);
  ASSERT_TRUE(result.ok()) << name_of(result.fault);
  EXPECT_EQ(result.leniency, kNothingForgiven);
  EXPECT_EQ(view.id(), CommandId::submit_sm);
  EXPECT_EQ(view.sequence_number(), 7U);
  EXPECT_EQ(view.text(Field::service_type), "CMT");
  EXPECT_EQ(view.u8(Field::source_addr_ton), 5);
  EXPECT_EQ(view.text(Field::source_addr), "MyBrand");
  EXPECT_EQ(view.u8(Field::dest_addr_npi), 1);
  EXPECT_EQ(view.text(Field::destination_addr), "258841");
  EXPECT_EQ(view.u8(Field::esm_class), 3);
  EXPECT_EQ(view.u8(Field::priority_flag), 1);
  EXPECT_EQ(view.text(Field::validity_period), "");
  EXPECT_EQ(view.u8(Field::registered_delivery), 1);
  EXPECT_EQ(view.u8(Field::sm_length), 5);
  EXPECT_EQ(as_text(view.octets(Field::short_message)), "Hello");
  EXPECT_EQ(view.tlv_u16(TlvTag::user_message_reference), 0x42);
  EXPECT_EQ(view.tlv_u16(static_cast<TlvTag>(0x1403)), 0xBEEF);
  EXPECT_FALSE(view.tlv(TlvTag::message_payload).has_value());
  EXPECT_FALSE(view.has(Field::message_id));
  EXPECT_EQ(view.text(Field::message_id), "");
}

TEST(PduView, BuilderWritesTheSameOctetsAsTheHand) {
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.set(Field::service_type, "CMT")
      .set(Field::source_addr_ton, Ton::alphanumeric)
      .set(Field::source_addr, "MyBrand")
      .set(Field::dest_addr_ton, 1)
      .set(Field::dest_addr_npi, 1)
      .set(Field::destination_addr, "258841")
      .set(Field::esm_class, 3)
      .set(Field::priority_flag, 1)
      .set(Field::registered_delivery, 1)
      .set(Field::short_message, "Hello")
      .add_tlv_u16(TlvTag::user_message_reference, 0x42)
      .add_tlv_u16(static_cast<TlvTag>(0x1403), 0xBEEF);
  std::vector<std::uint8_t> out;
  ASSERT_TRUE(builder.encode(out, CommandStatus::ESME_ROK, 7).has_value());
  EXPECT_EQ(hex(out), hex(unhex(kSubmitSm)));
}

// The strings of most messages end within 64 octets, and those are read another way: both ways must meet.
TEST(PduView, ReadsMessagesWhoseStringsEndBeforeBeyondAndAcrossTheFirst64Octets) {
  const std::string_view digits = "123456789012345678901234567890";
  for (std::size_t source = 0; source <= 20; ++source) {
    for (const std::size_t destination : {0U, 1U, 12U, 20U}) {
      for (const std::size_t times : {0U, 16U}) {
        for (const std::size_t text : {0U, 1U, 15U, 16U, 254U}) {
          PduBuilder builder(CommandId::submit_sm, Version::v34);
          builder.set(Field::service_type, digits.substr(0, source % 6))
              .set(Field::source_addr_ton, 5)
              .set(Field::source_addr_npi, 6)
              .set(Field::source_addr, digits.substr(0, source))
              .set(Field::dest_addr_ton, 1)
              .set(Field::dest_addr_npi, 2)
              .set(Field::destination_addr, digits.substr(1, destination))
              .set(Field::protocol_id, 7)
              .set(Field::schedule_delivery_time, digits.substr(2, times))
              .set(Field::validity_period, digits.substr(3, times))
              .set(Field::registered_delivery, 1)
              .set(Field::data_coding, 8)
              .set(Field::short_message, std::string(text, 'x'));
          std::vector<std::uint8_t> encoded;
          ASSERT_TRUE(builder.encode(encoded, CommandStatus::ESME_ROK, 1));
          const std::vector<std::uint8_t> bytes(encoded);  // of exactly its size, so that a read beyond it is found
          PduView view;
          ASSERT_TRUE(view.decode(bytes).ok()) << source << ' ' << destination << ' ' << times;
          ASSERT_TRUE(view.message_layout());
          EXPECT_EQ(view.text(Field::service_type), digits.substr(0, source % 6));
          EXPECT_EQ(view.u8(Field::source_addr_npi), 6);
          EXPECT_EQ(view.text_at(MessageField::source_addr), digits.substr(0, source));
          EXPECT_EQ(view.u8(Field::dest_addr_npi), 2);
          EXPECT_EQ(view.text_at(MessageField::destination_addr), digits.substr(1, destination));
          EXPECT_EQ(view.u8_at(MessageField::protocol_id), 7);
          EXPECT_EQ(view.text(Field::schedule_delivery_time), digits.substr(2, times));
          EXPECT_EQ(view.text(Field::validity_period), digits.substr(3, times));
          EXPECT_EQ(view.u8_at(MessageField::registered_delivery), 1);
          EXPECT_EQ(view.u8(Field::data_coding), 8);
          EXPECT_EQ(as_text(view.short_message()), std::string(text, 'x'));
          for (std::size_t cut = kHeaderSize; cut < bytes.size(); ++cut) {
            std::vector<std::uint8_t> shorter(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
            store_be(shorter.data(), static_cast<std::uint32_t>(cut));
            EXPECT_FALSE(view.decode(shorter).ok()) << cut;
          }
        }
      }
    }
  }
}

TEST(PduView, OtherPdusOfAsManyFieldsHaveNotTheLayoutOfAMessage) {
  for (const PduSpec& spec : all_pdus()) {
    PduBuilder builder(spec.id, Version::v50);
    std::vector<std::uint8_t> bytes;
    PduView view;
    if (!builder.encode(bytes, CommandStatus::ESME_ROK, 1) || !view.decode(bytes)) continue;
    EXPECT_EQ(view.message_layout(), spec.id == CommandId::submit_sm || spec.id == CommandId::deliver_sm) << spec.name;
  }
}

std::vector<std::uint8_t> with_length(std::vector<std::uint8_t> bytes) {
  store_be(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  return bytes;
}

std::vector<std::uint8_t> pdu(std::string_view header_rest, std::string_view body) {
  return with_length(unhex("00000000" + std::string(header_rest) + std::string(body)));
}

TEST(PduView, EverySampleDecodesStrictlyAndNamesItsPdu) {
  for (const Version version : {Version::v33, Version::v34, Version::v50}) {
    for (const PduSpec& spec : all_pdus()) {
      if (!spec.has_version(version)) continue;
      const auto bytes = samples::sample_bytes(spec, version, 9);
      PduView view;
      const DecodeResult result = view.decode(bytes, Strictness::strict);
      ASSERT_TRUE(result.ok()) << spec.name << ": " << name_of(result.fault) << " " << name_of(result.field);
      EXPECT_EQ(view.spec(), &spec);
      for (const FieldSpec& field : spec.body()) EXPECT_TRUE(view.has(field.field)) << spec.name;
      std::size_t octets = kHeaderSize + view.tlv_bytes().size();
      for (const FieldSpec& field : spec.body()) octets += view.field_bytes(field.field).size();
      EXPECT_EQ(octets, bytes.size()) << spec.name << ": fields and TLVs cover every octet once";
    }
  }
}

// Each PDU is copied into a buffer of its exact size, so that a sanitizer sees any read beyond.
TEST(PduView, TruncationAtEveryOctetIsNeverReadPast) {
  for (const PduSpec& spec : all_pdus()) {
    const Version version = spec.has_version(Version::v34)   ? Version::v34
                            : spec.has_version(Version::v50) ? Version::v50
                                                             : Version::v33;
    const auto whole = samples::sample_bytes(spec, version);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      PduView view;
      EXPECT_EQ(view.decode(cut).fault, Fault::length) << spec.name << " at " << size;
      if (size < kHeaderSize) continue;
      cut = with_length(cut);
      const DecodeResult strict = view.decode(cut, Strictness::strict);
      const DecodeResult lenient = view.decode(cut, Strictness::lenient);
      if (strict.ok()) {
        EXPECT_TRUE(lenient.ok()) << spec.name << " at " << size;
      }
      if (!lenient.ok()) {
        EXPECT_FALSE(view.has(spec.fields[0].field));
        EXPECT_TRUE(view.tlvs().empty());
        EXPECT_NE(lenient.status, CommandStatus::ESME_ROK);
      }
      for (const FieldSpec& field : spec.body()) {
        const ByteSpan raw = view.field_bytes(field.field);
        EXPECT_TRUE(raw.empty() || (raw.data() >= cut.data() && raw.data() + raw.size() <= cut.data() + cut.size()));
      }
    }
  }
}

TEST(PduView, TruncatedMandatoryPartNamesTheFieldThatIsMissing) {
  const auto whole = unhex(kSubmitSm);
  PduView view;
  const auto cut = [&](std::size_t size) {
    const auto bytes = with_length({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    return view.decode(bytes);
  };
  EXPECT_EQ(cut(16).field, Field::service_type);
  EXPECT_EQ(cut(18).field, Field::service_type);
  EXPECT_EQ(cut(18).fault, Fault::no_nul);
  EXPECT_EQ(cut(18).status, CommandStatus::ESME_RINVSERTYP);
  EXPECT_EQ(cut(20).field, Field::source_addr_ton);
  EXPECT_EQ(cut(20).fault, Fault::truncated);
  EXPECT_EQ(cut(20).status, CommandStatus::ESME_RINVCMDLEN);
  EXPECT_EQ(cut(25).status, CommandStatus::ESME_RINVSRCADR);
  EXPECT_EQ(cut(34).status, CommandStatus::ESME_RINVDSTADR);
  EXPECT_EQ(cut(50).field, Field::sm_length);
  EXPECT_EQ(cut(50).status, CommandStatus::ESME_RINVMSGLEN);
  EXPECT_EQ(cut(57).status, CommandStatus::ESME_RINVMSGLEN);
  EXPECT_EQ(cut(62).status, CommandStatus::ESME_RINVOPTPARSTREAM);
}

TEST(PduView, HeaderSurvivesAPduThatIsNotUnderstood) {
  PduView view;
  const auto unknown = pdu("00000099 00000000 00000005", "AABB");
  const DecodeResult result = view.decode(unknown);
  EXPECT_EQ(result.fault, Fault::unknown_command);
  EXPECT_EQ(result.status, CommandStatus::ESME_RINVCMDID);
  EXPECT_EQ(view.sequence_number(), 5U);
  EXPECT_EQ(view.spec(), nullptr);
  EXPECT_EQ(view.text(Field::message_id), "");
  EXPECT_EQ(view.decode({}).fault, Fault::length);
  EXPECT_EQ(view.header(), Header{});
}

TEST(PduView, ReusedViewRemembersNothing) {
  const auto submit = unhex(kSubmitSm);
  const auto enquire = unhex("00000010 00000015 00000000 00000001");
  PduView view;
  ASSERT_TRUE(view.decode(submit).ok());
  ASSERT_TRUE(view.decode(enquire).ok());
  EXPECT_FALSE(view.has(Field::service_type));
  EXPECT_TRUE(view.tlvs().empty());
}

TEST(PduView, StrictRefusesWhatLenientForgives) {
  const std::string long_address(30, '7');
  PduView view;
  const auto bind = pdu("00000009 00000000 00000001", "6100" + hex(as_bytes(long_address)) + "00 00 34 00 00 00");
  EXPECT_EQ(view.decode(bind, Strictness::strict).status, CommandStatus::ESME_RINVPASWD);
  EXPECT_EQ(view.decode(bind).leniency, kLongText);
  EXPECT_EQ(view.text(Field::password), long_address);
}

TEST(PduView, RefusesListsThatClaimMoreThanTheyHold) {
  PduView view;
  const auto multi = pdu("00000021 00000000 00000001", "00 00 00 00 FF 01 01 01 3100 01 01 01 3200");
  EXPECT_EQ(view.decode(multi).field, Field::dest_address);
  const auto flag = pdu("00000021 00000000 00000001", "00 00 00 00 01 03 01 01 3100 00 00 00 00 00 00 00 00 00 00");
  EXPECT_EQ(view.decode(flag).status, CommandStatus::ESME_RINVDESTFLAG);
  const auto response = pdu("80000021 00000000 00000001", "3100 02 01 01 3100 00000001 01 01 3200 000000");
  EXPECT_EQ(view.decode(response).field, Field::unsuccess_sme);
  EXPECT_TRUE(view.unsuccess().empty());
}

TEST(PduView, AMandatoryPartBeyond64KiBIsRefused) {
  std::vector<std::uint8_t> bytes = unhex("00000000 00000009 00000000 00000001");
  bytes.insert(bytes.end(), 70000, 'a');
  bytes.push_back(0);
  bytes.insert(bytes.end(), 6, 0);
  bytes = with_length(bytes);
  PduView view;
  EXPECT_EQ(view.decode(bytes).fault, Fault::too_long);
  EXPECT_FALSE(view.has(Field::system_id));
}

TEST(PduView, ALargeMessagePayloadIsOneSpanOfTheInput) {
  std::vector<std::uint8_t> out;
  PduBuilder builder(CommandId::data_sm, Version::v34);
  builder.add_tlv(TlvTag::message_payload, std::vector<std::uint8_t>(65535, 0x41));
  ASSERT_TRUE(builder.encode(out, CommandStatus::ESME_ROK, 1).has_value());
  PduView view;
  ASSERT_TRUE(view.decode(out).ok());
  EXPECT_EQ(view.tlv(TlvTag::message_payload)->size(), 65535U);
  EXPECT_EQ(view.tlv(TlvTag::message_payload)->data() + 65535, out.data() + out.size());
}

}  // namespace
}  // namespace smppd::smpp
