#include "flow/internal/facts_of.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "smpp/pdu_builder.h"

namespace smppd::flow {
namespace {

using smpp::CommandId;
using smpp::Field;

struct FactsOf : testing::Test {
  smpp::PduView& view(const smpp::PduBuilder& builder) {
    pdu.clear();
    EXPECT_TRUE(builder.encode(pdu, {}, 1));
    EXPECT_TRUE(decoded.decode(pdu));
    return decoded;
  }
  std::vector<std::uint8_t> pdu;
  smpp::PduView decoded;
};

TEST_F(FactsOf, EveryFieldOfTheMessage) {
  smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
  builder.set(Field::service_type, "OTP").set(Field::source_addr, "BANK").set(Field::destination_addr, "258841234567");
  builder.set(Field::source_addr_ton, 5).set(Field::source_addr_npi, 1).set(Field::dest_addr_ton, 1);
  builder.set(Field::dest_addr_npi, 9).set(Field::esm_class, 0x40).set(Field::protocol_id, 0x41);
  builder.set(Field::priority_flag, 3).set(Field::data_coding, 8).set(Field::registered_delivery, 1);
  builder.set(Field::short_message, std::string_view("hi"));
  const auto facts = facts_of(view(builder));
  EXPECT_EQ(facts.service_type, "OTP");
  EXPECT_EQ(facts.source_addr, "BANK");
  EXPECT_EQ(facts.destination_addr, "258841234567");
  EXPECT_EQ(facts.source_addr_ton, 5);
  EXPECT_EQ(facts.source_addr_npi, 1);
  EXPECT_EQ(facts.dest_addr_ton, 1);
  EXPECT_EQ(facts.dest_addr_npi, 9);
  EXPECT_EQ(facts.esm_class, 0x40);
  EXPECT_EQ(facts.protocol_id, 0x41);
  EXPECT_EQ(facts.priority_flag, 3);
  EXPECT_EQ(facts.data_coding, 8);
  EXPECT_EQ(facts.registered_delivery, 1);
  EXPECT_EQ(as_text(facts.short_message), "hi");
}

TEST_F(FactsOf, TheBodyIsThePayloadWhenShortMessageIsEmpty) {
  smpp::PduBuilder builder(CommandId::data_sm, smpp::Version::v34);
  builder.add_tlv(smpp::TlvTag::message_payload, as_bytes("long text"));
  EXPECT_EQ(as_text(body_of(view(builder))), "long text");
  builder.reset(CommandId::submit_sm, smpp::Version::v34);
  builder.set(Field::short_message, std::string_view("short"));
  builder.add_tlv(smpp::TlvTag::message_payload, as_bytes("long text"));
  EXPECT_EQ(as_text(body_of(view(builder))), "short");
}

TEST_F(FactsOf, TheTextIsReadBehindTheHeaderInTheSendersAlphabet) {
  smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
  builder.set(Field::esm_class, 0x40).set(Field::data_coding, 0);
  builder.set(Field::short_message, std::string_view("\x05\x00\x03\x01\x02\x01"
                                                     "a\x00z",
                                                     9));
  view(builder);
  EXPECT_EQ(LazyText(decoded, smpp::Alphabet::gsm7).utf8(), "a@z");
  builder.set(Field::esm_class, 0).set(Field::data_coding, 8);
  builder.set(Field::short_message, std::string_view("\x20\xAC", 2));
  view(builder);
  EXPECT_EQ(LazyText(decoded, smpp::Alphabet::gsm7).utf8(), "\xE2\x82\xAC");
  builder.set(Field::data_coding, 0).set(Field::short_message, std::string_view("\xE9"));
  view(builder);
  EXPECT_EQ(LazyText(decoded, smpp::Alphabet::latin1).utf8(), "\xC3\xA9");
}

TEST_F(FactsOf, AHeaderThatIsNoneIsText) {
  const std::string broken("\xFFtext");
  EXPECT_EQ(as_text(without_udh(as_bytes(broken))), broken);
  EXPECT_TRUE(without_udh({}).empty());
}

}  // namespace
}  // namespace smppd::flow
