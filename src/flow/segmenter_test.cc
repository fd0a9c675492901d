#include "flow/segmenter.h"

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "flow/internal/facts_of.h"
#include "flow/internal/references.h"
#include "flow/reassembly.h"
#include "smpp/flags.h"

namespace smppd::flow {
namespace {

using config::LongText;
using config::PartReceipts;
using smpp::Alphabet;
using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Concat;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;
using testing::ElementsAre;

using Octets = std::vector<std::uint8_t>;

LongRules rules_for(LongText method, std::uint8_t max_parts = 255) {
  LongRules rules;
  rules.method = method;
  rules.max_parts = max_parts;
  return rules;
}

Octets message(std::string_view text, std::uint8_t data_coding = 0, std::uint8_t registered_delivery = 0,
               CommandId command = CommandId::submit_sm) {
  smpp::PduBuilder builder(command, Version::v34);
  builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, "258841234567");
  builder.set(Field::data_coding, data_coding).set(Field::registered_delivery, registered_delivery);
  if (text.size() > 254 || command == CommandId::data_sm) {
    builder.add_tlv(TlvTag::message_payload, as_bytes(text));
  } else {
    builder.set(Field::short_message, text);
  }
  Octets pdu;
  EXPECT_TRUE(builder.encode(pdu, {}, 7));
  return pdu;
}

struct Cut {
  CommandStatus status = CommandStatus::ESME_ROK;
  std::vector<Octets> pdus;

  [[nodiscard]] std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> result;
    for (const Octets& pdu : pdus) {
      smpp::PduView view;
      EXPECT_TRUE(view.decode(pdu));
      result.push_back(body_of(view).size());
    }
    return result;
  }
};

Cut cut(const Octets& whole, const LongRules& rules, const PeerSide& to = {}, std::uint16_t reference = 0x1234) {
  smpp::PduView view;
  EXPECT_TRUE(view.decode(whole));
  smpp::PduBuilder builder;
  Octets out;
  const auto count = cut_message(view, to, rules, reference, builder, out);
  if (!count) return {count.error(), {}};
  Cut result;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t size = smpp::read_header(out.data() + at).command_length;
    result.pdus.emplace_back(out.begin() + static_cast<std::ptrdiff_t>(at),
                             out.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
  }
  EXPECT_EQ(result.pdus.size(), *count);
  return result;
}

bool is_too_long(const Octets& whole, const PeerSide& to = {}, LongText method = LongText::kUdh) {
  smpp::PduView view;
  EXPECT_TRUE(view.decode(whole));
  return exceeds_one(view, to, rules_for(method));
}

// What a handset makes of the parts, by the judge of long MO.
std::string joined(const std::vector<Octets>& parts, const PeerSide& side) {
  Reassembly judge(Reassembly::Options{std::chrono::minutes(1), 255, 1000});
  Reassembly::Outcome last{};
  for (const Octets& part : parts) {
    smpp::PduView view;
    EXPECT_TRUE(view.decode(part));
    last = judge.offer(view, {}, side.alphabet, side.version, Instant{});
  }
  if (last != Reassembly::Outcome::kComplete) return "not complete";
  smpp::PduView whole;
  EXPECT_TRUE(whole.decode(judge.message()));
  return std::string(as_text(body_of(whole)));
}

RC_GTEST_PROP(Segmenter, PartsJoinedAreTheTextInEveryAlphabetAndMethod, ()) {
  const std::uint8_t coding = *rc::gen::element<std::uint8_t>(0, 1, 2, 3, 4, 6, 8, 0x18, 0xF5);
  const PeerSide to{*rc::gen::element(Version::v33, Version::v34, Version::v50), Alphabet::gsm7,
                    *rc::gen::element<std::uint16_t>(0, 0, 60, 140)};
  LongRules rules = rules_for(*rc::gen::element(LongText::kUdh, LongText::kSar));
  if (to.version == Version::v33) rules.method = LongText::kUdh;
  rules.wide_reference = *rc::gen::arbitrary<bool>();
  const auto size = *rc::gen::inRange<std::size_t>(161, 3000);
  std::string text;
  while (text.size() < size) {
    static const std::vector<std::string> kPieces{"plain words ",
                                                  "\x1b\x65",
                                                  "\x1b\x1b",
                                                  std::string("\x04\x34\xd8\x3d\xde\x00", 6),
                                                  "e",
                                                  std::string("\x00\x65\x03\x01", 4),
                                                  "\xff\xfe"};
    text += *rc::gen::elementOf(kPieces);
  }
  text[0] = 'a';  // no byte order mark
  const Octets whole = message(text, coding);
  RC_ASSERT(is_too_long(whole, to, rules.method));
  const Cut parts = cut(whole, rules, to);
  RC_ASSERT(parts.status == CommandStatus::ESME_ROK);
  const std::size_t most = to.max_short_message == 0 ? 160 : to.max_short_message;
  for (const auto octets : parts.sizes()) RC_ASSERT(octets <= most);
  RC_ASSERT(joined(parts.pdus, to) == text);
}

