#include "smpp/pdu_view.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace smppd::smpp
