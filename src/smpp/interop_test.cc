// Rows 19 to 26 of the interoperability requirements: what peers do that no specification allows, and what we make of
// it.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "smpp/internal/test_support.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"

namespace smppd::smpp {
namespace {

using testing::hex;
using testing::unhex;

// A PDU of these octets after command_length, and what decode() says of it.
struct Received {
  explicit Received(std::string_view after_length, Strictness strictness = Strictness::lenient)
      : bytes(unhex("00000000" + std::string(after_length))) {
    store_be(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    result = view.decode(bytes, strictness);
  }
  std::vector<std::uint8_t> bytes;
  PduView view;
  DecodeResult result;
};

TEST(Interop, Row19_ErrorResponseWithoutBodyIsAccepted) {
  for (const char* id : {"80000004", "80000005", "80000103", "80000021", "80000009", "80000003", "80000111"}) {
    const Received response(std::string(id) + "00000058 00000007");
    ASSERT_TRUE(response.result.ok()) << id;
    EXPECT_EQ(response.result.leniency, kNoBody);
    EXPECT_FALSE(response.view.has(Field::message_id));
    EXPECT_EQ(response.view.text(Field::message_id), "");
    EXPECT_EQ(response.view.status(), CommandStatus::ESME_RTHROTTLED);
  }
  EXPECT_TRUE(Received("80000004 00000058 00000007", Strictness::strict).result.ok()) << "3.4 asks for it";
}

TEST(Interop, Row19_ErrorResponseOfOneNulIsAccepted) {
  for (const char* id : {"80000004", "80000005", "80000103", "80000021", "80000009", "80000003", "80000006"}) {
    const Received response(std::string(id) + "00000008 00000007 00");
    ASSERT_TRUE(response.result.ok()) << id;
    EXPECT_EQ(response.view.text(Field::message_id), "");
  }
}

TEST(Interop, Row19_ErrorResponseWithBodyIsAccepted) {
  const Received response("80000004 00000008 00000007 4142 00");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.view.text(Field::message_id), "AB");
  EXPECT_EQ(response.result.leniency, kNothingForgiven);
}

TEST(Interop, Row19_PositiveResponseWithoutBodyIsMarked) {
  const Received response("80000004 00000000 00000007");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.result.leniency, kNoBody);
  EXPECT_FALSE(Received("80000004 00000000 00000007", Strictness::strict).result.ok());
}

TEST(Interop, Row20_DataSmRespErrorWithIdAndTlvs) {
  const Received response("80000103 000000FE 00000007 3700 0425 0001 02 0423 0003 030022");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.view.text(Field::message_id), "7");
  EXPECT_EQ(response.view.tlv_u8(TlvTag::delivery_failure_reason), 2);
  EXPECT_EQ(hex(*response.view.tlv(TlvTag::network_error_code)), "030022");
  EXPECT_EQ(response.result.leniency, kNothingForgiven);
}

TEST(Interop, Row20_DataSmRespErrorWithTlvsOnly) {
  for (const char* tlvs : {"0425 0001 02", "0423 0003 030022", "001D 0005 6261642100", "0420 0001 01 0425 0001 02"}) {
    const Received response("80000103 000000FE 00000007" + std::string(tlvs));
    ASSERT_TRUE(response.result.ok()) << tlvs;
    EXPECT_EQ(response.result.leniency, kTlvsWithoutId) << tlvs;
    EXPECT_FALSE(response.view.has(Field::message_id)) << tlvs;
    EXPECT_EQ(hex(response.view.tlv_bytes()), hex(unhex(tlvs)));
  }
}

TEST(Interop, Row20_APositiveResponseAlwaysStartsWithItsId) {
  const Received response("80000103 00000000 00000007 4100 0420 0001 01");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.view.text(Field::message_id), "A");
  EXPECT_EQ(response.view.tlv_u8(TlvTag::dpf_result), 1);
}

TEST(Interop, Row21_MissingNulAtTheEndIsReadToTheEnd) {
  const Received response("80000004 00000000 00000007 414243");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.view.text(Field::message_id), "ABC");
  EXPECT_EQ(response.result.leniency, kMissingNul);
  const Received bind("00000009 00000000 00000001 6100 6200 00 34 00 00 5E32");
  ASSERT_TRUE(bind.result.ok());
  EXPECT_EQ(bind.view.text(Field::address_range), "^2");
  const Received strict("80000004 00000000 00000007 414243", Strictness::strict);
  EXPECT_EQ(strict.result.fault, Fault::no_nul);
  EXPECT_EQ(strict.result.status, CommandStatus::ESME_RINVMSGID);
}

