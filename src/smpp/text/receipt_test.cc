#include "smpp/text/receipt.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace smppd::smpp::receipt_test {
namespace {

using namespace std::chrono;

constexpr std::string_view kStandard =
    "id:0123456789 sub:001 dlvrd:001 submit date:2401311200 done date:2401311201 stat:DELIVRD err:000 text:Hello world";

WallTime at(int y, unsigned m, unsigned d, int h = 0, int min = 0, int s = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(h) + minutes(min) + seconds(s);
}

TEST(Receipt, ReadsTheTextOfTheSpecification) {
  const auto receipt = parse_receipt(kStandard);
  EXPECT_EQ(receipt.id, "0123456789");
  EXPECT_EQ(receipt.sub, "001");
  EXPECT_EQ(receipt.dlvrd, "001");
  EXPECT_EQ(receipt.submit_date, "2401311200");
  EXPECT_EQ(receipt.done_date, "2401311201");
  EXPECT_EQ(receipt.stat, "DELIVRD");
  EXPECT_EQ(receipt.err, "000");
  EXPECT_EQ(receipt.text, "Hello world");
  EXPECT_EQ(receipt.state, MessageState::delivered);
  EXPECT_EQ(receipt.err_code, 0U);
  EXPECT_TRUE(receipt.usable());
}

TEST(Receipt, ReadsTheSameWhicheverWayItIsRead) {
  const std::string usual =
      "id:0a-B_1 sub:001 dlvrd:000 submit date:2401020304 done date:240102030405 stat:UNDELIV err:1F text:id:7 stat:X";
  for (const std::string& text : {usual, usual.substr(0, usual.find(" text")), usual.substr(0, usual.find("id:7"))}) {
    std::string other = text;
    other.insert(other.find(" dlvrd"), " ");  // no longer letter by letter what the specification has
    const auto one = parse_receipt(text);
    const auto two = parse_receipt(other);
    EXPECT_EQ(one.id, "0a-B_1");
    EXPECT_EQ(one.done_date, "240102030405");
    EXPECT_EQ(one.err_code, 0x1FU);
    const auto fields = [](const Receipt& r) {
      return std::array{r.id, r.sub, r.dlvrd, r.submit_date, r.done_date, r.stat, r.err, r.text};
    };
    EXPECT_EQ(fields(one), fields(two)) << text;
    EXPECT_EQ(one.state, two.state);
  }
  EXPECT_EQ(parse_receipt("id:a.b sub:001 dlvrd:001 submit date:1 done date:2 stat:DELIVRD err:0").id, "a.b");
}

// One octet of a usual text is another: what is read at once is what is read field by field.
TEST(Receipt, ReadsTheSameWhicheverWayItIsReadAndWhateverOneOctetIs) {
  const auto fields = [](const Receipt& r) {
    return std::array{r.id, r.sub, r.dlvrd, r.submit_date, r.done_date, r.stat, r.err, r.text};
  };
  for (const std::string_view usual : {kStandard, kStandard.substr(0, kStandard.find(" text")),
                                       std::string_view("id:7 sub:1 dlvrd:0 submit date:240131120000 done "
                                                        "date:240131120001 stat:REJECTED err:1F text:id:8")}) {
    for (std::size_t i = 0; i < usual.size(); ++i) {
      for (const char c : std::string_view("xZ09_-. :=&,;|/@[`{\x7F\x80\xFF\0", 23)) {
        std::string text(usual);
        text[i] = c;
        const std::size_t at = text.find(" sub");
        if (at == std::string::npos) continue;
        const std::string other = text.substr(0, at) + ' ' + text.substr(at);
        const auto one = parse_receipt(text);
        const auto two = parse_receipt(other);
        ASSERT_EQ(fields(one), fields(two)) << text;
        ASSERT_EQ(one.state, two.state) << text;
        ASSERT_EQ(one.err_code, two.err_code) << text;
      }
    }
  }
}

// What is read of a receipt that is told as it is agrees with what is read of any.
TEST(Receipt, OfAStandardTextIdAndStateAreWhatAllOfItSays) {
  std::string_view id;
  MessageState state{};
  std::size_t standard = 0;
  for (const std::string_view usual : {kStandard, kStandard.substr(0, kStandard.find(" text"))}) {
    EXPECT_TRUE(read_standard_receipt(usual, id, state));
    for (std::size_t i = 0; i < usual.size(); ++i) {
      for (int c = 0; c < 256; ++c) {
        std::string text(usual);
        text[i] = static_cast<char>(c);
        if (!read_standard_receipt(text, id, state)) continue;
        ++standard;
        const auto whole = parse_receipt(text);
        ASSERT_EQ(id, whole.id) << text;
        ASSERT_EQ(state, whole.state) << text;
        std::string word(whole.stat);
        for (char& letter : word) letter = static_cast<char>(letter & ~0x20);
        ASSERT_EQ(word, receipt_word(state)) << text;
      }
    }
  }
  EXPECT_GT(standard, 1'000U);
  for (const std::string_view other : {"", "id:", "id:1 stat:DELIVRD err:000", "Id:1 sub:001"}) {
    EXPECT_FALSE(read_standard_receipt(other, id, state)) << other;
  }
}

TEST(Receipt, EveryStateOfTheSpecificationIsReadInAStandardText) {
  for (std::uint8_t octet = 0; octet < 10; ++octet) {
    std::string text(kStandard);
    text.replace(text.find("DELIVRD"), 7, receipt_word(static_cast<MessageState>(octet)));
    std::string_view id;
    MessageState state{};
    ASSERT_TRUE(read_standard_receipt(text, id, state));
    EXPECT_EQ(state, static_cast<MessageState>(octet));
    EXPECT_EQ(message_state_of(octet), state);
  }
  EXPECT_EQ(message_state_of(10), MessageState::unknown);
}

TEST(Interop, Row07_TheTlvsAloneSuffice) {
  const auto receipt = read_receipt("", {std::string_view("abc\0", 4), std::uint8_t{2}, {}});
  EXPECT_EQ(receipt.id, "abc");
  EXPECT_EQ(receipt.state, MessageState::delivered);
  EXPECT_TRUE(receipt.usable());
}

TEST(Interop, Row07_TheTlvsWinOverTheText) {
  const auto receipt = read_receipt(kStandard, {"feed", std::uint8_t{5}, {}});
  EXPECT_EQ(receipt.id, "feed");
  EXPECT_EQ(receipt.state, MessageState::undeliverable);
  EXPECT_EQ(receipt.done_date, "2401311201");
}

TEST(Interop, Row08_AnIdTlvWithoutStateTakesTheStateFromTheText) {
  const auto receipt = read_receipt(kStandard, {"feed", {}, {}});
  EXPECT_EQ(receipt.id, "feed");
  EXPECT_EQ(receipt.state, MessageState::delivered);
  EXPECT_EQ(read_receipt(kStandard, {"", std::uint8_t{3}, {}}).id, "0123456789");
}

TEST(Interop, Row09_FieldsComeInAnyOrderAndMayBeMissing) {
  const auto receipt = parse_receipt("STAT:EXPIRED  Id: 77   Done Date:2401311201 Err : 12 TEXT:x");
  EXPECT_EQ(receipt.id, "77");
  EXPECT_EQ(receipt.stat, "EXPIRED");
  EXPECT_EQ(receipt.done_date, "2401311201");
  EXPECT_EQ(receipt.err, "12");
  EXPECT_EQ(receipt.text, "x");
  EXPECT_TRUE(receipt.sub.empty());
  EXPECT_TRUE(receipt.submit_date.empty());
}

TEST(Interop, Row09_FieldsMayBeJoinedByAmpersandsAndEqualSigns) {
  const auto receipt = parse_receipt("id=abc-1&sub=001&dlvrd=001&submit_date=2401311200&stat=DELIVRD&err=0&text=a&b=c");
  EXPECT_EQ(receipt.id, "abc-1");
  EXPECT_EQ(receipt.dlvrd, "001");
  EXPECT_EQ(receipt.submit_date, "2401311200");
  EXPECT_EQ(receipt.stat, "DELIVRD");
  EXPECT_EQ(receipt.text, "a&b=c");
  EXPECT_EQ(parse_receipt("id:1,2;sub:001,stat:REJECTD;").id, "1,2");
  EXPECT_EQ(parse_receipt("id:1,2;sub:001,stat:REJECTD;").stat, "REJECTD");
}

TEST(Interop, Row09_AnEmptyFieldIsMissingAndEatsNoNeighbour) {
  const auto receipt = parse_receipt("id: sub: dlvrd:001 submit date: done date: stat:DELIVRD err: text:");
  EXPECT_TRUE(receipt.id.empty());
  EXPECT_TRUE(receipt.sub.empty());
  EXPECT_EQ(receipt.dlvrd, "001");
  EXPECT_EQ(receipt.stat, "DELIVRD");
  EXPECT_TRUE(receipt.err.empty());
}

TEST(Receipt, WhatTheMessageSaidIsNotReadAsFields) {
  const auto receipt = parse_receipt("id:1 stat:UNDELIV text:id:2 stat:DELIVRD err:9");
  EXPECT_EQ(receipt.id, "1");
  EXPECT_EQ(receipt.state, MessageState::undeliverable);
  EXPECT_TRUE(receipt.err.empty());
  EXPECT_EQ(receipt.text, "id:2 stat:DELIVRD err:9");
}

TEST(Receipt, ATextThatComesFirstEndsAtTheNextField) {
  const auto receipt = parse_receipt("text:Hello id:9 stat:DELIVRD");
  EXPECT_EQ(receipt.text, "Hello");
  EXPECT_EQ(receipt.id, "9");
}

TEST(Interop, Row11_DatesOfAllLengthsAreReadInThePeersZone) {
  EXPECT_EQ(parse_receipt_date("2401311205"), at(2024, 1, 31, 12, 5));
  EXPECT_EQ(parse_receipt_date("240131120507"), at(2024, 1, 31, 12, 5, 7));
  EXPECT_EQ(parse_receipt_date("20240131120507"), at(2024, 1, 31, 12, 5, 7));
  EXPECT_EQ(parse_receipt_date("202413311205"), std::nullopt);
  EXPECT_EQ(parse_receipt_date("202401311205"), at(2024, 1, 31, 12, 5));  // as YYMMDDhhmmss it would be month 24
  EXPECT_EQ(parse_receipt_date("2024-01-31 12:05:07"), at(2024, 1, 31, 12, 5, 7));
  EXPECT_EQ(parse_receipt_date("2401311205", hours(2)), at(2024, 1, 31, 10, 5));
  EXPECT_EQ(parse_receipt("id:1 submit date:2024-01-31 12:05:07 stat:DELIVRD").submit_date, "2024-01-31 12:05:07");
}

TEST(Interop, Row11_ZerosAndNonsenseAreNoDate) {
  for (const char* text : {"", "0", "0000000000", "000000000000", "00000000000000", "240230120", "2402301200",
                           "2401312500", "24013112005", "999999999999999", "yesterday", "99999999999999"}) {
    EXPECT_FALSE(parse_receipt_date(text)) << text;
  }
}

TEST(Interop, Row12_ErrIsKeptAsWrittenAndReadWhereItIsANumber) {
  EXPECT_EQ(parse_receipt("id:1 err:0x1F text:").err, "0x1F");
  EXPECT_EQ(parse_receipt("id:1 err:0x1F text:").err_code, 31U);
  EXPECT_EQ(receipt_error_number("05B"), 91U);
  EXPECT_EQ(receipt_error_number("00001234"), 1234U);
  EXPECT_FALSE(receipt_error_number("nul"));
  EXPECT_FALSE(receipt_error_number(""));
  EXPECT_FALSE(receipt_error_number("0x"));
  EXPECT_FALSE(receipt_error_number("99999999999"));
  EXPECT_EQ(parse_receipt("id:1 err:nul text:").err, "nul");
}

TEST(Interop, Row13_OddStatesAreUnderstoodAndUnknownOnesAreUnknown) {
  const std::vector<std::pair<std::string_view, int>> words = {
      {"ACKED", 6},         {"BUFFRED", 1}, {"BUFFERD", 1}, {"FAILED", 5},  {"delivered", 2},
      {"UNDELIVERABLE", 5}, {"EXPIRED", 3}, {"DELETED", 4}, {"REJECTD", 8}, {"UNKNOWN", 7},
      {"ENROUTE", 1},       {"SKIPPED", 9}, {"ACCEPTD", 6}, {"2", 2}};
  for (const auto& [word, state] : words) EXPECT_EQ(receipt_state_of(word), static_cast<MessageState>(state)) << word;
  EXPECT_FALSE(receipt_state_of("BANANA"));
  const auto receipt = parse_receipt("id:1 stat:BANANA");
  EXPECT_EQ(receipt.state, MessageState::unknown);
  EXPECT_EQ(receipt.stat, "BANANA");
}

TEST(Interop, Row14_NetworkErrorCodeMayBeThreeAsciiDigits) {
  using Bytes = std::array<std::uint8_t, 3>;
  EXPECT_EQ(parse_network_error(Bytes{0x03, 0x01, 0x02}), (NetworkError{3, 0x0102}));
  EXPECT_EQ(parse_network_error(Bytes{'0', '3', '4'}), (NetworkError{0, 34}));
  EXPECT_FALSE(parse_network_error(ByteSpan{}));
  const Bytes value{'0', '3', '4'};
  const auto receipt = read_receipt(kStandard, {{}, {}, ByteSpan(value)});
  EXPECT_EQ(receipt.err, "000");
  EXPECT_EQ(receipt.err_code, 34U);
}

TEST(Interop, Row15_AnUnflaggedReceiptIsRecognisedAndTextIsNot) {
  EXPECT_TRUE(looks_like_receipt(kStandard));
  EXPECT_TRUE(looks_like_receipt("id:1 stat:DELIVRD err:0"));
  EXPECT_FALSE(looks_like_receipt("id:1 stat:great err:0"));
  EXPECT_FALSE(looks_like_receipt("Hi! id:1 stat:DELIVRD err:0"));
  EXPECT_FALSE(looks_like_receipt("my id: 7, what is the state: open"));
  EXPECT_FALSE(looks_like_receipt(""));
}

TEST(Receipt, WritesTheTextOfTheSpecification) {
  std::array<char, kMaxReceipt> out{};
  ReceiptFields fields;
  fields.id = "0123456789";
  fields.delivered = 1;
  fields.submit_date = at(2024, 1, 31, 12, 0);
  fields.done_date = at(2024, 1, 31, 12, 1);
  fields.state = MessageState::delivered;
  fields.text = "Hello world";
  EXPECT_EQ(std::string_view(out.data(), write_receipt(fields, out)), kStandard);
  fields.seconds = true;
  fields.utc_offset = hours(1);
  fields.text = "123456789012345678901234567890";
  EXPECT_EQ(std::string_view(out.data(), write_receipt(fields, out)),
            "id:0123456789 sub:001 dlvrd:001 submit date:240131130000 done date:240131130100 stat:DELIVRD err:000 "
            "text:12345678901234567890");
}

TEST(Receipt, TheLargestReceiptFitsAndATooSmallBufferGetsNothing) {
  const std::string id(65, 'f');
  std::array<char, kMaxReceipt> out{};
  ReceiptFields fields;
  fields.id = id;
  fields.err = "0123456789abcdef";
  fields.text = "12345678901234567890";
  fields.seconds = true;
  const auto size = write_receipt(fields, out);
  EXPECT_GT(size, 150U);
  for (std::size_t room = 0; room < size; ++room) EXPECT_EQ(write_receipt(fields, std::span(out).first(room)), 0U);
}

TEST(Receipt, RewritingTheIdTouchesNothingElse) {
  std::array<char, 256> out{};
  const auto rewritten = [&](std::string_view text, std::string_view id) {
    const auto size = rewrite_receipt_id(text, id, out);
    return size ? std::string(out.data(), *size) : std::string("none");
  };
  EXPECT_EQ(rewritten("STAT:DELIVRD  Id:  abc   err:\x01\xFF text:abc", "f00d"),
            "STAT:DELIVRD  Id:  f00d   err:\x01\xFF text:abc");
  EXPECT_EQ(rewritten("id:1", "much longer"), "id:much longer");
  EXPECT_EQ(rewritten("no receipt", "x"), "none");
  EXPECT_FALSE(rewrite_receipt_id("id:1 stat:DELIVRD", "1234", std::span(out).first(19)));
}

RC_GTEST_PROP(Receipt, WhatIsWrittenIsReadBack, ()) {
  const auto word = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcXYZ019-"))));
  const auto id = (*word).substr(0, 65);
  const auto err = (*word).substr(0, 8);
  const auto text = *rc::gen::arbitrary<std::string>();
  ReceiptFields fields;
  fields.id = id;
  fields.err = err;
  fields.text = text;
  fields.state = static_cast<MessageState>(*rc::gen::inRange(0, 10));
  fields.done_date = at(2000, 1, 1) + minutes(*rc::gen::inRange(0, 50'000'000));
  fields.submitted = *rc::gen::inRange<std::uint16_t>(0, 1000);
  std::array<char, 512> out{};
  const auto receipt = parse_receipt({out.data(), write_receipt(fields, out)});
  RC_ASSERT(receipt.id == id);
  RC_ASSERT(receipt.err == err);
  RC_ASSERT(receipt.text == text.substr(0, 20));
  RC_ASSERT(receipt.state == fields.state);
  RC_ASSERT(parse_receipt_date(receipt.done_date) == fields.done_date);
  RC_ASSERT(std::stoi(std::string(receipt.sub)) == fields.submitted);
}

RC_GTEST_PROP(Receipt, EveryViewLiesInsideTheText, (const std::vector<std::uint8_t>& picks)) {
  const std::vector<std::string> pieces = {"id:", "id=",     "stat:", "text:",       "submit date:", " ",
                                           ",",   "DELIVRD", "1",     "&",           "err",          ":",
                                           "sub", "\xFF",    "i",     "done date: ", "12:30"};
  std::string text;
  for (const auto pick : picks) text += pieces[pick % pieces.size()];
  const auto r = parse_receipt(text);
  for (const auto view : {r.id, r.sub, r.dlvrd, r.submit_date, r.done_date, r.stat, r.err, r.text}) {
    if (view.empty()) continue;
    RC_ASSERT(view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size());
  }
}

}  // namespace
}  // namespace smppd::smpp::receipt_test
