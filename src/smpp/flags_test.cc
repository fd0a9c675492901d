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

TEST(DataCoding, OnlyWhatAStandardNamesIsStandard) {
  for (const int octet :
       {0x00, 0x01, 0x04, 0x08, 0x0A, 0x0D, 0x0E, 0x10, 0x18, 0x20, 0x44, 0xC0, 0xD9, 0xE3, 0xF0, 0xFF}) {
    EXPECT_TRUE(is_standard_data_coding(static_cast<std::uint8_t>(octet))) << octet;
  }
  for (const int octet : {0x0B, 0x0C, 0x0F, 0x1C, 0x4F, 0x7D, 0x80, 0x90, 0xBF}) {
    EXPECT_FALSE(is_standard_data_coding(static_cast<std::uint8_t>(octet))) << octet;
  }
}

}  // namespace
}  // namespace smppd::smpp
