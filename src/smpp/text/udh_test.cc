#include "smpp/text/udh.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace smppd::smpp::udh_test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const UdhBuilder& builder) { return {builder.bytes().begin(), builder.bytes().end()}; }

TEST(Udh, ConcatenationHasTheOctetsOfTheStandard) {
  UdhBuilder eight;
  ASSERT_TRUE(eight.add(Concat{0xA5, 3, 2, false}));
  EXPECT_EQ(bytes_of(eight), (Bytes{0x05, 0x00, 0x03, 0xA5, 0x03, 0x02}));
  UdhBuilder sixteen;
  ASSERT_TRUE(sixteen.add(Concat{0xA5B6, 3, 2, true}));
  EXPECT_EQ(bytes_of(sixteen), (Bytes{0x06, 0x08, 0x04, 0xA5, 0xB6, 0x03, 0x02}));
}

TEST(Udh, NothingAddedIsNoHeader) { EXPECT_TRUE(UdhBuilder().bytes().empty()); }

TEST(Interop, Row41_PartsAreFoundWhereverTheyStandInTheHeader) {
  // Unknown element, ports, then a 16-bit reference; text follows.
  const Bytes message = {0x10, 0x70, 0x01, 0xFF, 0x05, 0x04, 0x0B, 0x84, 0x23,
                         0xF0, 0x08, 0x04, 0x12, 0x34, 0x02, 0x01, 0x99, 'h'};
  // Length 0x10 counts one octet more than the elements have: refused.
  EXPECT_FALSE(UserDataHeader::parse(message));
  Bytes right = message;
  right[0] = 0x0F;
  right.erase(right.begin() + 16);
  const auto header = UserDataHeader::parse(right);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->octets(), 16U);
  EXPECT_EQ(header->concat(), (Concat{0x1234, 2, 1, true}));
  EXPECT_EQ(header->ports(), (Ports{0x0B84, 0x23F0, true}));
  ASSERT_TRUE(header->find(0x70));
  EXPECT_EQ(header->find(0x70)->data[0], 0xFF);
  EXPECT_EQ(right[header->octets()], 'h');
}

TEST(Udh, EveryTruncationIsRefused) {
  UdhBuilder builder;
  ASSERT_TRUE(builder.add(Concat{7, 2, 1, false}));
  ASSERT_TRUE(builder.add(Ports{2948, 9200, true}));
  const auto whole = bytes_of(builder);
  ASSERT_TRUE(UserDataHeader::parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(UserDataHeader::parse(ByteSpan(whole).first(size))) << size;
  }
}

TEST(Udh, ElementsThatNumberNoPartAreIgnored) {
  for (const auto& [total, part] : std::vector<std::pair<int, int>>{{0, 0}, {2, 0}, {2, 3}, {0, 1}}) {
    const Bytes message = {0x05, 0x00, 0x03, 0x01, static_cast<std::uint8_t>(total), static_cast<std::uint8_t>(part)};
    const auto header = UserDataHeader::parse(message);
    ASSERT_TRUE(header);
    EXPECT_FALSE(header->concat()) << total << "/" << part;
  }
}

TEST(Udh, ARepeatedElementOverridesTheEarlierOne) {
  const Bytes message = {0x0A, 0x00, 0x03, 1, 2, 1, 0x00, 0x03, 9, 3, 2};
  EXPECT_EQ(UserDataHeader::parse(message)->concat(), (Concat{9, 3, 2, false}));
}

TEST(Udh, NationalLanguagesTravelAsElements) {
  UdhBuilder builder;
  ASSERT_TRUE(builder.add(Gsm7Tables{Language::hindi, Language::turkish}));
  EXPECT_EQ(bytes_of(builder), (Bytes{0x06, 0x24, 0x01, 0x01, 0x25, 0x01, 0x06}));
  EXPECT_EQ(UserDataHeader::parse(builder.bytes())->languages(), (Gsm7Tables{Language::hindi, Language::turkish}));
  const Bytes future = {0x03, 0x24, 0x01, 0x77};
  EXPECT_EQ(UserDataHeader::parse(future)->languages(), Gsm7Tables{});
}

TEST(Interop, Row42_SarAndHeaderCarryTheSamePart) {
  const Concat concat{0xBEEF, 5, 4, true};
  EXPECT_EQ(sar_from_concat(concat), (SarTlvs{0xBEEF, 5, 4}));
  EXPECT_EQ(concat_from_sar({0xBEEF, 5, 4}), concat);
  EXPECT_FALSE(concat_from_sar({1, 2, 3}));
  EXPECT_FALSE(concat_from_sar({1, 2, 0}));
}

TEST(Interop, Row42_MovingToSarKeepsTheOtherElements) {
  UdhBuilder before;
  ASSERT_TRUE(before.add(Ports{1, 2, false}));
  ASSERT_TRUE(before.add(Concat{7, 2, 1, false}));
  ASSERT_TRUE(before.add(0x70, Bytes{1, 2, 3}));
  UdhBuilder after;
  ASSERT_TRUE(after.add_all_but_concat(*UserDataHeader::parse(before.bytes())));
  EXPECT_EQ(bytes_of(after), (Bytes{0x09, 0x04, 0x02, 0x01, 0x02, 0x70, 0x03, 0x01, 0x02, 0x03}));
}

TEST(Udh, AHeaderThatWouldExceedAMessageIsRefusedAndUnchanged) {
  UdhBuilder builder;
  ASSERT_TRUE(builder.add(0x70, Bytes(137)));
  const auto before = bytes_of(builder);
  EXPECT_EQ(before.size(), 140U);
  EXPECT_FALSE(builder.add(Concat{1, 2, 1, false}));
  EXPECT_FALSE(builder.add(Gsm7Tables{Language::hindi, Language::hindi}));
  EXPECT_EQ(bytes_of(builder), before);
  EXPECT_FALSE(builder.add(0x71, Bytes(255)));
}

RC_GTEST_PROP(Udh, AnyElementsRoundTrip, (const std::vector<std::pair<std::uint8_t, Bytes>>& elements)) {
  UdhBuilder builder;
  std::vector<std::pair<std::uint8_t, Bytes>> added;
  for (const auto& [id, data] : elements) {
    if (builder.add(id, data)) added.emplace_back(id, data);
  }
  if (added.empty()) return;
  const auto header = UserDataHeader::parse(builder.bytes());
  RC_ASSERT(header.has_value());
  std::vector<std::pair<std::uint8_t, Bytes>> found;
  for (const auto element : *header) found.emplace_back(element.id, Bytes(element.data.begin(), element.data.end()));
  RC_ASSERT(found == added);
}

}  // namespace
}  // namespace smppd::smpp::udh_test
