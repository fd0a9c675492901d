#include "flow/internal/adapt.h"

#include <string>

#include <gtest/gtest.h>

#include "flow/internal/facts_of.h"

namespace smppd::flow {
namespace {

using smpp::Alphabet;
using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;

struct Adapt : testing::Test {
  Adapt() { to.options = &options; }
  void message(CommandId id = CommandId::submit_sm) {
    builder.reset(id, Version::v50);
    builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, "258841234567");
  }
  void text(std::string_view octets) { builder.set(Field::short_message, octets); }
  void decode() {
    pdu.clear();
    ASSERT_TRUE(builder.encode(pdu, {}, 77));
    ASSERT_TRUE(view.decode(pdu));
  }
  bool needed() {
    decode();
    return needs_adapting(view, facts_of(view), from, to);
  }
  // What the upstream gets, in `result`; the refusal otherwise.
  CommandStatus adapted() {
    decode();
    smpp::PduBuilder scratch, working;
    Draft draft(view, scratch, from.version);
    out.clear();
    const auto done = adapt(draft, facts_of(view), from, to, working, out);
    if (!done) return done.error();
    EXPECT_TRUE(result.decode(out));
    EXPECT_EQ(result.sequence_number(), 77U);
    return CommandStatus::ESME_ROK;
  }
  std::string short_message() const { return std::string(as_text(result.octets(Field::short_message))); }

