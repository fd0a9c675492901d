#include "flow/internal/report_splice.h"

#include <string>

#include <gtest/gtest.h>

#include "smpp/pdu_builder.h"

namespace smppd::flow {
namespace {

using smpp::Field;
using smpp::TlvTag;

constexpr std::string_view kText =
    "id:00A1 sub:001 dlvrd:001 submit date:2611200101 done date:2611200102 stat:DELIVRD err:000 text:hello";

struct ReportSplice : testing::Test {
  ReportSplice() {
    facts.options = &options;
    builder.set(Field::source_addr, "258841234567").set(Field::destination_addr, "SHOP").set(Field::esm_class, 4);
    builder.set(Field::short_message, kText);
  }
  bool spliced(std::string_view shown = "0123456789abcdef") {
    pdu.clear();
    EXPECT_TRUE(builder.encode(pdu, {}, 77));
    EXPECT_TRUE(view.decode(pdu));
    const Report report = read_report(view, facts);
    smpp::PduView shown_as;
    if (!splice_report(view, report, shown, out, shown_as)) return false;
    EXPECT_TRUE(result.decode(shown_as.bytes(), smpp::Strictness::strict));
    EXPECT_TRUE(shown_as.message_layout());
    for (const smpp::FieldSpec& field : std::span(result.spec()->fields).first(result.spec()->field_count)) {
      EXPECT_EQ(as_text(shown_as.field_bytes(field.field)), as_text(result.field_bytes(field.field)));
    }
    EXPECT_EQ(shown_as.tlv_bytes().data(), result.tlv_bytes().data());
    EXPECT_EQ(shown_as.tlv_bytes().size(), result.tlv_bytes().size());
    return true;
  }
  std::string text() const { return std::string(as_text(result.short_message())); }

  config::Upstream options;
  UpstreamFacts facts;
  smpp::PduBuilder builder{smpp::CommandId::deliver_sm, smpp::Version::v34};
  std::vector<std::uint8_t> pdu, out;
  smpp::PduView view, result;
};

TEST_F(ReportSplice, ReplacesTheIdInTextAndTlvAndNothingElse) {
  builder.add_tlv(TlvTag::receipted_message_id, as_bytes(std::string_view("00A1", 5)));
  const std::uint8_t other = 9;
  builder.add_tlv(static_cast<TlvTag>(0x1401), ByteSpan(&other, 1));
  ASSERT_TRUE(spliced());
  EXPECT_EQ(text(), "id:0123456789abcdef" + std::string(kText.substr(7)));
  EXPECT_EQ(result.tlv_text(TlvTag::receipted_message_id), "0123456789abcdef");
  EXPECT_EQ(result.tlv_u8(TlvTag::message_state), 2);
  EXPECT_EQ(result.tlv_u8(static_cast<TlvTag>(0x1401)), 9);
  EXPECT_EQ(result.text(Field::source_addr), "258841234567");
  EXPECT_EQ(result.sequence_number(), 77U);
  int ids = 0;
  for (const smpp::Tlv tlv : result.tlvs()) ids += tlv.tag == TlvTag::receipted_message_id ? 1 : 0;
  EXPECT_EQ(ids, 1);
}

TEST_F(ReportSplice, MakesTheTextShorterWhenOurIdIs) {
  ASSERT_TRUE(spliced("7"));
  EXPECT_EQ(text(), "id:7" + std::string(kText.substr(7)));
}

TEST_F(ReportSplice, KeepsAHeaderInFrontOfTheText) {
  builder.set(Field::esm_class, 0x44);
  builder.set(Field::short_message, std::string("\x05\x00\x03\x01\x01\x01", 6) + std::string(kText));
  ASSERT_TRUE(spliced("7"));
  EXPECT_EQ(text(), std::string("\x05\x00\x03\x01\x01\x01", 6) + "id:7" + std::string(kText.substr(7)));
}

TEST_F(ReportSplice, LeavesToTheBuilderWhatItCannotDo) {
  builder.set(Field::esm_class, 0);
  EXPECT_FALSE(spliced()) << "the flag is missing";
  builder.set(Field::esm_class, 4);
  EXPECT_FALSE(spliced(std::string(200, 'x'))) << "too long";
  builder.set(Field::short_message, "stat:DELIVRD err:000");
  EXPECT_FALSE(spliced()) << "no id in the text";
  builder.set(Field::short_message, "id:1 stat:Zugestellt");
  EXPECT_FALSE(spliced()) << "the carrier's own words";
  builder.set(Field::short_message, "").add_tlv(TlvTag::message_payload, as_bytes(kText));
  EXPECT_FALSE(spliced()) << "the text is in message_payload";
}

}  // namespace
}  // namespace smppd::flow
