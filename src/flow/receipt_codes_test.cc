#include "flow/receipt_codes.h"

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

using smpp::MessageState;

std::shared_ptr<const ReceiptCodes> codes(const std::map<std::string, config::ReceiptMeaning>& map) {
  auto compiled = ReceiptCodes::compile(map);
  EXPECT_TRUE(compiled) << compiled.error();
  return compiled ? *compiled : nullptr;
}

smpp::Receipt receipt(std::string_view err, std::string_view stat) {
  smpp::Receipt receipt;
  receipt.err = err;
  receipt.stat = stat;
  return receipt;
}

TEST(ReceiptCodes, ThePairCountsBeforeErrAndErrBeforeStat) {
  const auto map = codes({{"2/EXPIRED", {3, 30}}, {"002", {5, 20}}, {"Expired", {8, 10}}, {"ABSENT", {1, {}}}});
  const auto state = [&](std::string_view err, std::string_view stat) {
    const auto* meaning = map->find(receipt(err, stat));
    return meaning == nullptr ? -1 : static_cast<int>(meaning->state);
  };
  EXPECT_EQ(state("002", "expired"), 3);
  EXPECT_EQ(state("2", "UNDELIV"), 5);
  EXPECT_EQ(state("0002", "DELIVRD"), 5);
  EXPECT_EQ(state("7", "EXPIRED"), 8);
  EXPECT_EQ(state("", "expired"), 8);
  EXPECT_EQ(state("absent", "x"), 1);
  EXPECT_EQ(state("7", "UNDELIV"), -1);
  EXPECT_EQ(state("", ""), -1);
  EXPECT_EQ(state("2", ""), 5);
}

TEST(ReceiptCodes, ErrorsAreShownInThreeDigitsOrLeftToTheCarrier) {
  const auto map = codes({{"a", {2, 0}}, {"b", {2, 42}}, {"c", {2, 999}}, {"d", {2, {}}}});
  EXPECT_EQ(map->find(receipt("A", ""))->error_text, "000");
  EXPECT_EQ(map->find(receipt("B", ""))->error_text, "042");
  EXPECT_EQ(map->find(receipt("C", ""))->error_text, "999");
  EXPECT_FALSE(map->find(receipt("D", ""))->error);
}

TEST(ReceiptCodes, TlvsStandInForWhatTheTextLacks) {
  const auto map = codes({{"17", {5, 1}}, {"UNDELIV", {8, 2}}});
  smpp::Receipt from_tlvs;
  from_tlvs.state = MessageState::undeliverable;
  EXPECT_EQ(map->find(from_tlvs)->state, MessageState::rejected);
  from_tlvs.network_error = smpp::NetworkError{3, 17};
  EXPECT_EQ(map->find(from_tlvs)->state, MessageState::undeliverable);
  from_tlvs.err = "99";
  EXPECT_EQ(map->find(from_tlvs)->state, MessageState::rejected) << "the text's err is the carrier's";
}

TEST(ReceiptCodes, RefusesTwoSpellingsOfOneCode) {
  EXPECT_EQ(ReceiptCodes::compile({{"001", {}}, {"1", {}}}).error(), "`001` and `1` are the same code");
  EXPECT_EQ(ReceiptCodes::compile({{"Ab", {}}, {"aB", {}}}).error(), "`Ab` and `aB` are the same code");
  EXPECT_EQ(ReceiptCodes::compile({{"", {}}}).error(), "a code is empty");
  EXPECT_EQ(*ReceiptCodes::compile({}), nullptr);
}

TEST(ReceiptCodes, HostileReceiptsFindNothing) {
  const auto map = codes({{"1/2", {2, 0}}, {std::string(64, 'X'), {2, 0}}});
  EXPECT_EQ(map->find(receipt(std::string(300, '0'), std::string(300, '/'))), nullptr);
  EXPECT_EQ(map->find(receipt("1/2", "")), map->find(receipt("1", "2"))) << "a code with a slash is a pair";
  EXPECT_NE(map->find(receipt(std::string(64, 'x'), "")), nullptr);
}

}  // namespace
}  // namespace smppd::flow
