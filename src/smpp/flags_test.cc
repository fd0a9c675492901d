#include "smpp/flags.h"

#include <gtest/gtest.h>

namespace smppd::smpp {
namespace {

TEST(EsmClass, ReadsModeTypeAndFeatures) {
  constexpr EsmClass kOctet{0xC7};
  EXPECT_EQ(kOctet.mode(), EsmClass::Mode::store_and_forward);
  EXPECT_EQ(kOctet.type(), EsmClass::Type::delivery_receipt);
  EXPECT_TRUE(kOctet.has_udh());
  EXPECT_TRUE(kOctet.reply_path());
}

TEST(EsmClass, ChangingOnePartKeepsTheOthers) {
  constexpr EsmClass kOctet{0x41};
  EXPECT_EQ(kOctet.with_type(EsmClass::Type::delivery_receipt).octet, 0x45);
  EXPECT_EQ(kOctet.with_mode(EsmClass::Mode::forward).octet, 0x42);
  EXPECT_EQ(kOctet.with_udh(false).octet, 0x01);
  EXPECT_EQ(kOctet.with_reply_path(true).octet, 0xC1);
}

TEST(Interop, Row15_ReceiptsAreFoundUnderTheMask) {
  for (const int octet : {0x04, 0x44, 0x84, 0x07, 0x08, 0x20}) {
    EXPECT_TRUE(EsmClass{static_cast<std::uint8_t>(octet)}.is_report()) << octet;
  }
  for (const int octet : {0x00, 0x40, 0x03, 0x10, 0x18}) {
    EXPECT_FALSE(EsmClass{static_cast<std::uint8_t>(octet)}.is_report()) << octet;
  }
}

TEST(RegisteredDelivery, KnowsWhichFinalOutcomeWasAskedFor) {
  EXPECT_FALSE(RegisteredDelivery{0}.wants_final(true));
  EXPECT_TRUE(RegisteredDelivery{1}.wants_final(true));
  EXPECT_TRUE(RegisteredDelivery{1}.wants_final(false));
  EXPECT_TRUE(RegisteredDelivery{2}.wants_final(false));
  EXPECT_FALSE(RegisteredDelivery{2}.wants_final(true));
  EXPECT_TRUE(RegisteredDelivery{3}.wants_final(true));
  EXPECT_FALSE(RegisteredDelivery{3}.wants_final(false));
  EXPECT_TRUE(RegisteredDelivery{0x11}.intermediate());
  EXPECT_TRUE(RegisteredDelivery{0x04}.delivery_acknowledgement());
  EXPECT_TRUE(RegisteredDelivery{0x08}.user_acknowledgement());
  EXPECT_EQ(RegisteredDelivery{0x1D}.with_receipt(RegisteredDelivery::Receipt::on_failure).octet, 0x1E);
  EXPECT_EQ(RegisteredDelivery{0x11}.with_intermediate(false).octet, 0x01);
}

TEST(DataCodingOctet, SmppTable) {
  EXPECT_EQ(DataCodingOctet{0x00}.alphabet(), CodedAlphabet::smsc_default);
  EXPECT_EQ(DataCodingOctet{0x01}.alphabet(), CodedAlphabet::ascii);
  EXPECT_EQ(DataCodingOctet{0x02}.alphabet(), CodedAlphabet::octets);
  EXPECT_EQ(DataCodingOctet{0x03}.alphabet(), CodedAlphabet::latin1);
  EXPECT_EQ(DataCodingOctet{0x04}.alphabet(), CodedAlphabet::octets);
  EXPECT_EQ(DataCodingOctet{0x08}.alphabet(), CodedAlphabet::ucs2);
  EXPECT_EQ(DataCodingOctet{0x0E}.alphabet(), CodedAlphabet::ks_c_5601);
  EXPECT_EQ(DataCodingOctet{0x0B}.alphabet(), CodedAlphabet::reserved);
}

TEST(Interop, Row46_MessageClassesOfBothGroups) {
  EXPECT_EQ(DataCodingOctet{0xF0}.message_class(), 0);
  EXPECT_EQ(DataCodingOctet{0xF0}.alphabet(), CodedAlphabet::gsm7);
  EXPECT_EQ(DataCodingOctet{0xF5}.message_class(), 1);
  EXPECT_EQ(DataCodingOctet{0xF5}.alphabet(), CodedAlphabet::octets);
  EXPECT_EQ(DataCodingOctet{0x10}.message_class(), 0);
  EXPECT_EQ(DataCodingOctet{0x10}.alphabet(), CodedAlphabet::gsm7);
  EXPECT_EQ(DataCodingOctet{0x18}.message_class(), 0);
  EXPECT_EQ(DataCodingOctet{0x18}.alphabet(), CodedAlphabet::ucs2);
  EXPECT_FALSE(DataCodingOctet{0x08}.message_class().has_value());
  EXPECT_FALSE(DataCodingOctet{0x20}.message_class().has_value());
  EXPECT_FALSE(DataCodingOctet{0xC8}.message_class().has_value());
}

TEST(Interop, Row46_ClassBitsNeverCollideWithTheAlphabet) {
  for (const CodedAlphabet alphabet : {CodedAlphabet::gsm7, CodedAlphabet::octets, CodedAlphabet::ucs2}) {
    for (std::uint8_t message_class = 0; message_class < 4; ++message_class) {
      const DataCodingOctet coding = DataCodingOctet::with_class(alphabet, message_class);
      EXPECT_EQ(coding.alphabet(), alphabet);
      EXPECT_EQ(coding.message_class(), message_class);
    }
  }
}

TEST(DataCodingOctet, MessageWaitingGroups) {
  using Kind = MessageWaiting::Kind;
  EXPECT_EQ(DataCodingOctet{0xC8}.message_waiting(), (MessageWaiting{Kind::voicemail, true, true}));
  EXPECT_EQ(DataCodingOctet{0xD1}.message_waiting(), (MessageWaiting{Kind::fax, false, false}));
  EXPECT_EQ(DataCodingOctet{0xEA}.message_waiting(), (MessageWaiting{Kind::email, true, false}));
  EXPECT_EQ(DataCodingOctet{0xEA}.alphabet(), CodedAlphabet::ucs2);
  EXPECT_EQ(DataCodingOctet{0xC8}.alphabet(), CodedAlphabet::gsm7);
  EXPECT_FALSE(DataCodingOctet{0xF0}.message_waiting().has_value());
  EXPECT_EQ(DataCodingOctet::waiting({Kind::other, true, true}, false).octet, 0xCB);
  EXPECT_EQ(DataCodingOctet::waiting({Kind::fax, false, false}, true).octet, 0xE1);
}

TEST(DataCodingOctet, CompressionAndDeletionBits) {
  EXPECT_TRUE(DataCodingOctet{0x20}.compressed());
  EXPECT_TRUE(DataCodingOctet{0x60}.compressed());
  EXPECT_FALSE(DataCodingOctet{0xF4}.compressed());
  EXPECT_TRUE(DataCodingOctet{0x40}.automatic_deletion());
  EXPECT_FALSE(DataCodingOctet{0x80}.automatic_deletion());
  EXPECT_EQ(DataCodingOctet{0x90}.alphabet(), CodedAlphabet::reserved);
}

}  // namespace
}  // namespace smppd::smpp
