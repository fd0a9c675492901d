#include "smpp/text/receipt_template.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace smppd::smpp {
namespace {

ReceiptFields fields() {
  ReceiptFields fields;
  fields.id = "0123456789abcdef";
  fields.delivered = 1;
  fields.submit_date = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)) + std::chrono::hours(1);
  fields.done_date = fields.submit_date + std::chrono::seconds(61);
  fields.state = MessageState::delivered;
  fields.err = "00A";
  fields.text = "hello";
  return fields;
}

std::string written(std::string_view text, const ReceiptFields& from = fields()) {
  const auto compiled = ReceiptTemplate::compile(text);
  if (!compiled) return "refused: " + compiled.error();
  std::array<char, ReceiptTemplate::kMaxText> out{};
  return {out.data(), compiled->write(from, out)};
}

TEST(ReceiptTemplate, FillsInEveryVariable) {
  EXPECT_EQ(written("${id}|${sub}|${dlvrd}|${submit_date}|${done_date}|${stat}|${err}|${text}"),
            "0123456789abcdef|001|001|2611200100|2611200101|DELIVRD|00A|hello");
}

TEST(ReceiptTemplate, TheTextOfTheSpecificationIsWhatTheWriterWrites) {
  std::array<char, kMaxReceipt> out{};
  const std::size_t size = write_receipt(fields(), out);
  EXPECT_EQ(written("id:${id} sub:${sub} dlvrd:${dlvrd} submit date:${submit_date} done date:${done_date} "
                    "stat:${stat} err:${err} text:${text}"),
            std::string(out.data(), size));
}

TEST(ReceiptTemplate, LiteralsAndDollarsStay) {
  EXPECT_EQ(written("plain"), "plain");
  EXPECT_EQ(written("$ {id} $${stat}}"), "$ {id} $DELIVRD}");
  EXPECT_EQ(written("${stat}${stat}\n"), "DELIVRDDELIVRD\n");
}

TEST(ReceiptTemplate, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(
      written("id:${message_id}"),
      "refused: there is no `${message_id}` here; known are id, sub, dlvrd, submit_date, done_date, stat, err, text");
  EXPECT_EQ(written("${}").substr(0, 22), "refused: there is no `");
  EXPECT_EQ(written("id:${id"), "refused: `${` without its `}`");
  EXPECT_EQ(written("\xC3\xA9"), "refused: has other signs than printable ASCII and line ends");
  EXPECT_EQ(written(std::string_view("a\0b", 3)), "refused: has other signs than printable ASCII and line ends");
}

TEST(ReceiptTemplate, IsNeverLongerThanAShortMessage) {
  ReceiptFields longest = fields();
  const std::string id(64, 'x'), err(40, 'e'), text(400, 't');
  longest.id = id;
  longest.err = err;
  longest.text = text;
  longest.seconds = true;
  const std::string all = "${id}${sub}${dlvrd}${submit_date}${done_date}${stat}${err}${text}";
  EXPECT_EQ(written(all, longest).size(), 137U);
  EXPECT_EQ(written(all + std::string(117, '-'), longest).size(), 254U);
  EXPECT_EQ(written(all + std::string(118, '-'), longest),
            "refused: its receipts could be 255 octets long; short_message takes 254");
}

TEST(ReceiptTemplate, WritesNothingWhereThereIsNoRoom) {
  const auto compiled = ReceiptTemplate::compile("id:${id}");
  ASSERT_TRUE(compiled);
  std::array<char, 18> out{};
  EXPECT_EQ(compiled->write(fields(), out), 0U);
}

}  // namespace
}  // namespace smppd::smpp
