#include "flow/internal/id_matcher.h"

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

// interop row 2: responses in hexadecimal, receipts in decimal.
TEST(IdMatcher, InteropRow2LearnsTheFormatFromPairsThatProveIt) {
  IdMatcher matcher(smpp::IdFormat::automatic);
  EXPECT_FALSE(matcher.trusts_first_hit());
  matcher.learn("5", "5");
  EXPECT_EQ(matcher.evidence().ambiguous, 1U);
  for (int i = 0; i < 3; ++i) matcher.learn("1A2B", "6699");
  EXPECT_EQ(matcher.format(), smpp::IdFormat::hex_to_dec);
  EXPECT_EQ(matcher.candidates("16").begin()->view(), "10");
  EXPECT_GT(matcher.candidates("16").size(), 1U) << "the other readings are still tried";
  for (int i = 0; i < 3; ++i) matcher.learn("abcd", "abcd");
  EXPECT_EQ(matcher.format(), smpp::IdFormat::as_is) << "a carrier may change its mind";
}

TEST(IdMatcher, OneStrayPairDoesNotUndoWhatWasLearnt) {
  IdMatcher matcher(smpp::IdFormat::automatic);
  for (int i = 0; i < 3; ++i) matcher.learn("6699", "1a2b");
  matcher.learn("abcd", "abcd");
  EXPECT_EQ(matcher.format(), smpp::IdFormat::dec_to_hex);
}

TEST(IdMatcher, AConfiguredFormatIsNotLearntAway) {
  IdMatcher matcher(*IdMatcher::parse("as_is"));
  for (int i = 0; i < 9; ++i) matcher.learn("1A2B", "6699");
  EXPECT_EQ(matcher.format(), smpp::IdFormat::as_is);
  EXPECT_EQ(matcher.candidates("6699").size(), 1U);
  EXPECT_FALSE(IdMatcher::parse("octal"));
  EXPECT_EQ(IdMatcher::name_of(*IdMatcher::parse("auto")), "auto");
}

}  // namespace
}  // namespace smppd::flow
