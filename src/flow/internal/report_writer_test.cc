#include "flow/internal/report_writer.h"

#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "flow/internal/facts_of.h"
#include "flow/internal/report_splice.h"

namespace smppd::flow {
namespace {

using smpp::Field;
using smpp::MessageState;
using smpp::TlvTag;

const WallTime kNow = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)) + std::chrono::hours(7);

accounts::ReceiptStyle style_with(std::string_view text) {
  accounts::ReceiptStyle style;
  style.text = *smpp::ReceiptTemplate::compile(text);
  return style;
}

bool splice_into(const smpp::PduView& view, const Report& report, std::string_view id, std::vector<std::uint8_t>& out) {
  std::vector<std::uint8_t> room;
  smpp::PduView spliced;
  if (!splice_report(view, report, id, room, spliced)) return false;
  out.assign(spliced.bytes().begin(), spliced.bytes().end());
  return true;
}

struct ReportWriter : testing::Test {
  ReportWriter() { facts.options = &options; }

  void map_codes(const std::map<std::string, config::ReceiptMeaning>& map) {
    facts.receipt_codes = *ReceiptCodes::compile(map);
  }
  smpp::PduBuilder deliver(std::string_view text, std::uint8_t esm_class = 4) {
    smpp::PduBuilder builder(smpp::CommandId::deliver_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "258841234567")
        .set(Field::destination_addr, "SHOP")
        .set(Field::esm_class, esm_class);
    builder.set(Field::source_addr_ton, 1).set(Field::dest_addr_ton, 5).set(Field::short_message, text);
    return builder;
  }
  const Report& read(const smpp::PduBuilder& builder) {
    pdu.clear();
    EXPECT_TRUE(builder.encode(pdu, {}, 77));
    EXPECT_TRUE(view.decode(pdu));
    return report = read_report(view, facts);
  }
  // What the client gets, by the road that the flow would take.
  const smpp::PduView& shown(const smpp::PduBuilder& from, const accounts::ReceiptStyle* style = nullptr,
                             bool swap = false) {
    read(from);
    const ReportShape shape{"0123456789abcdef", swap, style};
    was_spliced = shape.is_plain() && splice_into(view, report, shape.id, out);
    if (!was_spliced) built(shape);
    EXPECT_TRUE(result.decode(out, smpp::Strictness::strict));
    return result;
  }
  void built(const ReportShape& shape) {
    smpp::PduBuilder builder;
    write_report(view, report, shape, kNow, builder);
    out.clear();
    EXPECT_TRUE(builder.encode(out, {}, 77));
  }
  static std::string text_of(const smpp::PduView& pdu) { return std::string(as_text(body_of(pdu))); }

  config::Upstream options;
  UpstreamFacts facts;
  std::vector<std::uint8_t> pdu, out;
  smpp::PduView view, result;
  Report report;
  bool was_spliced = false;
};

TEST_F(ReportWriter, AMappedCodeIsShownInTextAndTlvs) {
  map_codes({{"7", {5, 42}}});
  auto from = deliver("id:00A1 sub:001 dlvrd:001 stat:DELIVRD err:007 text:hello");
  from.add_tlv_u8(TlvTag::message_state, 2);
  const std::array<std::uint8_t, 3> network{3, 0, 7};
  from.add_tlv(TlvTag::network_error_code, network);
  const auto& to = shown(from);
  EXPECT_TRUE(was_spliced);
  EXPECT_EQ(text_of(to), "id:0123456789abcdef sub:001 dlvrd:001 stat:UNDELIV err:042 text:hello");
  EXPECT_EQ(to.tlv_u8(TlvTag::message_state), 5);
  EXPECT_EQ(as_text(*to.tlv(TlvTag::network_error_code)), std::string("\x03\x00\x2A", 3));
  EXPECT_EQ(report.receipt.state, MessageState::undeliverable);
}

TEST_F(ReportWriter, NetworkErrorsInDigitsStayInDigitsAndStrangeOnesAsTheyAre) {
  map_codes({{"7", {5, 42}}});
  for (const auto& [was, now] : {std::pair<std::string, std::string>{"007", "042"}, {"07", "07"}, {"0007", "0007"}}) {
    auto from = deliver("id:1 stat:DELIVRD err:7");
    from.add_tlv(TlvTag::network_error_code, as_bytes(was));
    EXPECT_EQ(as_text(*shown(from).tlv(TlvTag::network_error_code)), now);
  }
}

TEST_F(ReportWriter, AWordOfTheCarriersOwnIsReplacedWhereItStands) {
  map_codes({{"Zugestellt", {2, {}}}});
  EXPECT_EQ(text_of(shown(deliver("stat:zugestellt err:9 id:1 text:x"))),
            "stat:DELIVRD err:9 id:0123456789abcdef text:x");
  EXPECT_TRUE(was_spliced);
}

