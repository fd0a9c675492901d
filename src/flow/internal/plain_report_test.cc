#include "flow/internal/plain_report.h"

#include <string>

#include <gtest/gtest.h>

#include "flow/internal/report_splice.h"
#include "smpp/pdu_builder.h"

namespace smppd::flow {
namespace {

using smpp::Field;
using smpp::TlvTag;
using namespace std::string_view_literals;

constexpr std::string_view kText =
    "id:00A1 sub:001 dlvrd:001 submit date:2611200101 done date:2611200102 stat:DELIVRD err:000 text:hello";

struct PlainReports : testing::Test {
  PlainReports() {
    facts.options = &options;
    builder.set(Field::source_addr, "258841234567").set(Field::destination_addr, "SHOP").set(Field::esm_class, 4);
    builder.set(Field::short_message, kText);
  }
  PlainReports& id_tlv(std::string_view id) {
    builder.add_tlv(TlvTag::receipted_message_id, as_bytes(id));
    return *this;
  }
  PlainReports& state_tlv(std::uint8_t state) {
    builder.add_tlv_u8(TlvTag::message_state, state);
    return *this;
  }
  bool is_plain() {
    pdu.clear();
    EXPECT_TRUE(builder.encode(pdu, {}, 77));
    return is_plain(pdu);
  }
  // What is plain is what the long way makes of it.
  bool is_plain(const std::vector<std::uint8_t>& octets) {
    smpp::PduView view;
    if (!view.decode(octets)) return false;
    PlainReport plain;
    if (!plain.read(view)) return false;
    const Report report = read_report(view, facts);
    EXPECT_TRUE(is_report(view, facts));
    EXPECT_FALSE(report.vendor_text);
    EXPECT_EQ(plain.id(), report.receipt.id);
    EXPECT_EQ(plain.state(), report.receipt.state);
    for (const std::string_view shown : {"0123456789abcdef", "7", "736d7070-6400-8000-8123-000000000001"}) {
      plain.show_as(shown);
      std::vector<std::uint8_t> room;
      smpp::PduView spliced;
      const bool fits = splice_report(view, report, shown, room, spliced);
      EXPECT_EQ(fits, plain.text_size() <= kMaxPlainText);
      if (!fits) continue;
      written.assign(plain.size(), 0);
      plain.write(written.data());
      EXPECT_EQ(as_text(written), as_text(spliced.bytes()));
    }
    return true;
  }

  config::Upstream options;
  UpstreamFacts facts;
  smpp::PduBuilder builder{smpp::CommandId::deliver_sm, smpp::Version::v34};
  std::vector<std::uint8_t> pdu, written;
};

TEST_F(PlainReports, MayHaveTheirIdAndStateAsTlvsInAnyOrder) {
  EXPECT_TRUE(is_plain()) << "neither";
  id_tlv("00A1\0"sv);
  EXPECT_TRUE(is_plain()) << "the id";
  state_tlv(2);
  EXPECT_TRUE(is_plain()) << "both";
  builder.remove_tlv(TlvTag::receipted_message_id);
  EXPECT_TRUE(is_plain()) << "the state";
  id_tlv("00A1");
  EXPECT_TRUE(is_plain()) << "both, and no NUL";
}

TEST_F(PlainReports, HaveWhatTheTlvsSayBeforeWhatTheTextSays) {
  id_tlv("b7\0\0"sv).state_tlv(5);
  EXPECT_TRUE(is_plain());
  smpp::PduView view;
  ASSERT_TRUE(view.decode(pdu));
  PlainReport plain;
  ASSERT_TRUE(plain.read(view));
  EXPECT_EQ(plain.id(), "b7");
  EXPECT_EQ(plain.state(), smpp::MessageState::undeliverable);
}

TEST_F(PlainReports, AnEmptyIdTlvAndAStateNobodyKnowsAreNoHindrance) {
  id_tlv("\0"sv).state_tlv(99);
  EXPECT_TRUE(is_plain());
}

TEST_F(PlainReports, AreNotThoseWithMoreThanThat) {
  builder.set(Field::esm_class, 0x20);
  EXPECT_FALSE(is_plain()) << "in between";
  builder.set(Field::esm_class, 0);
  EXPECT_FALSE(is_plain()) << "no flag";
  builder.set(Field::esm_class, 0x44);
  builder.set(Field::short_message, std::string("\x05\x00\x03\x01\x01\x01", 6) + std::string(kText));
  EXPECT_FALSE(is_plain()) << "a header";
  builder.set(Field::esm_class, 4).set(Field::short_message, "id:1 stat:DELIVRD");
  EXPECT_FALSE(is_plain()) << "not all of the text";
  builder.set(Field::short_message, kText);
  id_tlv("1").id_tlv("2");
  EXPECT_FALSE(is_plain()) << "two ids";
  builder.remove_tlv(TlvTag::receipted_message_id);
  builder.add_tlv(TlvTag::network_error_code, as_bytes("\x03\x00\x01"sv));
  EXPECT_FALSE(is_plain()) << "another TLV";
}

TEST_F(PlainReports, AreReadAndWrittenAlikeWhateverOneOctetIs) {
  id_tlv("00A1\0"sv).state_tlv(2);
  ASSERT_TRUE(is_plain());
  std::size_t plain = 0;
  const std::vector<std::uint8_t> usual = pdu;
  for (std::size_t i = smpp::kHeaderSize; i < usual.size(); ++i) {
    for (const char c : std::string_view("xZ09_-. :=&,/\x01\x02\x04\x05\x7F\xFF\0", 20)) {
      std::vector<std::uint8_t> other = usual;
      other[i] = static_cast<std::uint8_t>(c);
      plain += is_plain(other) ? 1 : 0;
    }
  }
  EXPECT_GT(plain, 500U);
}

TEST_F(PlainReports, WithALongTextAreTooLongUnderALongId) {
  builder.set(Field::short_message, std::string(kText) + std::string(254 - kText.size() - 4, 'x'));
  EXPECT_TRUE(is_plain());
}

}  // namespace
}  // namespace smppd::flow