RC_GTEST_PROP(Segmenter, PackedPartsReadAsTheText, ()) {
  std::string text;
  const auto size = *rc::gen::inRange<std::size_t>(161, 1000);
  while (text.size() < size) text += *rc::gen::element<std::string>("abc", "€", "{x}", "é ", "9");
  const Octets packed = [&] {
    const std::string octets = smpp::from_utf8(text, Alphabet::gsm7_packed);
    return message(octets, 0);
  }();
  const PeerSide to{Version::v34, Alphabet::gsm7_packed, 0};
  const LongRules rules = rules_for(*rc::gen::element(LongText::kUdh, LongText::kSar));
  const Cut parts = cut(packed, rules, to);
  std::string read;
  for (const Octets& part : parts.pdus) {
    smpp::PduView view;
    RC_ASSERT(bool(view.decode(part)));
    const ByteSpan body = body_of(view);
    RC_ASSERT(body.size() <= 140U);
    const ByteSpan octets = rules.method == LongText::kUdh ? without_udh(body) : body;
    const std::size_t header = body.size() - octets.size();
    const unsigned fill = header == 0 ? 0 : smpp::gsm7_fill_bits(header);
    read += smpp::to_utf8(octets, smpp::Coding(Alphabet::gsm7_packed, {}, fill));
  }
  RC_ASSERT(read == text);
}

TEST(Segmenter, KnowsWhatFitsOneShortMessage) {
  EXPECT_FALSE(is_too_long(message(std::string(160, 'a'))));
  EXPECT_TRUE(is_too_long(message(std::string(161, 'a'))));
  EXPECT_FALSE(is_too_long(message(std::string(140, '\0'), 8)));
  EXPECT_TRUE(is_too_long(message(std::string(142, '\0'), 8)));
  EXPECT_FALSE(is_too_long(message(std::string(140, 'x'), 4)));
  EXPECT_TRUE(is_too_long(message(std::string(141, 'x'), 4)));
  EXPECT_TRUE(is_too_long(message(std::string(101, 'a')), {Version::v34, Alphabet::gsm7, 100}));
  const PeerSide packed{Version::v34, Alphabet::gsm7_packed, 0};
  EXPECT_FALSE(is_too_long(message(std::string(140, 'a')), packed));
  EXPECT_TRUE(is_too_long(message(std::string(141, 'a')), packed));
}

TEST(Segmenter, PartsFillTheAirAndNoMore) {
  EXPECT_THAT(cut(message(std::string(400, 'a')), rules_for(LongText::kUdh)).sizes(), ElementsAre(159, 159, 100));
  EXPECT_THAT(cut(message(std::string(400, 'a')), rules_for(LongText::kSar)).sizes(), ElementsAre(153, 153, 94));
  EXPECT_THAT(cut(message(std::string(280, '\1'), 8), rules_for(LongText::kUdh)).sizes(), ElementsAre(140, 140, 18));
  EXPECT_THAT(cut(message(std::string(280, '\1'), 4), rules_for(LongText::kSar)).sizes(), ElementsAre(134, 134, 12));
  LongRules wide = rules_for(LongText::kUdh);
  wide.wide_reference = true;
  EXPECT_THAT(cut(message(std::string(306, 'a')), wide).sizes(), ElementsAre(159, 159, 9));
  const PeerSide narrow{Version::v34, Alphabet::gsm7, 100};
  EXPECT_THAT(cut(message(std::string(190, 'a')), rules_for(LongText::kUdh), narrow).sizes(), ElementsAre(100, 100, 8));
  EXPECT_THAT(cut(message(std::string(190, 'a')), rules_for(LongText::kSar), narrow).sizes(), ElementsAre(100, 90));
}

