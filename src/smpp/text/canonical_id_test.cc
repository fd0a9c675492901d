#include "smpp/text/canonical_id.h"

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace smppd::smpp::canonical_id_test {
namespace {

std::vector<std::string> forms(std::string_view receipt_id, IdFormat format) {
  std::vector<std::string> result;
  for (const auto& id : candidates(receipt_id, format)) result.emplace_back(id.view());
  return result;
}

bool finds(std::string_view response_id, std::string_view receipt_id, IdFormat format) {
  const auto key = canonical_id(response_id);
  for (const auto& id : candidates(receipt_id, format)) {
    if (id == key) return true;
  }
  return false;
}

using Forms = std::vector<std::string>;

TEST(CanonicalId, MakesEveryLetterSmallAndNothingElse) {
  for (std::size_t length = 1; length <= kMaxMessageId; ++length) {
    for (int octet = 1; octet < 256; ++octet) {
      const char c = static_cast<char>(octet);
      const std::string raw = std::string(length - 1, 'x') + c + std::string(kMaxMessageId - length, 'Y');
      std::string expected = raw;
      for (char& one : expected) one = one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one;
      while (!expected.empty() && std::string_view(" \t\r\n").find(expected.back()) != std::string_view::npos)
        expected.pop_back();
      if (length == 1 && (c == '0' || std::string_view(" \t\r\n").find(c) != std::string_view::npos)) continue;
      ASSERT_EQ(canonical_id(raw).view(), expected) << length << ' ' << octet;
    }
  }
}

TEST(CanonicalId, CutsZerosAndBlanksOffIdsOfEveryLength) {
  const auto is_blank = [](char c) { return std::string_view(" \t\r\n\0", 5).contains(c); };
  std::mt19937 random(1);
  for (int round = 0; round < 100'000; ++round) {
    std::string raw(random() % (kMaxMessageId + 1), '0');
    const std::size_t zeros = random() % (raw.size() + 1);
    const auto letters = random() % 8 == 0 ? std::string_view("0 \t\0aZ", 6) : std::string_view("01aZf");
    for (std::size_t i = zeros; i < raw.size(); ++i) raw[i] = letters[random() % letters.size()];
    std::string expected = raw;
    while (!expected.empty() && is_blank(expected.front())) expected.erase(0, 1);
    while (!expected.empty() && is_blank(expected.back())) expected.pop_back();
    while (expected.size() > 1 && (expected.front() == '0' || is_blank(expected.front()))) expected.erase(0, 1);
    for (char& one : expected) one = one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one;
    ASSERT_EQ(canonical_id(raw).view(), expected) << raw;
  }
}

TEST(Interop, Row02_ReceiptIdInTheOtherBaseIsFound) {
  EXPECT_EQ(forms("439041101", IdFormat::hex_to_dec), (Forms{"1a2b3c4d", "439041101"}));
  EXPECT_EQ(forms("1A2B3C4D", IdFormat::dec_to_hex), (Forms{"439041101", "1a2b3c4d"}));
  EXPECT_EQ(forms("1A2B3C4D", IdFormat::as_is), (Forms{"1a2b3c4d"}));
  EXPECT_TRUE(finds("1A2B3C4D", "439041101", IdFormat::automatic));
  EXPECT_TRUE(finds("439041101", "1a2b3c4d", IdFormat::automatic));
  EXPECT_TRUE(finds("1A2B3C4D", "0x1a2b3c4d", IdFormat::automatic));
}

TEST(Interop, Row02_TheRelationIsLearnedFromOnePair) {
  EXPECT_EQ(learn("1A2B3C4D", "439041101"), IdRelation::hex_to_dec);
  EXPECT_EQ(learn("439041101", "1A2B3C4D"), IdRelation::dec_to_hex);
  EXPECT_EQ(learn("0001a2B", "1A2b"), IdRelation::same);
  EXPECT_EQ(learn("17", "99"), IdRelation::unrelated);
  EXPECT_EQ(learn("7", "7"), IdRelation::same);
  EXPECT_FALSE(tells_formats_apart("7"));
  EXPECT_TRUE(tells_formats_apart("17"));
  EXPECT_TRUE(tells_formats_apart("d9b2d63d-a233"));
}

TEST(Interop, Row03_LeadingZerosAndLetterCaseDoNotMatter) {
  EXPECT_EQ(canonical_id("000ABCdef"), canonical_id("abcDEF"));
  EXPECT_EQ(canonical_id("0").view(), "0");
  EXPECT_EQ(canonical_id("0000").view(), "0");
  EXPECT_EQ(canonical_id(" 42\r\n").view(), "42");
  // A UUID whose first nibble, a zero, got lost.
  EXPECT_TRUE(finds("0d9b2d63-a233-4123-847a-7090de5c9d52", "d9b2d63-a233-4123-847a-7090de5c9d52", IdFormat::as_is));
}

TEST(Interop, Row03_IntegersCutToAMachineWordCompareEqual) {
  EXPECT_TRUE(equal_as_integers("1FFFFFFFF", "4294967295", IntegerWidth::bits32));
  EXPECT_FALSE(equal_as_integers("1FFFFFFFF", "4294967295", IntegerWidth::bits64));
  EXPECT_TRUE(equal_as_integers("-1", "ffffffff", IntegerWidth::bits32));
  EXPECT_TRUE(equal_as_integers("0x10", "16", IntegerWidth::bits64));
  EXPECT_FALSE(equal_as_integers("zz", "zz", IntegerWidth::bits64));
  EXPECT_TRUE(finds("F0000000", "-268435456", IdFormat::hex_to_dec));
  EXPECT_TRUE(finds("4026531840", "-268435456", IdFormat::automatic));
}

TEST(Interop, Row04_IdsThatAreNoNumbersStayOpaque) {
  EXPECT_EQ(forms("SAR-7f3-2-1", IdFormat::automatic), (Forms{"sar-7f3-2-1"}));
  EXPECT_EQ(forms("SAR-7f3-2-1", IdFormat::hex_to_dec), (Forms{"sar-7f3-2-1"}));
  const std::string longest(65, 'Z');
  EXPECT_EQ(canonical_id(longest).view(), std::string(65, 'z'));
}

TEST(CanonicalId, IdsLongerThanTheProtocolAllowsStayDifferent) {
  const std::string common(80, 'x');
  EXPECT_EQ(canonical_id(common + "a"), canonical_id(common + "A"));
  EXPECT_FALSE(canonical_id(common + "a") == canonical_id(common + "b"));
  EXPECT_EQ(canonical_id(common + "a").view().size(), kMaxMessageId);
}

// Blanks behind leading zeros were kept, so that the canonical form of a canonical form was another one.
TEST(CanonicalId, BlanksBehindLeadingZerosGoToo) {
  EXPECT_EQ(canonical_id("00 7").view(), "7");
  const std::string longer = "0 " + std::string(80, 'x');
  EXPECT_EQ(canonical_id(canonical_id(longer).view()), canonical_id(longer));
}

TEST(CanonicalId, NumbersOf128BitsConvertAndLargerOnesAreLeftAlone) {
  EXPECT_TRUE(
      finds("ffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455", IdFormat::automatic));
  EXPECT_EQ(forms("340282366920938463463374607431768211456", IdFormat::hex_to_dec),
            (Forms{"340282366920938463463374607431768211456"}));
}

TEST(CanonicalId, AnEmptyIdHasNoCandidates) {
  for (const auto format : {IdFormat::automatic, IdFormat::as_is, IdFormat::hex_to_dec, IdFormat::dec_to_hex}) {
    EXPECT_EQ(candidates("", format).size(), 0U);
    EXPECT_EQ(candidates(" \0", format).size(), 0U);
  }
}

RC_GTEST_PROP(CanonicalId, EveryNumberIsFoundFromEitherBase, (std::uint64_t number)) {
  char hex[32];
  std::snprintf(hex, sizeof hex, "%08lX", static_cast<unsigned long>(number));
  const auto decimal = std::to_string(number);
  RC_ASSERT(finds(hex, decimal, IdFormat::automatic));
  RC_ASSERT(finds(decimal, hex, IdFormat::automatic));
  RC_ASSERT(finds(hex, decimal, IdFormat::hex_to_dec));
  RC_ASSERT(finds(decimal, hex, IdFormat::dec_to_hex));
  RC_ASSERT(learn(hex, decimal) != IdRelation::unrelated);
}

RC_GTEST_PROP(CanonicalId, IsIdempotentAndBounded, (const std::string& raw)) {
  const auto once = canonical_id(raw);
  RC_ASSERT(once.view().size() <= kMaxMessageId);
  RC_ASSERT(canonical_id(once.view()) == once);
  RC_ASSERT(candidates(raw, IdFormat::automatic).size() <= IdCandidates::kBound);
}

}  // namespace
}  // namespace smppd::smpp::canonical_id_test
