#include "plugins/filter/transform/transform.h"

#include "plugins/filter/common/test_support.h"
#include "smpp/text/split.h"

namespace smppd::plugins::testing {
namespace {

using config::Pattern;
using config::TransformRule;
using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;
using Kind = flow::Verdict::Kind;
using Fields = std::map<std::string, std::string>;

config::Filter with(std::vector<TransformRule> rules) {
  config::Filter options;
  options.rules = std::move(rules);
  return options;
}
TransformRule rule(Fields set, Fields transform = {}) {
  TransformRule made;
  made.set = std::move(set);
  made.transform = std::move(transform);
  return made;
}
Pattern regex(std::string text) { return {Pattern::Kind::kRegex, std::move(text)}; }

class TransformFilter : public ::testing::Test {
 protected:
  // Runs the message through the rules.
  flow::Verdict run(Message& message, std::vector<TransformRule> rules) {
    filter_ = world_.make(kTransformFilter, with(std::move(rules)));
    return message.pass(*filter_, world_.client("acme"));
  }
  std::string problem(std::vector<TransformRule> rules) {
    return world_.problem(kTransformFilter, with(std::move(rules)));
  }

  World world_;
  std::unique_ptr<flow::Filter> filter_;
};

// The three rules of the configuration's own example.
TEST_F(TransformFilter, RewritesTheSenderOfOneClient) {
  auto sender = rule({{"source_addr", "CLIENT-A"}, {"source_addr_ton", "5"}});
  sender.match.client = {"acme"};
  Message message;
  EXPECT_EQ(run(message, {sender}).kind, Kind::kPass);
  EXPECT_EQ(message.got.text(Field::source_addr), "CLIENT-A");
  EXPECT_EQ(message.got.u8(Field::source_addr_ton), 5);
  EXPECT_EQ(message.facts.source_addr, "CLIENT-A");
  Message other;
  other.pass(*filter_, world_.client("zeta"));
  EXPECT_FALSE(other.edited());
}

TEST_F(TransformFilter, AddsACountryCode) {
  auto national = rule({}, {{"destination_addr", "+258${destination_addr}"}});
  national.match.destination_addr = {regex("^8[0-9]{8}$")};
  Message message;
  message.sent.set(Field::destination_addr, "841234567").set(Field::dest_addr_ton, 2);
  EXPECT_EQ(run(message, {national}).kind, Kind::kPass);
  EXPECT_EQ(message.got.text(Field::destination_addr), "+258841234567");
  EXPECT_EQ(message.facts.destination_addr, "+258841234567");
}

TEST_F(TransformFilter, AppendsToTheText) {
  auto marketing = rule({}, {{"short_message", "${short_message} Reply STOP to opt out."}});
  marketing.match.service_type = {{Pattern::Kind::kExact, "MKTG"}};
  Message message;
  message.sent.set(Field::service_type, "MKTG");
  EXPECT_EQ(run(message, {marketing}).kind, Kind::kPass);
  EXPECT_EQ(message.text(), "hello Reply STOP to opt out.");
  EXPECT_EQ(message.facts.text->utf8(), "hello Reply STOP to opt out.");
}

TEST_F(TransformFilter, GroupsComeFromTheRegularExpressionThatMatched) {
  auto swap = rule({}, {{"source_addr", "${2}${1}"}});
  swap.match.destination_addr = {regex("^(258)(84)")};
  Message message;
  EXPECT_EQ(run(message, {swap}).kind, Kind::kPass);
  EXPECT_EQ(message.got.text(Field::source_addr), "84258");

  auto keyword = rule({}, {{"source_addr", "${1}"}});
  keyword.match.text = {regex("(?i)^HEL(lo)")};
  Message by_text;
  EXPECT_EQ(run(by_text, {keyword}).kind, Kind::kPass);
  EXPECT_EQ(by_text.got.text(Field::source_addr), "lo");
}

TEST_F(TransformFilter, GroupsOfAnotherPatternAreEmpty) {
  auto mixed = rule({}, {{"source_addr", "X${1}"}});
  mixed.match.destination_addr = {{Pattern::Kind::kExact, "258841234567"}, regex("^(27)")};
  Message message;
  EXPECT_EQ(run(message, {mixed}).kind, Kind::kPass);
  EXPECT_EQ(message.got.text(Field::source_addr), "X");
}

TEST_F(TransformFilter, AllRulesThatMatchAreAppliedInTheirOrder) {
  auto second = rule({}, {{"source_addr", "${source_addr}2"}});
  second.match.source_addr = {{Pattern::Kind::kExact, "ONE"}};
  Message message;
  EXPECT_EQ(run(message, {rule({{"source_addr", "ONE"}}), second, second}).kind, Kind::kPass);
  EXPECT_EQ(message.got.text(Field::source_addr), "ONE2") << "the third rule sees what the second made";
  EXPECT_EQ(counted(*filter_, "smppd_filter_transformed_total", {{"rule", "rule 2"}}), 1);
  EXPECT_EQ(counted(*filter_, "smppd_filter_transformed_total", {{"rule", "rule 3"}}), 0);
}

TEST_F(TransformFilter, WithinARuleTemplatesSeeTheMessageBeforeIt) {
  Message message;
  EXPECT_EQ(
      run(message, {rule({}, {{"source_addr", "${destination_addr}"}, {"destination_addr", "${source_addr}"}})}).kind,
      Kind::kPass);
  EXPECT_EQ(message.got.text(Field::source_addr), "258841234567");
  EXPECT_EQ(message.got.text(Field::destination_addr), "ACME");
}

TEST_F(TransformFilter, ValidityAndNumbersAreTemplatesToo) {
  Message message;
  message.sent.set(Field::validity_period, "000002000000000R");
  EXPECT_EQ(run(message, {rule({{"priority_flag", "0x2"}}, {{"schedule_delivery_time", "${validity_period}"},
                                                            {"protocol_id", "${source_addr_ton}"}})})
                .kind,
            Kind::kPass);
  EXPECT_EQ(message.got.text(Field::schedule_delivery_time), "000002000000000R");
  EXPECT_EQ(message.got.u8(Field::protocol_id), 5);
  EXPECT_EQ(message.got.u8(Field::priority_flag), 2);
}

// interop row 39: text is text. A character that GSM 7 bit lacks moves the message to UCS-2.
TEST_F(TransformFilter, InteropRow39WidensTheAlphabetWhenTheTextNeedsIt) {
  Message message;
  EXPECT_EQ(run(message, {rule({}, {{"short_message", "${short_message} \u0434\u0430"}})}).kind, Kind::kPass);
  EXPECT_EQ(message.got.u8(Field::data_coding), 8);
  EXPECT_EQ(message.text(), "hello \u0434\u0430");
  EXPECT_EQ(message.facts.data_coding, 8);
}

TEST_F(TransformFilter, KeepsTheAlphabetTheClientWroteIn) {
  Message message;
  const std::uint8_t ucs2[] = {0x04, 0x34};
  message.sent.set(Field::data_coding, 8).set(Field::short_message, ByteSpan(ucs2));
  EXPECT_EQ(run(message, {rule({}, {{"short_message", "${short_message}!"}})}).kind, Kind::kPass);
  EXPECT_EQ(message.got.u8(Field::data_coding), 8);
  EXPECT_EQ(message.text(), "\u0434!");
}

TEST_F(TransformFilter, TheClientsDefaultAlphabetIsWhatDataCodingZeroMeans) {
  world_.config.clients[0].default_alphabet = "latin1";
  Message message;
  message.sent.set(Field::short_message, "x");
  EXPECT_EQ(run(message, {rule({{"short_message", "\u00e9@"}})}).kind, Kind::kPass);
  EXPECT_EQ(as_text(message.got.octets(Field::short_message)), "\xE9@");
  EXPECT_EQ(message.got.u8(Field::data_coding), 0);
}

TEST_F(TransformFilter, SettingDataCodingWritesTheTextInItsAlphabet) {
  Message message;
  EXPECT_EQ(run(message, {rule({{"data_coding", "8"}})}).kind, Kind::kPass);
  EXPECT_EQ(message.got.octets(Field::short_message).size(), 10U);
  EXPECT_EQ(message.text(), "hello");
}

// interop row 46: the class of a flash message survives.
TEST_F(TransformFilter, InteropRow46KeepsTheMessageClass) {
  Message message;
  message.sent.set(Field::data_coding, 0xF0);
  EXPECT_EQ(run(message, {rule({{"short_message", "\u0434"}})}).kind, Kind::kPass);
  EXPECT_EQ(message.got.u8(Field::data_coding), 0x18);
}

Message part(std::size_t text_octets) {
  Message message;
  std::vector<std::uint8_t> body{5, 0, 3, 9, 2, 1};
  body.resize(body.size() + text_octets, 'a');
  message.sent.set(Field::esm_class, 0x43).set(Field::short_message, ByteSpan(body));
  return message;
}

// interop row 45: the header survives and is never part of the text.
TEST_F(TransformFilter, InteropRow45KeepsTheUserDataHeader) {
  Message message = part(3);
  EXPECT_EQ(run(message, {rule({}, {{"short_message", "${short_message}!"}})}).kind, Kind::kPass);
  const auto body = message.got.octets(Field::short_message);
  ASSERT_EQ(body.size(), 10U);
  EXPECT_EQ(as_text(body.first(6)), std::string_view("\x05\x00\x03\x09\x02\x01", 6));
  EXPECT_EQ(as_text(body.subspan(6)), "aaa!");
  EXPECT_EQ(message.got.u8(Field::esm_class), 0x43);
}

TEST_F(TransformFilter, APartThatNoLongerFitsTheAirIsRefused) {
  Message fits = part(152);
  EXPECT_EQ(run(fits, {rule({}, {{"short_message", "${short_message}!"}})}).kind, Kind::kPass);
  Message too_long = part(153);
  EXPECT_EQ(run(too_long, {rule({}, {{"short_message", "${short_message}!"}})}).status, CommandStatus::ESME_RINVMSGLEN);
  Message widened = part(70);
  EXPECT_EQ(run(widened, {rule({}, {{"short_message", "${short_message}\u0434"}})}).status,
            CommandStatus::ESME_RINVMSGLEN);
  EXPECT_EQ(counted(*filter_, "smppd_filter_transform_refused_total", {}), 1);
}

// interop row 44: exactly one of short_message and message_payload.
TEST_F(TransformFilter, InteropRow44ALongTextMovesToThePayload) {
  Message message;
  const std::string longer(250, 'x');
  EXPECT_EQ(run(message, {rule({}, {{"short_message", "${short_message}" + longer}})}).kind, Kind::kPass);
  EXPECT_TRUE(message.got.octets(Field::short_message).empty());
  EXPECT_EQ(message.got.tlv(TlvTag::message_payload)->size(), 255U);
  EXPECT_EQ(message.facts.short_message.size(), 255U);
  Message of_33(Version::v33);
  EXPECT_EQ(of_33.pass(*filter_, world_.client("acme")).status, CommandStatus::ESME_RINVMSGLEN);
}

TEST_F(TransformFilter, APayloadStaysAPayload) {
  Message message;
  message.sent.set(Field::short_message, "").add_tlv(TlvTag::message_payload, as_bytes("hello"));
  EXPECT_EQ(run(message, {rule({}, {{"short_message", "${short_message}!"}})}).kind, Kind::kPass);
  EXPECT_EQ(as_text(*message.got.tlv(TlvTag::message_payload)), "hello!");
  Message data(Version::v34, smpp::CommandId::data_sm);
  data.sent.add_tlv(TlvTag::message_payload, as_bytes("data"));
  EXPECT_EQ(data.pass(*filter_, world_.client("acme")).kind, Kind::kPass);
  EXPECT_EQ(as_text(*data.got.tlv(TlvTag::message_payload)), "data!");
}

TEST_F(TransformFilter, BinaryKeepsItsContent) {
  Message message;
  const std::uint8_t octets[] = {1, 2, 0, 255};
  message.sent.set(Field::data_coding, 4).set(Field::short_message, ByteSpan(octets));
  EXPECT_EQ(run(message, {rule({{"source_addr", "NEW"}}, {{"short_message", "${short_message}!"}})}).kind, Kind::kPass);
  EXPECT_EQ(as_text(message.got.octets(Field::short_message)), std::string_view("\x01\x02\x00\xFF", 4));
  EXPECT_EQ(message.got.text(Field::source_addr), "NEW");
  EXPECT_EQ(counted(*filter_, "smppd_filter_transform_skipped_total", {}), 1);
}

TEST_F(TransformFilter, SetsAndRemovesTlvsByName) {
  world_.config.tlvs = {{.name = "carrier_tag", .tag = 0x1500, .type = "cstring", .min_length = 1, .max_length = 9}};
  auto tlvs = rule({{"tlv.user_message_reference", "0x0102"}}, {{"tlv.carrier_tag", "t${source_addr}"}});
  tlvs.remove = {"tlv.source_port"};
  Message message;
  message.sent.add_tlv_u16(TlvTag::source_port, 5).add_tlv_u16(TlvTag::user_message_reference, 9);
  EXPECT_EQ(run(message, {tlvs}).kind, Kind::kPass);
  EXPECT_EQ(message.got.tlv_u16(TlvTag::user_message_reference), 0x0102);
  EXPECT_EQ(message.got.tlv_text(static_cast<TlvTag>(0x1500)), "tACME");
  EXPECT_FALSE(message.got.tlv(TlvTag::source_port));
}

TEST_F(TransformFilter, AValueThatDoesNotFitItsFieldIsAnsweredForThatField) {
  auto too_long = rule({}, {{"destination_addr", "${destination_addr}${destination_addr}"}});
  Message message;
  EXPECT_EQ(run(message, {too_long}).status, CommandStatus::ESME_RINVDSTADR);
  Message dates;
  EXPECT_EQ(run(dates, {rule({}, {{"validity_period", "x${source_addr}"}})}).status, CommandStatus::ESME_RINVEXPIRY);
}

TEST_F(TransformFilter, OnlyModeAndReplyPathOfEsmClassChange) {
  Message message = part(1);
  EXPECT_EQ(run(message, {rule({{"esm_class", "0x80"}})}).kind, Kind::kPass);
  EXPECT_EQ(message.got.u8(Field::esm_class), 0xC0);
}

TEST_F(TransformFilter, SaysWhatIsWrongWithARule) {
  EXPECT_NE(problem({rule({{"esm_class", "0x40"}})}).find("messaging mode"), std::string::npos);
  EXPECT_NE(problem({rule({{"source_addr_ton", "x"}})}).find("number from 0 to 255"), std::string::npos);
  EXPECT_NE(problem({rule({{"source_addr", std::string(21, '1')}})}).find("too long"), std::string::npos);
  EXPECT_NE(problem({rule({{"tlv.nope", "1"}})}).find("no TLV"), std::string::npos);
  EXPECT_NE(problem({rule({{"tlv.user_message_reference", "70000"}})}).find("no value"), std::string::npos);
  EXPECT_NE(problem({rule({{"tlv.message_payload", "x"}})}).find("short_message"), std::string::npos);
  EXPECT_NE(problem({rule({}, {{"source_addr", "${1}"}})}).find("group 1"), std::string::npos);
  EXPECT_NE(problem({rule({}, {{"source_addr", "${nope}"}})}).find("neither a field"), std::string::npos);
  EXPECT_NE(problem({rule({{"sm_length", "1"}})}).find("no field"), std::string::npos);
  const auto both = problem({rule({{"esm_class", "0x40"}}), rule({{"tlv.nope", "1"}})});
  EXPECT_NE(both.find("rule 1"), std::string::npos);
  EXPECT_NE(both.find("rule 2"), std::string::npos) << "all at once";
}

}  // namespace
}  // namespace smppd::plugins::testing
