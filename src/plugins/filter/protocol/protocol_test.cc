#include "plugins/filter/protocol/protocol.h"

#include "plugins/filter/common/test_support.h"
#include "smpp/text/udh.h"

namespace smppd::plugins::testing {
namespace {

using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;

config::Filter mapping(std::string from, std::string to) {
  config::Filter options;
  options.version_mapping[std::move(from)] = std::move(to);
  return options;
}

TEST(ProtocolFilter, UpwardsNothingChanges) {
  World world;
  const auto filter = world.make(kProtocolFilter, mapping("3.3", "3.4"));
  Message message(Version::v33);
  EXPECT_EQ(message.pass(*filter, nullptr).kind, flow::Verdict::Kind::kPass);
  EXPECT_FALSE(message.edited());
}

TEST(ProtocolFilter, To34GoWhat50Brought) {
  World world;
  const auto filter = world.make(kProtocolFilter, mapping("5.0", "3.4"));
  Message message(Version::v50);
  message.sent.set(Field::registered_delivery, 0x13);
  message.sent.add_tlv_text(TlvTag::billing_identification, "x").add_tlv_u16(TlvTag::user_message_reference, 7);
  EXPECT_EQ(message.pass(*filter, nullptr).kind, flow::Verdict::Kind::kPass);
  EXPECT_EQ(message.got.u8(Field::registered_delivery), 0x11);
  EXPECT_FALSE(message.got.tlv(TlvTag::billing_identification));
  EXPECT_EQ(message.got.tlv_u16(TlvTag::user_message_reference), 7);
  EXPECT_EQ(counted(*filter, "smppd_filter_protocol_rewritten_total", {}), 1);
}

// interop row 37: nothing in TLVs for 3.3.
TEST(ProtocolFilter, InteropRow37To33GoAllTlvsAndThePayloadBecomesText) {
  World world;
  const auto filter = world.make(kProtocolFilter, mapping("3.4", "3.3"));
  Message message;
  message.sent.set(Field::short_message, "").set(Field::registered_delivery, 0x12);
  message.sent.add_tlv(TlvTag::message_payload, as_bytes("hello")).add_tlv_u16(TlvTag::user_message_reference, 7);
  EXPECT_EQ(message.pass(*filter, nullptr).kind, flow::Verdict::Kind::kPass);
  EXPECT_TRUE(message.got.tlv_bytes().empty());
  EXPECT_EQ(as_text(message.got.octets(Field::short_message)), "hello");
  EXPECT_EQ(as_text(message.facts.short_message), "hello");
  EXPECT_EQ(message.got.u8(Field::registered_delivery), 1);
}

// interop row 42: SAR parameters become a user data header.
TEST(ProtocolFilter, InteropRow42SarBecomesAHeaderFor33) {
  World world;
  const auto filter = world.make(kProtocolFilter, mapping("3.4", "3.3"));
  Message message;
  message.sent.add_tlv_u16(TlvTag::sar_msg_ref_num, 0x0102)
      .add_tlv_u8(TlvTag::sar_total_segments, 3)
      .add_tlv_u8(TlvTag::sar_segment_seqnum, 2);
  EXPECT_EQ(message.pass(*filter, nullptr).kind, flow::Verdict::Kind::kPass);
  EXPECT_EQ(message.got.u8(Field::esm_class), 0x40);
  const auto header = smpp::UserDataHeader::parse(message.got.octets(Field::short_message));
  ASSERT_TRUE(header);
  ASSERT_TRUE(header->concat());
  EXPECT_EQ(header->concat()->ref, 0x0102);
  EXPECT_EQ(header->concat()->total, 3);
  EXPECT_EQ(header->concat()->part, 2);
  EXPECT_EQ(as_text(message.got.octets(Field::short_message).subspan(header->octets())), "hello");
}

TEST(ProtocolFilter, WhatDoesNotFitInto33IsRefused) {
  World world;
  const auto filter = world.make(kProtocolFilter, mapping("3.4", "3.3"));
  Message message;
  message.sent.set(Field::short_message, "");
  message.sent.add_tlv(TlvTag::message_payload, as_bytes(std::string(300, 'x')));
  EXPECT_EQ(message.pass(*filter, nullptr).status, CommandStatus::ESME_RINVMSGLEN);
  EXPECT_EQ(counted(*filter, "smppd_filter_protocol_refused_total", {}), 1);
}

TEST(ProtocolFilter, OtherVersionsAreLeftAlone) {
  World world;
  const auto filter = world.make(kProtocolFilter, mapping("5.0", "3.3"));
  Message message;
  message.sent.add_tlv_u16(TlvTag::user_message_reference, 7);
  message.pass(*filter, nullptr);
  EXPECT_FALSE(message.edited());
}

TEST(ProtocolFilter, RefusesWhatIsNoVersion) {
  World world;
  EXPECT_NE(world.problem(kProtocolFilter, mapping("3.4", "4.0")).find("'4.0' is no version"), std::string::npos);
  EXPECT_NE(world.problem(kProtocolFilter, mapping("2", "3.4")).find("'2' is no version"), std::string::npos);
}

}  // namespace
}  // namespace smppd::plugins::testing
