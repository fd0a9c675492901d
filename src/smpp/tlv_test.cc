#include "smpp/tlv.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smpp/internal/test_support.h"

namespace smppd::smpp {
namespace {

using ::testing::HasSubstr;
using testing::hex;
using testing::unhex;

TEST(StandardTlvs, HaveTheSpecificationsTagsAndBounds) {
  EXPECT_EQ(static_cast<int>(TlvTag::receipted_message_id), 0x001E);
  EXPECT_EQ(static_cast<int>(TlvTag::sar_segment_seqnum), 0x020F);
  EXPECT_EQ(static_cast<int>(TlvTag::callback_num), 0x0381);
  EXPECT_EQ(static_cast<int>(TlvTag::message_state), 0x0427);
  EXPECT_EQ(static_cast<int>(TlvTag::dest_addr_np_country), 0x0613);
  EXPECT_EQ(static_cast<int>(TlvTag::its_session_info), 0x1383);
  EXPECT_EQ(standard_tlv(TlvTag::qos_time_to_live)->type, TlvType::u32);
  EXPECT_EQ(standard_tlv(TlvTag::callback_num)->max, 19);
  EXPECT_EQ(standard_tlv(TlvTag::congestion_state)->since, Version::v50);
  EXPECT_EQ(standard_tlv(static_cast<TlvTag>(0x0001)), nullptr);
  EXPECT_EQ(standard_tlvs().size(), 64U);
}

TEST(TlvRange, WalksInWireOrder) {
  const auto bytes = unhex("0204 0002 0042  1403 0000  0424 0003 616263");
  ASSERT_TRUE(check_tlvs(bytes));
  std::vector<std::string> seen;
  for (const Tlv tlv : TlvRange(bytes)) seen.push_back(TlvRegistry().name_of(tlv.tag) + "=" + hex(tlv.value));
  EXPECT_EQ(seen, (std::vector<std::string>{"user_message_reference=0042", "0x1403=", "message_payload=616263"}));
  EXPECT_EQ(as_text(*find_tlv(bytes, TlvTag::message_payload)), "abc");
  EXPECT_FALSE(find_tlv(bytes, TlvTag::source_port).has_value());
}

TEST(TlvRange, StopsAtEveryTruncationWithoutReadingOn) {
  const auto whole = unhex("0204 0002 0042 0424 0003 616263");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto count = std::distance(TlvRange(cut).begin(), TlvRange(cut).end());
    EXPECT_EQ(count, size < 6 ? 0 : 1) << size;
    EXPECT_EQ(check_tlvs(cut), size == 0 || size == 6) << size;
  }
}

TEST(TlvRange, HostileLengthsAreRefused) {
  EXPECT_FALSE(check_tlvs(unhex("0204 FFFF 0042")));
  EXPECT_FALSE(check_tlvs(unhex("02")));
  EXPECT_TRUE(TlvRange(unhex("0204 FFFF 0042")).empty());
}

TEST(TlvValue, NumbersAndTexts) {
  EXPECT_EQ(tlv_integer(unhex("0042")), 0x42U);
  EXPECT_EQ(tlv_integer(unhex("FFFFFFFF")), 0xFFFFFFFFU);
  EXPECT_FALSE(tlv_integer({}).has_value());
  EXPECT_FALSE(tlv_integer(unhex("0000000001")).has_value());
  EXPECT_EQ(tlv_text(unhex("616200")), "ab");
  EXPECT_EQ(tlv_text(unhex("6162")), "ab");
  EXPECT_EQ(tlv_text({}), "");
}

TEST(TlvRegistry, KnowsStandardNamesOfBothVersions) {
  const TlvRegistry registry;
  EXPECT_EQ(registry.find("destination_port")->tag, TlvTag::destination_port);
  EXPECT_EQ(registry.find("dest_port")->tag, TlvTag::destination_port);
  EXPECT_EQ(registry.find("nothing"), nullptr);
  EXPECT_EQ(registry.name_of(static_cast<TlvTag>(0x1501)), "0x1501");
}

TEST(TlvRegistry, TakesVendorTlvsFromConfiguration) {
  auto registry = TlvRegistry::with_vendor_tlvs({{"operator_id", 0x1501, TlvType::u32, 0, 65535},
                                                 {"campaign", 0x1400, TlvType::cstring, 0, 33},
                                                 {"flags", 0x3FFF, TlvType::octets, 0, 8}});
  ASSERT_TRUE(registry.has_value()) << registry.error();
  const TlvRegistry moved = std::move(*registry);
  EXPECT_EQ(moved.find("operator_id")->tag, static_cast<TlvTag>(0x1501));
  EXPECT_EQ(moved.find("operator_id")->max, 4);
  EXPECT_EQ(moved.find(static_cast<TlvTag>(0x1400))->name, "campaign");
  EXPECT_EQ(moved.find("campaign")->min, 1) << "its NUL";
  EXPECT_EQ(moved.name_of(static_cast<TlvTag>(0x3FFF)), "flags");
  EXPECT_EQ(moved.find("message_payload")->tag, TlvTag::message_payload);
}

TEST(TlvRegistry, RefusesWhatCouldBeMistaken) {
  const auto why = [](std::vector<VendorTlv> vendor) {
    auto registry = TlvRegistry::with_vendor_tlvs(std::move(vendor));
    return registry ? std::string() : registry.error();
  };
  EXPECT_THAT(why({{"low", 0x13FF, TlvType::u8}}), HasSubstr("outside the vendor range"));
  EXPECT_THAT(why({{"high", 0x4000, TlvType::u8}}), HasSubstr("outside the vendor range"));
  EXPECT_THAT(why({{"", 0x1400, TlvType::u8}}), HasSubstr("must consist of"));
  EXPECT_THAT(why({{"Upper", 0x1400, TlvType::u8}}), HasSubstr("must consist of"));
  EXPECT_THAT(why({{"source_port", 0x1400, TlvType::u8}}), HasSubstr("standard TLV"));
  EXPECT_THAT(why({{"dest_port", 0x1400, TlvType::u8}}), HasSubstr("standard TLV"));
  EXPECT_THAT(why({{"a", 0x1400, TlvType::u8}, {"a", 0x1401, TlvType::u8}}), HasSubstr("given twice"));
  EXPECT_THAT(why({{"a", 0x1400, TlvType::u8}, {"b", 0x1400, TlvType::u8}}), HasSubstr("same tag 0x1400"));
  EXPECT_THAT(why({{"a", 0x1400, TlvType::octets, 9, 8}}), HasSubstr("min is greater"));
  EXPECT_THAT(why({{"a", 0x1400, TlvType::cstring, 0, 0}}), HasSubstr("at least 1"));
}

TEST(TlvType, NamesGoBothWays) {
  EXPECT_EQ(parse_tlv_type("cstring"), TlvType::cstring);
  EXPECT_EQ(name_of(TlvType::none), "none");
  EXPECT_FALSE(parse_tlv_type("string").has_value());
}

}  // namespace
}  // namespace smppd::smpp