  config::Upstream options;
  PeerSide from;
  UpstreamFacts to;
  smpp::PduBuilder builder;
  std::vector<std::uint8_t> pdu, out;
  smpp::PduView view, result;
};

TEST_F(Adapt, EqualPeersNeedNothing) {
  message();
  text("hello");
  EXPECT_FALSE(needed());
  builder.add_tlv_u8(TlvTag::user_message_reference, 1);
  EXPECT_FALSE(needed());
  to.side.alphabet = Alphabet::latin1;
  builder.set(Field::data_coding, 8);
  EXPECT_FALSE(needed()) << "UCS2 means the same to both";
}

TEST_F(Adapt, A33PeerGetsNoTlvs) {
  message();
  text("hello");
  builder.add_tlv_u16(TlvTag::user_message_reference, 7);
  to.side.version = Version::v33;
  EXPECT_TRUE(needed());
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_TRUE(result.tlv_bytes().empty());
  EXPECT_EQ(short_message(), "hello");
}

// A client's parts, numbered by TLVs, arrived at a 3.3 SMSC as messages of their own.
TEST_F(Adapt, Row42_PartsNumberedByTlvsGetAHeaderFor33Peers) {
  message();
  text("one");
  builder.add_tlv_u16(TlvTag::sar_msg_ref_num, 0x1234);
  builder.add_tlv_u8(TlvTag::sar_total_segments, 2).add_tlv_u8(TlvTag::sar_segment_seqnum, 1);
  to.side.version = Version::v33;
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(result.u8(Field::esm_class), 0x40);
  EXPECT_EQ(short_message(), std::string("\x06\x08\x04\x12\x34\x02\x01one", 10));
  text(std::string(250, 'x'));
  EXPECT_EQ(adapted(), CommandStatus::ESME_RINVMSGLEN) << "no room for the header";
}

TEST_F(Adapt, APayloadThatFitsBecomesA33PeersShortMessage) {
  message();
  builder.add_tlv(TlvTag::message_payload, as_bytes(std::string(200, 'x')));
  to.side.version = Version::v33;
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(short_message(), std::string(200, 'x'));
  EXPECT_TRUE(result.tlv_bytes().empty());
}

TEST_F(Adapt, APayloadThatDoesNotFitA33PeerIsRefused) {
  message();
  builder.add_tlv(TlvTag::message_payload, as_bytes(std::string(300, 'x')));
  to.side.version = Version::v33;
  EXPECT_EQ(adapted(), CommandStatus::ESME_RINVMSGLEN);
}

TEST_F(Adapt, ATextOverThePeersLimitMovesToThePayload) {
  message();
  text(std::string(150, 'x'));
  to.side.max_short_message = 140;
  EXPECT_TRUE(needed());
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(short_message(), "");
  EXPECT_EQ(as_text(result.tlv(TlvTag::message_payload).value_or(ByteSpan{})), std::string(150, 'x'));
  text(std::string(140, 'x'));
  EXPECT_FALSE(needed());
}

TEST_F(Adapt, A50PeersLongestTextMovesToThePayloadOfA34Peer) {
  from.version = Version::v50;
  message();
  text(std::string(255, 'x'));
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(as_text(result.tlv(TlvTag::message_payload).value_or(ByteSpan{})).size(), 255U);
}

TEST_F(Adapt, TheDefaultAlphabetIsTranscoded) {
  message();
  text("caf\xE9 @");
  from.alphabet = Alphabet::latin1;
  EXPECT_TRUE(needed());
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(short_message(), std::string("caf\x05 \x00", 6)) << "GSM 7 bit";
  EXPECT_EQ(result.u8(Field::data_coding), 0);
}

TEST_F(Adapt, AUserDataHeaderIsNeverTranscoded) {
  const std::string udh("\x05\x00\x03\xE9\x02\x01", 6);
  message();
  builder.set(Field::esm_class, 0x40);
  text(udh + "\xE9");
  from.alphabet = Alphabet::latin1;
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(short_message(), udh + "\x05");
}

TEST_F(Adapt, DataSmReachesA33PeerAsSubmitSm) {
  message(CommandId::data_sm);
  builder.set(Field::registered_delivery, 1).set(Field::data_coding, 8).set(Field::source_addr_ton, 5);
  builder.add_tlv(TlvTag::message_payload, as_bytes("hello"));
  to.side.version = Version::v33;
  EXPECT_TRUE(needed());
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(result.id(), CommandId::submit_sm);
  EXPECT_EQ(short_message(), "hello");
  EXPECT_EQ(result.text(Field::source_addr), "SHOP");
  EXPECT_EQ(result.u8(Field::source_addr_ton), 5);
  EXPECT_EQ(result.u8(Field::registered_delivery), 1);
  EXPECT_EQ(result.u8(Field::data_coding), 8);
}

TEST_F(Adapt, DefaultsFillWhatTheClientLeftOpen) {
  options.message.service_type = "OTP";
  options.message.registered_delivery = 1;
  options.message.source_addr_ton = 5;
  options.message.source_addr_npi = 1;
  to.has_defaults = true;
  message();
  text("hello");
  EXPECT_TRUE(needed());
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(result.text(Field::service_type), "OTP");
  EXPECT_EQ(result.u8(Field::registered_delivery), 1);
  EXPECT_EQ(result.u8(Field::source_addr_ton), 5);
  EXPECT_EQ(result.u8(Field::source_addr_npi), 1);
  builder.set(Field::service_type, "VMN").set(Field::registered_delivery, 2).set(Field::source_addr_ton, 1);
  EXPECT_TRUE(needed());
  ASSERT_EQ(adapted(), CommandStatus::ESME_ROK);
  EXPECT_EQ(result.text(Field::service_type), "VMN");
  EXPECT_EQ(result.u8(Field::registered_delivery), 2);
  EXPECT_EQ(result.u8(Field::source_addr_ton), 1);
  EXPECT_EQ(result.u8(Field::source_addr_npi), 1);
  builder.set(Field::source_addr_npi, 8);
  EXPECT_FALSE(needed()) << "nothing is left open";
}

TEST_F(Adapt, WhatAFilterWroteAndDefaultsFillBothGoOut) {
  options.message.service_type = "OTP";
  to.has_defaults = true;
  message();
  text("hello");
  decode();
  smpp::PduBuilder scratch, working;
  Draft draft(view, scratch, from.version);
  draft.edit().set(Field::source_addr, "OTHER");
  ASSERT_TRUE(adapt(draft, facts_of(view), from, to, working, out));
  ASSERT_TRUE(result.decode(out));
  EXPECT_EQ(result.text(Field::service_type), "OTP");
  EXPECT_EQ(result.text(Field::source_addr), "OTHER");
}

// Also when it is to be cut, for which there is more room than that upstream's version has.
TEST_F(Adapt, ADataSmThatAFilterChangedIsASubmitSmForA33Upstream) {
  message(CommandId::data_sm);
  builder.add_tlv(TlvTag::message_payload, as_bytes("hello"));
  to.side.version = Version::v33;
  decode();
  smpp::PduBuilder scratch, working;
  Draft draft(view, scratch, from.version);
  draft.edit().set(Field::source_addr, "OTHER");
  for (const auto written : {&adapt, &adapt_whole}) {
    out.clear();
    ASSERT_TRUE(written(draft, facts_of(view), from, to, working, out));
    ASSERT_TRUE(result.decode(out));
    EXPECT_EQ(result.id(), CommandId::submit_sm);
    EXPECT_EQ(result.text(Field::source_addr), "OTHER");
  }
}

TEST_F(Adapt, WhatAFilterWroteIsWhatGoesOut) {
  message();
  text("hello");
  decode();
  smpp::PduBuilder scratch, working;
  Draft draft(view, scratch, from.version);
  draft.edit().set(Field::short_message, std::string_view("edited"));
  ASSERT_TRUE(adapt(draft, facts_of(view), from, to, working, out));
  ASSERT_TRUE(result.decode(out));
  EXPECT_EQ(short_message(), "edited");
}

TEST_F(Adapt, ADeliveryToAnEqualPeerIsTheSameOctets) {
  message(CommandId::deliver_sm);
  text("hello");
  decode();
  ASSERT_TRUE(adapt_delivery(view, nullptr, from, to.side, builder, out));
  EXPECT_EQ(out, pdu);
}

TEST_F(Adapt, ADataSmDeliveryReachesA33ClientAsDeliverSm) {
  message(CommandId::data_sm);
  builder.set(Field::esm_class, 0x04).add_tlv(TlvTag::message_payload, as_bytes("receipt"));
  decode();
  to.side.version = Version::v33;
  smpp::PduBuilder working;
  ASSERT_TRUE(adapt_delivery(view, nullptr, from, to.side, working, out));
  ASSERT_TRUE(result.decode(out));
  EXPECT_EQ(result.id(), CommandId::deliver_sm);
  EXPECT_EQ(result.u8(Field::esm_class), 0x04);
  EXPECT_EQ(short_message(), "receipt");
}

}  // namespace
}  // namespace smppd::flow