TEST(Segmenter, MarksPartsByHeaderOrByTlvs) {
  const auto marks = [](const Cut& parts) {
    std::vector<std::tuple<unsigned, unsigned, unsigned, bool>> result;
    for (const Octets& pdu : parts.pdus) {
      smpp::PduView view;
      EXPECT_TRUE(view.decode(pdu));
      const Concat concat = part_of(view).value_or(Concat{});
      result.emplace_back(concat.ref, concat.total, concat.part, (view.u8(Field::esm_class) & 0x40U) != 0);
      EXPECT_EQ(view.text(Field::destination_addr), "258841234567");
      EXPECT_EQ(view.tlv(TlvTag::message_payload).has_value(), false);
    }
    return result;
  };
  const Octets text = message(std::string(300, 'a'));
  EXPECT_THAT(marks(cut(text, rules_for(LongText::kUdh))),
              ElementsAre(std::tuple(0x34U, 2U, 1U, true), std::tuple(0x34U, 2U, 2U, true)));
  EXPECT_THAT(marks(cut(text, rules_for(LongText::kSar))),
              ElementsAre(std::tuple(0x34U, 2U, 1U, false), std::tuple(0x34U, 2U, 2U, false)));
  LongRules wide = rules_for(LongText::kUdh);
  wide.wide_reference = true;
  EXPECT_THAT(marks(cut(text, wide)),
              ElementsAre(std::tuple(0x1234U, 2U, 1U, true), std::tuple(0x1234U, 2U, 2U, true)));
}

TEST(Segmenter, PartsOfDataSmAreInItsPayload) {
  const Cut parts = cut(message(std::string(300, 'a'), 0, 0, CommandId::data_sm), rules_for(LongText::kUdh));
  EXPECT_THAT(parts.sizes(), ElementsAre(159, 153));
}

TEST(Segmenter, ThePayloadMethodMovesTheTextWhole) {
  const Cut parts = cut(message(std::string(200, 'a')), rules_for(LongText::kPayload));
  ASSERT_EQ(parts.pdus.size(), 1U);
  smpp::PduView view;
  ASSERT_TRUE(view.decode(parts.pdus[0]));
  EXPECT_TRUE(view.octets(Field::short_message).empty());
  EXPECT_EQ(as_text(*view.tlv(TlvTag::message_payload)), std::string(200, 'a'));
}

TEST(Segmenter, RefusesMorePartsThanAllowed) {
  EXPECT_EQ(cut(message(std::string(306, 'a')), rules_for(LongText::kUdh, 2)).pdus.size(), 2U);
  EXPECT_EQ(cut(message(std::string(307, 'a')), rules_for(LongText::kUdh, 2)).status, CommandStatus::ESME_RINVMSGLEN);
  EXPECT_EQ(cut(message(std::string(153 * 255 + 1, 'a')), rules_for(LongText::kUdh)).status,
            CommandStatus::ESME_RINVMSGLEN);
  const PeerSide tiny{Version::v34, Alphabet::gsm7, 5};
  EXPECT_EQ(cut(message("no room"), rules_for(LongText::kUdh), tiny).status, CommandStatus::ESME_RINVMSGLEN);
}

TEST(Segmenter, AsksForTheReceiptsItsRuleNeeds) {
  const auto asked = [](PartReceipts rule, std::uint8_t registered_delivery) {
    LongRules rules = rules_for(LongText::kUdh);
    rules.receipts = rule;
    std::vector<unsigned> result;
    for (const Octets& pdu : cut(message(std::string(400, 'a'), 0, registered_delivery), rules).pdus) {
      smpp::PduView view;
      EXPECT_TRUE(view.decode(pdu));
      result.push_back(view.u8(Field::registered_delivery));
    }
    return result;
  };
  EXPECT_THAT(asked(PartReceipts::kAllParts, 0), ElementsAre(0, 0, 0));
  EXPECT_THAT(asked(PartReceipts::kAllParts, 1), ElementsAre(1, 1, 1));
  EXPECT_THAT(asked(PartReceipts::kAllParts, 0x12), ElementsAre(0x11, 0x11, 0x11)) << "a part may fail, another not";
  EXPECT_THAT(asked(PartReceipts::kEach, 2), ElementsAre(2, 2, 2));
  EXPECT_THAT(asked(PartReceipts::kLast, 1), ElementsAre(0, 0, 1));
}