TEST(Interop, Row21_MissingNulInTheMiddleNamesItsField) {
  const Received submit("00000004 00000000 00000007 00 01 01 323538");
  EXPECT_EQ(submit.result.fault, Fault::no_nul);
  EXPECT_EQ(submit.result.field, Field::source_addr);
  EXPECT_EQ(submit.result.status, CommandStatus::ESME_RINVSRCADR);
}

TEST(Interop, Row21_TextLongerThanTheSpecificationIsMarked) {
  const std::string id(80, '5');
  const Received response("80000004 00000000 00000007" + hex(as_bytes(id)) + "00");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.view.text(Field::message_id), id);
  EXPECT_EQ(response.result.leniency, kLongText);
}

TEST(Interop, Row22_SmLengthShortOrLongByOneIsRefusedWithInvmsglen) {
  const std::string before = "00000004 00000000 00000007 00 0000 3100 0101 3200 00 00 00 00 00 00 00 00 00";
  EXPECT_TRUE(Received(before + "03 616263").result.ok());
  for (const char* message : {"02 616263", "04 616263", "FF 616263", "00 61"}) {
    const Received submit(before + message);
    EXPECT_EQ(submit.result.fault, Fault::sm_length) << message;
    EXPECT_EQ(submit.result.field, Field::sm_length) << message;
    EXPECT_EQ(submit.result.status, CommandStatus::ESME_RINVMSGLEN) << message;
    EXPECT_EQ(submit.view.sequence_number(), 7U) << "the answer needs it";
  }
}

TEST(Interop, Row23_StrayBodiesOfBodilessPdusAreAccepted) {
  for (const char* id : {"80000015", "80000006", "80000008", "80000000", "00000015", "00000006"}) {
    for (const char* body : {"00", "0000", "DEADBEEF00", "0424 0001 41"}) {
      const Received pdu(std::string(id) + "00000000 00000001" + body);
      EXPECT_TRUE(pdu.result.ok()) << id << " " << body;
    }
  }
  const Received stray("80000015 00000000 00000001 DEADBEEF00");
  EXPECT_EQ(stray.result.leniency, kStrayOctets);
  EXPECT_TRUE(stray.view.tlvs().empty());
  EXPECT_EQ(Received("80000015 00000000 00000001 00", Strictness::strict).result.status,
            CommandStatus::ESME_RINVCMDLEN);
}

TEST(Interop, Row23_StrayOctetsBehindAnIdDoNotLoseTheId) {
  const Received response("80000004 00000000 00000007 414200 FF");
  ASSERT_TRUE(response.result.ok());
  EXPECT_EQ(response.view.text(Field::message_id), "AB");
  EXPECT_EQ(response.result.leniency, kStrayOctets);
}

TEST(Interop, Row24_DeliverSmRespMayCarryAnIdOfAnyLength) {
  const Received with_id("80000005 00000000 00000007 61626300");
  ASSERT_TRUE(with_id.result.ok());
  EXPECT_EQ(with_id.view.text(Field::message_id), "abc");
  const Received nothing("80000005 00000000 00000007");
  EXPECT_TRUE(nothing.result.ok());
  EXPECT_TRUE(Received("80000005 00000000 00000007" + std::string(200, '4') + "00").result.ok());
}

TEST(Interop, Row26_OverflowingLengthsAreRefused) {
  const std::string submit = "00000004 00000000 00000007 00 0000 3100 0101 3200 00 00 00 00 00 00 00 00 00 01 61";
  EXPECT_TRUE(Received(submit).result.ok());
  for (const char* tlv : {"0424 FFFF 41", "0424 0002 41", "0424 0000 0424", "FFFF FFFF"}) {
    EXPECT_EQ(Received(submit + tlv).result.status, CommandStatus::ESME_RINVOPTPARSTREAM) << tlv;
  }
}

TEST(Interop, Row26_NoNulAnywhereIsRefusedForEveryRequest) {
  for (const PduSpec& spec : all_pdus()) {
    if (is_response(spec.id) || spec.field_count < 2) continue;
    std::vector<std::uint8_t> bytes(kHeaderSize + 300, 0xFF);
    write_header(bytes.data(), {316, spec.id, CommandStatus::ESME_ROK, 1});
    PduView view;
    EXPECT_FALSE(view.decode(bytes).ok()) << spec.name;
  }
}

}  // namespace
}  // namespace smppd::smpp
