#include "smpp/text/receipt_pattern.h"

#include <gtest/gtest.h>

namespace smppd::smpp::receipt_pattern_test {
namespace {

TEST(Interop, Row10_AVendorsCsvReceiptIsReadByItsPattern) {
  const auto pattern = ReceiptPattern::compile(R"((?P<stat>\w+),(?P<done>\d{14}),(?P<id>[^,]*)(?:,(?P<err>\d*))?)",
                                               {{"OK", MessageState::delivered}, {"ko", MessageState::undeliverable}});
  ASSERT_TRUE(pattern) << pattern.error();
  const auto receipt = pattern->match("ok,20240131120507,AB-77,12");
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->id, "AB-77");
  EXPECT_EQ(receipt->state, MessageState::delivered);
  EXPECT_EQ(receipt->err_code, 12U);
  EXPECT_EQ(receipt->done_date, "20240131120507");
  EXPECT_EQ(pattern->match("KO,20240131120507,1")->state, MessageState::undeliverable);
  EXPECT_EQ(pattern->match("EXPIRED,20240131120507,1")->state, MessageState::expired);
  EXPECT_EQ(pattern->match("odd,20240131120507,1")->state, MessageState::unknown);
  EXPECT_TRUE(pattern->match("KO,20240131120507,1")->err.empty());
}

TEST(ReceiptPattern, ATextOfAnotherGrammarDoesNotMatch) {
  const auto pattern = ReceiptPattern::compile("(?P<id>[0-9]+);(?P<stat>[A-Z]+)", {});
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->match("id:1 stat:DELIVRD"));
  EXPECT_FALSE(pattern->match("1;DELIVRD trailing"));
  EXPECT_FALSE(pattern->match(""));
}

TEST(ReceiptPattern, OctetsThatAreNoUtf8Match) {
  const auto pattern = ReceiptPattern::compile("(?P<id>.*)\\|(?P<text>.*)", {});
  ASSERT_TRUE(pattern);
  const auto receipt = pattern->match("1|\xFF\n\xE9");
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->text, "\xFF\n\xE9");
}

TEST(ReceiptPattern, RefusesWhatCannotYieldAReceiptWithTheReason) {
  const auto error = [](std::string_view expression) {
    const auto pattern = ReceiptPattern::compile(expression, {});
    return pattern ? std::string("compiled") : pattern.error();
  };
  EXPECT_NE(error("(?P<id>"), "compiled");
  EXPECT_NE(error("(?P<ID>x)").find("unknown group 'ID'"), std::string::npos);
  EXPECT_NE(error("(?P<done>x)").find("neither"), std::string::npos);
  EXPECT_NE(error("(?P<id>x)()()()()()()()()()()()()()()()()").find("16 groups"), std::string::npos);
}

}  // namespace
}  // namespace smppd::smpp::receipt_pattern_test