TEST(Segmenter, KeepsPortsAndTurnsLittleEndianTextRound) {
  smpp::UdhBuilder ports;
  ports.add(smpp::Ports{9200, 2948, true});
  std::string text(as_text(ports.bytes()));
  text += std::string(200, 'x');
  smpp::PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.set(Field::esm_class, 0x40).set(Field::data_coding, 4).set(Field::short_message, text);
  Octets pdu;
  ASSERT_TRUE(builder.encode(pdu, {}, 1));
  const Cut parts = cut(pdu, rules_for(LongText::kUdh));
  EXPECT_THAT(parts.sizes(), ElementsAre(140, 12 + 200 - 128));
  for (const Octets& part : parts.pdus) {
    smpp::PduView view;
    ASSERT_TRUE(view.decode(part));
    const auto header = smpp::UserDataHeader::parse(body_of(view));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->ports(), (smpp::Ports{9200, 2948, true}));
  }
  std::string little = "\xff\xfe";
  for (int i = 0; i < 100; ++i) little += std::string("a\0", 2);
  const Cut turned = cut(message(little, 8), rules_for(LongText::kUdh));
  EXPECT_EQ(smpp::to_utf8(as_bytes(joined(turned.pdus, {})), Alphabet::ucs2), std::string(100, 'a'));
}

struct RewritePart : testing::Test {
  static Octets part(const Concat& concat, bool by_header, std::string_view text, std::uint8_t data_coding = 0) {
    smpp::PduBuilder builder(CommandId::submit_sm, Version::v34);
    builder.set(Field::data_coding, data_coding);
    std::string body;
    if (by_header) {
      smpp::UdhBuilder header;
      header.add(concat);
      body = as_text(header.bytes());
      builder.set(Field::esm_class, 0x43);
    } else {
      builder.add_tlv_u16(TlvTag::sar_msg_ref_num, concat.ref)
          .add_tlv_u8(TlvTag::sar_total_segments, concat.total)
          .add_tlv_u8(TlvTag::sar_segment_seqnum, concat.part);
    }
    builder.set(Field::short_message, body + std::string(text));
    Octets pdu;
    EXPECT_TRUE(builder.encode(pdu, {}, 1));
    return pdu;
  }
  bool rewrite(const Octets& pdu, LongText method, std::optional<std::uint16_t> reference = {}) {
    out.clear();
    EXPECT_TRUE(from.decode(pdu));
    smpp::PduBuilder builder;
    if (!rewrite_part(from, {}, rules_for(method), reference, builder, out)) return false;
    EXPECT_TRUE(view.decode(out));
    return true;
  }
  Octets out;
  smpp::PduView from, view;
};

TEST_F(RewritePart, BecomesAHeaderOrTlvsWithItsTextUntouched) {
  ASSERT_TRUE(rewrite(part({0x42, 3, 2, true}, false, std::string(153, 'x')), LongText::kUdh));
  EXPECT_EQ(part_of(view), (Concat{0x42, 3, 2, false}));
  EXPECT_EQ(view.u8(Field::esm_class), 0x40);
  EXPECT_FALSE(view.tlv(TlvTag::sar_msg_ref_num));
  EXPECT_EQ(as_text(without_udh(body_of(view))), std::string(153, 'x'));
  ASSERT_TRUE(rewrite(part({0x42, 3, 2, false}, true, "text"), LongText::kSar));
  EXPECT_EQ(part_of(view), (Concat{0x42, 3, 2, true}));
  EXPECT_EQ(view.u8(Field::esm_class), 0x03);
  EXPECT_EQ(as_text(body_of(view)), "text");
}

TEST_F(RewritePart, StaysAsItIsWhereNothingIsAskedOrNothingFits) {
  EXPECT_FALSE(rewrite(part({0x42, 3, 2, false}, true, "text"), LongText::kUdh));
  EXPECT_FALSE(rewrite(part({0x42, 3, 2, true}, false, "text"), LongText::kSar));
  EXPECT_FALSE(rewrite(part({0x42, 3, 2, false}, true, "text"), LongText::kAsIs));
  EXPECT_FALSE(rewrite(part({0x42, 3, 2, true}, false, std::string(154, 'x')), LongText::kUdh))
      << "160 with the header";
  EXPECT_FALSE(rewrite(message("no part"), LongText::kUdh, std::uint16_t{3}));
}