TEST_F(ReportWriter, ATextWithoutAPlaceForTheErrorIsWrittenAnew) {
  map_codes({{"EXPIRED", {3, 9}}});
  EXPECT_EQ(text_of(shown(deliver("id:1 submit date:2611200101 done date:2611200102 stat:EXPIRED"))),
            "id:0123456789abcdef sub:001 dlvrd:000 submit date:2611200101 done date:2611200102 stat:EXPIRED err:009 "
            "text:");
  EXPECT_FALSE(was_spliced);
}

TEST_F(ReportWriter, AnIntermediateReportThatTheMapMakesFinalIsFlaggedAsFinal) {
  map_codes({{"ENROUTE", {5, {}}}});
  EXPECT_EQ(shown(deliver("id:1 stat:ENROUTE err:1", 0x20)).u8(Field::esm_class), 0x04);
  EXPECT_EQ(text_of(result), "id:0123456789abcdef stat:UNDELIV err:1");
  EXPECT_EQ(shown(deliver("id:1 stat:ACCEPTD err:1", 0x20)).u8(Field::esm_class), 0x20) << "not mapped";
}

TEST_F(ReportWriter, AClientsTemplateIsFilledInFromTextAndTlvs) {
  const auto style = style_with("${id};${stat};${err};${sub}/${dlvrd};${submit_date};${done_date};${text}");
  EXPECT_EQ(text_of(shown(deliver("id:1 sub:003 dlvrd:002 submit date:2611200101 done date:000000000000 stat:UNDELIV "
                                  "err:00B text:hello"),
                          &style)),
            "0123456789abcdef;UNDELIV;00B;003/002;2611200101;2611200700;hello");
  auto in_tlvs = deliver("");
  in_tlvs.add_tlv_text(TlvTag::receipted_message_id, "1").add_tlv_u8(TlvTag::message_state, 8);
  EXPECT_EQ(text_of(shown(in_tlvs, &style)), "0123456789abcdef;REJECTD;000;001/000;2611200700;2611200700;");
}

TEST_F(ReportWriter, ATextThatIsWrittenAnewHasNoHeaderInFront) {
  const auto style = style_with("${id}");
  const std::string header("\x05\x00\x03\x01\x01\x01", 6);
  auto from = deliver(header + "id:1 stat:DELIVRD err:000", 0x44);
  from.set(Field::data_coding, 8);
  EXPECT_EQ(text_of(shown(from, &style)), "0123456789abcdef");
  EXPECT_EQ(result.u8(Field::esm_class), 0x04);
  EXPECT_EQ(result.u8(Field::data_coding), 0);
}

TEST_F(ReportWriter, AddressesAreSwappedWithTheirKinds) {
  const auto& to = shown(deliver("id:1 stat:DELIVRD err:000"), nullptr, true);
  EXPECT_EQ(to.text(Field::source_addr), "SHOP");
  EXPECT_EQ(to.u8(Field::source_addr_ton), 5);
  EXPECT_EQ(to.text(Field::destination_addr), "258841234567");
  EXPECT_EQ(to.u8(Field::dest_addr_ton), 1);
}

// --- The two roads ---------------------------------------------------------------------------------------------------

// Receipts as carriers write them: fields in any order or missing, TLVs or not, headers, unknown TLVs.
struct RandomReceipts {
  std::minstd_rand random;

  bool chance(unsigned percent) { return random() % 100 < percent; }
  template <std::size_t N>
  std::string one_of(const std::array<const char*, N>& words) {
    return words[random() % N];
  }
  std::string text() {
    static constexpr std::array kIds = {"1", "00A1", "9f1c2d3e-0000-4aaa", "2134516144", "SAR-1-2"};
    static constexpr std::array kStates = {"DELIVRD", "UNDELIV", "delivrd", "ENROUTE", "EXPIRED", "FAILED", "Weg", "2"};
    static constexpr std::array kErrors = {"000", "7", "007", "nul", "0x1F", "B"};
    static constexpr std::array kSeparators = {":", ":", ":", ": ", "="};
    std::vector<std::string> fields;
    const std::string separator = one_of(kSeparators);
    if (chance(90)) fields.push_back("id" + separator + one_of(kIds));
    if (chance(70)) fields.emplace_back("sub:001 dlvrd:001");
    if (chance(60)) fields.emplace_back("submit date:2611200101 done date:2611200102");
    if (chance(90)) fields.push_back("stat" + separator + one_of(kStates));
    if (chance(80)) fields.push_back("err" + separator + one_of(kErrors));
    if (chance(30)) std::shuffle(fields.begin(), fields.end(), random);
    std::string whole;
    for (const std::string& field : fields) whole += (whole.empty() ? "" : " ") + field;
    if (chance(70)) whole += " text:" + std::string(random() % 30, 'x');
    if (chance(3)) whole += std::string(200, 'y');
    return whole;
  }
  smppd::smpp::PduBuilder receipt() {
    static constexpr std::array<std::uint8_t, 6> kClasses = {0x04, 0x04, 0x44, 0x08, 0x20, 0x00};
    smpp::PduBuilder builder(smpp::CommandId::deliver_sm, smpp::Version::v34);
    const std::uint8_t esm_class = kClasses[random() % kClasses.size()];
    const std::string header = (esm_class & 0x40) != 0 ? std::string("\x05\x00\x03\x01\x01\x01", 6) : "";
    builder.set(Field::source_addr, "258841234567")
        .set(Field::destination_addr, "SHOP")
        .set(Field::esm_class, esm_class);
    builder.set(Field::source_addr_ton, random() % 6).set(Field::service_type, chance(20) ? "OTP" : "");
    builder.set(Field::data_coding, chance(10) ? 3 : 0);
    const std::string written = (header + text()).substr(0, 254);
    chance(92) ? builder.set(Field::short_message, written)
               : builder.add_tlv(TlvTag::message_payload, as_bytes(written));
    if (chance(50)) builder.add_tlv_text(TlvTag::receipted_message_id, "00A1");
    if (chance(20)) builder.add_tlv_u16(TlvTag::user_message_reference, 9);
    if (chance(50)) builder.add_tlv_u8(TlvTag::message_state, static_cast<std::uint8_t>(random() % 11));
    if (chance(30)) {
      static constexpr std::array<std::array<std::uint8_t, 3>, 2> kCodes{{{3, 0, 7}, {'0', '0', '7'}}};
      builder.add_tlv(TlvTag::network_error_code, kCodes[random() % 2]);
    }
    if (chance(10)) builder.add_tlv_u8(static_cast<TlvTag>(0x1401), 4);
    return builder;
  }
};

// Every field, and the TLVs without their order.
std::string content(const smpp::PduView& pdu) {
  std::string all;
  for (const Field field : {Field::service_type, Field::source_addr, Field::destination_addr,
                            Field::schedule_delivery_time, Field::validity_period, Field::short_message}) {
    all += std::string(pdu.text(field)) + std::string(as_text(pdu.octets(field))) + '|';
  }
  for (const Field field : {Field::source_addr_ton, Field::source_addr_npi, Field::dest_addr_ton, Field::dest_addr_npi,
                            Field::esm_class, Field::protocol_id, Field::priority_flag, Field::registered_delivery,
                            Field::replace_if_present_flag, Field::data_coding, Field::sm_default_msg_id}) {
    all += std::to_string(pdu.u8(field)) + '|';
  }
  std::vector<std::string> tlvs;
  for (const smpp::Tlv tlv : pdu.tlvs()) {
    tlvs.push_back(std::to_string(static_cast<unsigned>(tlv.tag)) + '=' + std::string(as_text(tlv.value)));
  }
  std::sort(tlvs.begin(), tlvs.end());
  for (const std::string& tlv : tlvs) all += tlv + '|';
  return all;
}