TEST_F(RewritePart, KeepsAWideReferenceWhereItsHeaderFits) {
  ASSERT_TRUE(rewrite(part({0x1234, 3, 2, true}, false, std::string(152, 'x')), LongText::kUdh));
  EXPECT_EQ(part_of(view), (Concat{0x1234, 3, 2, true}));
  ASSERT_TRUE(rewrite(part({0x1234, 3, 2, true}, false, std::string(153, 'x')), LongText::kUdh));
  EXPECT_EQ(part_of(view), (Concat{0x34, 3, 2, false}));
}

TEST_F(RewritePart, TakesAnotherReferenceInItsOwnWidth) {
  ASSERT_TRUE(rewrite(part({0x42, 3, 2, false}, true, "text"), LongText::kAsIs, std::uint16_t{9}));
  EXPECT_EQ(part_of(view), (Concat{9, 3, 2, false}));
  EXPECT_EQ(as_text(without_udh(body_of(view))), "text");
  ASSERT_TRUE(rewrite(part({0x42, 3, 2, true}, false, "text"), LongText::kAsIs, std::uint16_t{9}));
  EXPECT_EQ(view.tlv_u16(TlvTag::sar_msg_ref_num), 9);
  EXPECT_FALSE(rewrite(part({0x42, 3, 2, false}, true, "text"), LongText::kAsIs, std::uint16_t{0x42}));
}

TEST(References, TwoClientsToOneHandsetAreToldApartAndNoneMeetsItself) {
  const auto of = [](unsigned client, std::string_view to, std::uint16_t reference, bool wide = false) {
    return internal::References::regenerated(message::ClientId(client), to, {reference, 2, 1, wide});
  };
  EXPECT_NE(of(1, "258841234567", 1), of(2, "258841234567", 1));
  EXPECT_EQ(of(1, "258841234567", 1), of(1, "258841234567", 1)) << "on any shard, at any time";
  std::set<std::uint16_t> seen;
  for (unsigned i = 0; i < 256; ++i) {
    const auto next = of(1, "258841234567", static_cast<std::uint16_t>(i));
    EXPECT_LT(next, 256);
    seen.insert(next);
  }
  EXPECT_EQ(seen.size(), 256U);
  internal::References one(0, 2, 500);
  internal::References two(1, 2, 700);
  std::set<std::uint16_t> numbers;
  for (int i = 0; i < 1000; ++i) {
    numbers.insert(one.next());
    numbers.insert(two.next());
  }
  EXPECT_EQ(numbers.size(), 2000U) << "no two shards meet";
}

TEST(LongRules, TheUpstreamsOwnWordGoesBeforeTheCommonOne) {
  config::Upstream upstream;
  config::Multipart multipart;
  multipart.reference.mode = config::ReferenceMode::kRegenerate;
  EXPECT_EQ(long_rules(upstream, multipart).method, LongText::kAsIs);
  EXPECT_EQ(long_rules(upstream, multipart).look_above, UINT32_MAX) << "nobody looks";
  EXPECT_EQ(long_rules(upstream, multipart).references, config::ReferenceMode::kRegenerate);
  multipart.segmentation.enabled = true;
  multipart.segmentation.method = LongText::kSar;
  EXPECT_EQ(long_rules(upstream, multipart).method, LongText::kSar);
  upstream.bind.interface_version = 0x33;
  EXPECT_EQ(long_rules(upstream, multipart).method, LongText::kUdh) << "3.3 has no TLVs";
  upstream.message.long_messages = LongText::kAsIs;
  EXPECT_EQ(long_rules(upstream, multipart).method, LongText::kAsIs);
  EXPECT_EQ(long_rules(upstream, multipart).references, config::ReferenceMode::kPreserve);
  multipart.segmentation.enabled = false;
  upstream.message.long_messages = LongText::kPayload;
  EXPECT_EQ(long_rules(upstream, multipart).method, LongText::kPayload);
}

}  // namespace
}  // namespace smppd::flow