TEST_F(ReportWriter, SpliceAndWriterAgreeOnWhateverIsSpliced) {
  RandomReceipts receipts;
  int spliced = 0, mapped = 0;
  for (int round = 0; round < 20'000; ++round) {
    receipts.random.seed(static_cast<unsigned>(round));
    if (round % 2 == 0) {
      facts.receipt_codes = nullptr;
    } else if (round % 2 == 1 && facts.receipt_codes == nullptr) {
      map_codes({{"7", {5, 42}}, {"WEG", {5, {}}}, {"FAILED", {8, 1}}, {"7/ENROUTE", {2, 0}}, {"enroute", {3, {}}}});
    }
    read(receipts.receipt());
    const std::string id(receipts.random() % 40 + 1, 'f');
    if (!splice_into(view, report, id, out)) continue;
    ++spliced;
    mapped += report.meaning != nullptr ? 1 : 0;
    ASSERT_TRUE(result.decode(out, smpp::Strictness::strict)) << round;
    EXPECT_EQ(result.sequence_number(), 77U);
    const std::string by_splice = content(result);
    built({id});
    ASSERT_TRUE(result.decode(out, smpp::Strictness::strict)) << round;
    ASSERT_EQ(by_splice, content(result)) << round << ": " << report.text;
  }
  EXPECT_GT(spliced, 5'000);
  EXPECT_GT(mapped, 1'000);
}

// --- Our own ---------------------------------------------------------------------------------------------------------

struct OwnReceiptTest : testing::Test {
  OwnReceiptTest() {
    message.service_type = "OTP";
    message.source_addr = "SHOP";
    message.source_addr_ton = 5;
    message.destination_addr = "258841234567";
    message.dest_addr_ton = 1;
    message.dest_addr_npi = 1;
    message.registered_delivery = 1;
    message.short_message = as_bytes(std::string_view("hello"));
    receipt.id = "7f";
    receipt.state = MessageState::expired;
    receipt.error = 20;
    receipt.submitted = kNow;
    receipt.done = kNow + std::chrono::minutes(61);
  }
  message::MessageFacts message;
  OwnReceipt receipt;
  std::vector<std::uint8_t> out{1, 2, 3};
};

TEST_F(OwnReceiptTest, IsTheseOctets) {
  ASSERT_TRUE(write_own_receipt(message, receipt, out));
  const std::string_view text =
      "id:7f sub:001 dlvrd:000 submit date:2611200700 done date:2611200801 stat:EXPIRED err:020 text:hello";
  ASSERT_EQ(text.size(), 99U);
  std::string expected;
  const auto octets = [&](std::initializer_list<int> values) {
    for (const int value : values) expected += static_cast<char>(value);
  };
  octets({0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0});  // command_length follows; deliver_sm, sequence_number 0
  expected += std::string("OTP\0", 4);
  octets({1, 1});
  expected += std::string("258841234567\0", 13);
  octets({5, 0});
  expected += std::string("SHOP\0", 5);
  octets({0x04, 0, 0, 0, 0, 0, 0, 0, 0, 99});  // esm_class ... sm_length
  expected += text;
  octets({0x00, 0x1E, 0, 3, '7', 'f', 0});
  octets({0x04, 0x27, 0, 1, 3});
  expected[3] = static_cast<char>(expected.size());
  EXPECT_EQ(std::string(as_text(out)), expected);
}

TEST_F(OwnReceiptTest, IsWrittenOnlyForThoseWhoAskedForThisEnd) {
  const auto written = [&](std::uint8_t registered_delivery, MessageState state) {
    message.registered_delivery = registered_delivery;
    receipt.state = state;
    out = {9};
    const bool yes = write_own_receipt(message, receipt, out);
    EXPECT_EQ(out.size() > 1, yes);
    return yes;
  };
  for (const auto state : {MessageState::expired, MessageState::rejected, MessageState::deleted}) {
    EXPECT_FALSE(written(0, state));
    EXPECT_TRUE(written(1, state));
    EXPECT_TRUE(written(2, state)) << "on failure";
    EXPECT_FALSE(written(3, state)) << "on success";
    EXPECT_FALSE(written(0x10, state)) << "only what comes in between";
  }
  EXPECT_FALSE(written(1, MessageState::enroute));
  EXPECT_TRUE(written(0x11, MessageState::enroute));
  EXPECT_EQ(out[0x2A], 0x20) << "an intermediate notification";
  accounts::ReceiptStyle quiet;
  quiet.intermediate = false;
  receipt.style = &quiet;
  EXPECT_FALSE(written(0x11, MessageState::enroute));
  EXPECT_TRUE(written(0x11, MessageState::rejected));
}

TEST_F(OwnReceiptTest, TakesTheClientsTemplateAndAddresses) {
  auto style = style_with("${stat} ${err} ${id}");
  style.swap_addresses = true;
  receipt.style = &style;
  receipt.state = MessageState::rejected;
  ASSERT_TRUE(write_own_receipt(message, receipt, out));
  smpp::PduView view;
  ASSERT_TRUE(view.decode(out, smpp::Strictness::strict));
  EXPECT_EQ(as_text(view.short_message()), "REJECTD 020 7f");
  EXPECT_EQ(view.text(Field::source_addr), "SHOP");
  EXPECT_EQ(view.u8(Field::source_addr_ton), 5);
  EXPECT_EQ(view.text(Field::destination_addr), "258841234567");
  EXPECT_EQ(view.tlv_text(TlvTag::receipted_message_id), "7f");
  EXPECT_EQ(view.tlv_u8(TlvTag::message_state), 8);
}

TEST_F(OwnReceiptTest, QuotesPlainTextOnlyAndTwentyOctetsOfIt) {
  const auto quoted = [&](std::string_view text, std::uint8_t data_coding, std::uint8_t esm_class = 0) {
    message.short_message = as_bytes(text);
    message.data_coding = data_coding;
    message.esm_class = esm_class;
    EXPECT_TRUE(write_own_receipt(message, receipt, out));
    smpp::PduView view;
    EXPECT_TRUE(view.decode(out, smpp::Strictness::strict));
    return std::string(smpp::parse_receipt(as_text(view.short_message())).text);
  };
  EXPECT_EQ(quoted("0123456789012345678901234", 0), "01234567890123456789");
  EXPECT_EQ(quoted(std::string_view("\0h\0i", 4), 8), "");
  EXPECT_EQ(quoted(std::string_view("\x05\x00\x03\x01\x02\x01long", 10), 0, 0x40), "long");
}

}  // namespace
}  // namespace smppd::flow
