#include "flow/reassembly.h"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "smpp/text/udh.h"

namespace smppd::flow {
namespace {

using message::UpstreamId;
using smpp::Alphabet;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;
using Outcome = Reassembly::Outcome;

const Instant kStart = Instant() + std::chrono::hours(1000);

struct PartOf {
  std::string text;
  unsigned part = 1;
  unsigned total = 2;
  unsigned ref = 7;
  bool is16 = false;
  bool sar = false;
  std::string source = "258840000001";
  std::uint16_t upstream = 1;
  std::uint8_t data_coding = 0;
};

std::vector<std::uint8_t> encode(const PartOf& part) {
  smpp::PduBuilder pdu(smpp::CommandId::deliver_sm, Version::v34);
  pdu.set(Field::source_addr, part.source)
      .set(Field::destination_addr, "4040")
      .set(Field::data_coding, part.data_coding);
  std::string body = part.text;
  if (part.sar) {
    pdu.add_tlv_u16(TlvTag::sar_msg_ref_num, static_cast<std::uint16_t>(part.ref));
    pdu.add_tlv_u8(TlvTag::sar_total_segments, static_cast<std::uint8_t>(part.total));
    pdu.add_tlv_u8(TlvTag::sar_segment_seqnum, static_cast<std::uint8_t>(part.part));
  } else {
    smpp::UdhBuilder header;
    header.add(smpp::Concat{.ref = static_cast<std::uint16_t>(part.ref),
                            .total = static_cast<std::uint8_t>(part.total),
                            .part = static_cast<std::uint8_t>(part.part),
                            .is16 = part.is16});
    body.insert(0, as_text(header.bytes()));
    pdu.set(Field::esm_class, 0x40);
  }
  pdu.set(Field::short_message, body);
  pdu.add_tlv_u16(TlvTag::user_message_reference, static_cast<std::uint16_t>(part.part));
  std::vector<std::uint8_t> bytes;
  EXPECT_TRUE(pdu.encode(bytes, smpp::CommandStatus::ESME_ROK, part.part));
  return bytes;
}

class ReassemblyTest : public ::testing::Test {
 protected:
  explicit ReassemblyTest(const Reassembly::Options& options = {}) : reassembly_(options) {}

  Outcome offer(const PartOf& part, Instant now = kStart, Alphabet peer_default = Alphabet::gsm7) {
    const auto bytes = encode(part);
    smpp::PduView pdu;
    EXPECT_TRUE(pdu.decode(bytes));
    return reassembly_.offer(pdu, {.link = {}, .sequence_number = part.part, .upstream = UpstreamId(part.upstream)},
                             peer_default, Version::v34, now);
  }
  // The text of the message that is complete, and the PDU in pdu_.
  std::string whole(Alphabet peer_default = Alphabet::gsm7) {
    EXPECT_TRUE(pdu_.decode(reassembly_.message(), smpp::Strictness::strict));
    auto body = pdu_.octets(Field::short_message);
    if (body.empty()) body = pdu_.tlv(TlvTag::message_payload).value_or(ByteSpan());
    return smpp::to_utf8(body, smpp::read_data_coding(pdu_.u8(Field::data_coding), peer_default).alphabet);
  }
  std::vector<std::uint32_t> released() {
    std::vector<std::uint32_t> sequences;
    while (const auto one = reassembly_.next_released()) {
      EXPECT_TRUE(one->ticket.answered);
      EXPECT_TRUE(pdu_.decode(one->pdu));
      EXPECT_EQ(pdu_.sequence_number(), one->ticket.sequence_number);
      sequences.push_back(one->ticket.sequence_number);
    }
    return sequences;
  }

  Reassembly reassembly_;
  smpp::PduView pdu_;
};

TEST_F(ReassemblyTest, JoinsTwoPartsAndDropsTheHeader) {
  EXPECT_EQ(offer({.text = "hello ", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "world", .part = 2}), Outcome::kComplete);
  EXPECT_EQ(whole(), "hello world");
  EXPECT_EQ(pdu_.u8(Field::esm_class), 0);
  EXPECT_EQ(pdu_.text(Field::source_addr), "258840000001");
  EXPECT_EQ(pdu_.tlv_u16(TlvTag::user_message_reference), 1) << "of the first part";
  EXPECT_EQ(reassembly_.stats().held, 0U);
  EXPECT_EQ(reassembly_.stats().completed, 1U);
  EXPECT_TRUE(released().empty());
}

// interop row 42: SAR parameters.
TEST_F(ReassemblyTest, InteropRow42JoinsPartsOfSarParameters) {
  EXPECT_EQ(offer({.text = "b", .part = 2, .sar = true}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "a", .part = 1, .sar = true}), Outcome::kComplete);
  EXPECT_EQ(whole(), "ab");
  EXPECT_FALSE(pdu_.tlv(TlvTag::sar_msg_ref_num));
  EXPECT_FALSE(pdu_.tlv(TlvTag::sar_total_segments));
  EXPECT_FALSE(pdu_.tlv(TlvTag::sar_segment_seqnum));
}

// interop row 43: complete when all parts are there, whichever came last, each counted once.
TEST_F(ReassemblyTest, InteropRow43EveryOrderOfPartsWithDuplicatesGivesTheSameMessage) {
  std::vector<unsigned> order{1, 2, 3, 4};
  unsigned ref = 0;
  do {
    ++ref;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const PartOf part{
          .text = std::string(1, static_cast<char>('a' + order[i])), .part = order[i], .total = 4, .ref = ref};
      EXPECT_EQ(offer(part), i + 1 == order.size() ? Outcome::kComplete : Outcome::kHeld);
      EXPECT_EQ(offer(part), Outcome::kDuplicate);
    }
    EXPECT_EQ(whole(), "bcde");
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(reassembly_.stats().completed, 24U);
  EXPECT_EQ(reassembly_.stats().held, 0U);
}

TEST_F(ReassemblyTest, ALateDuplicateOfACompleteMessageIsForgotten) {
  EXPECT_EQ(offer({.text = "a", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2}), Outcome::kComplete);
  EXPECT_EQ(offer({.text = "b", .part = 2}), Outcome::kDuplicate);
  EXPECT_EQ(reassembly_.stats().held, 0U);
}

TEST_F(ReassemblyTest, PartsOfOthersAreNotMixedIn) {
  EXPECT_EQ(offer({.text = "a", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2, .source = "258840000002"}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2, .upstream = 2}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2, .ref = 8}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2, .total = 3}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2, .is16 = true}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2}), Outcome::kComplete);
}

// interop row 44: exactly one of short_message and message_payload.
TEST_F(ReassemblyTest, InteropRow44ALongTextGoesIntoThePayload) {
  EXPECT_EQ(offer({.text = std::string(134, 'a'), .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = std::string(134, 'b'), .part = 2}), Outcome::kComplete);
  EXPECT_EQ(whole(), std::string(134, 'a') + std::string(134, 'b'));
  EXPECT_TRUE(pdu_.octets(Field::short_message).empty());
  EXPECT_EQ(pdu_.tlv(TlvTag::message_payload)->size(), 268U);
}

TEST_F(ReassemblyTest, AnIncompleteMessageGoesOnPartByPartAfterItsTime) {
  EXPECT_EQ(offer({.text = "c", .part = 3, .total = 3}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "a", .part = 1, .total = 3}, kStart + std::chrono::minutes(1)), Outcome::kHeld);
  EXPECT_EQ(reassembly_.next_deadline(), kStart + std::chrono::minutes(5));
  reassembly_.tick(kStart + std::chrono::minutes(4));
  EXPECT_TRUE(released().empty());
  reassembly_.tick(kStart + std::chrono::minutes(5));
  EXPECT_EQ(released(), (std::vector<std::uint32_t>{3, 1})) << "as they came";
  EXPECT_EQ(reassembly_.stats().held, 0U);
  EXPECT_EQ(reassembly_.stats().released, 2U);
}

TEST_F(ReassemblyTest, AReferenceThatIsUsedAgainReleasesTheOlderMessage) {
  EXPECT_EQ(offer({.text = "old", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "new", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(released(), std::vector<std::uint32_t>{1});
  EXPECT_EQ(offer({.text = "er", .part = 2}), Outcome::kComplete);
  EXPECT_EQ(whole(), "newer");
}

TEST_F(ReassemblyTest, EverythingIsReleasedAtTheEnd) {
  EXPECT_EQ(offer({.text = "a", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "a", .part = 1, .ref = 9}), Outcome::kHeld);
  reassembly_.release_all();
  EXPECT_EQ(released().size(), 2U);
}

TEST_F(ReassemblyTest, WhatIsNoPartIsLeftAlone) {
  smpp::PduBuilder plain(smpp::CommandId::deliver_sm, Version::v34);
  plain.set(Field::short_message, "plain");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(plain.encode(bytes, smpp::CommandStatus::ESME_ROK, 1));
  smpp::PduView pdu;
  ASSERT_TRUE(pdu.decode(bytes));
  EXPECT_EQ(reassembly_.offer(pdu, {}, Alphabet::gsm7, Version::v34, kStart), Outcome::kNotAPart);
  EXPECT_EQ(offer({.text = "x", .part = 1, .total = 21}), Outcome::kNotAPart) << "more parts than we join";
}

// A carrier that writes each part in the alphabet it needs.
TEST_F(ReassemblyTest, PartsInDifferentAlphabetsMeetInUcs2) {
  EXPECT_EQ(offer({.text = "ab", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "\x04\x34", .part = 2, .data_coding = 8}), Outcome::kComplete);
  EXPECT_EQ(whole(), "ab\u0434");
  EXPECT_EQ(pdu_.u8(Field::data_coding), 8);
}

// interop row 40: packed septets start at another bit in each part.
TEST_F(ReassemblyTest, InteropRow40PackedPartsAreUnpackedEach) {
  const auto packed = [](std::string_view text) {
    constexpr std::size_t kHeader = 6;
    std::vector<std::uint8_t> octets(text.size() + 8);
    const auto done =
        smpp::from_utf8(text, smpp::Coding(Alphabet::gsm7_packed, {}, smpp::gsm7_fill_bits(kHeader)), octets);
    return std::string(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(done.written));
  };
  EXPECT_EQ(offer({.text = packed("hello "), .part = 1}, kStart, Alphabet::gsm7_packed), Outcome::kHeld);
  EXPECT_EQ(offer({.text = packed("world!"), .part = 2}, kStart, Alphabet::gsm7_packed), Outcome::kComplete);
  EXPECT_EQ(whole(Alphabet::gsm7_packed), "hello world!");
}

TEST_F(ReassemblyTest, BinaryAndTextAreNotJoined) {
  EXPECT_EQ(offer({.text = "ab", .part = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "\x01\x02", .part = 2, .data_coding = 4}), Outcome::kHeld);
  EXPECT_EQ(released().size(), 2U);
  EXPECT_EQ(reassembly_.stats().unjoinable, 1U);
}

// interop row 41: ports and unknown elements stay.
TEST_F(ReassemblyTest, InteropRow41OtherHeaderElementsStay) {
  const auto with_ports = [this](std::uint8_t part, std::string_view text) {
    smpp::UdhBuilder header;
    header.add(smpp::Concat{.ref = 1, .total = 2, .part = part});
    header.add(smpp::Ports{.destination = 2948, .source = 9200});
    smpp::PduBuilder builder(smpp::CommandId::deliver_sm, Version::v34);
    builder.set(Field::esm_class, 0x40).set(Field::data_coding, 4);
    builder.set(Field::short_message, std::string(as_text(header.bytes())) + std::string(text));
    std::vector<std::uint8_t> bytes;
    EXPECT_TRUE(builder.encode(bytes, smpp::CommandStatus::ESME_ROK, part));
    EXPECT_TRUE(pdu_.decode(bytes));
    return reassembly_.offer(pdu_, {.link = {}, .upstream = UpstreamId(1)}, Alphabet::gsm7, Version::v34, kStart);
  };
  EXPECT_EQ(with_ports(1, "ab"), Outcome::kHeld);
  EXPECT_EQ(with_ports(2, "cd"), Outcome::kComplete);
  ASSERT_TRUE(pdu_.decode(reassembly_.message()));
  EXPECT_EQ(pdu_.u8(Field::esm_class), 0x40);
  const auto body = pdu_.octets(Field::short_message);
  const auto header = smpp::UserDataHeader::parse(body);
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->concat());
  EXPECT_EQ(header->ports()->destination, 2948);
  EXPECT_EQ(as_text(body.subspan(header->octets())), "abcd");
}

class SmallReassembly : public ReassemblyTest {
 protected:
  SmallReassembly() : ReassemblyTest({.timeout = std::chrono::minutes(5), .max_parts = 20, .buffer_parts = 4}) {}
};

TEST_F(SmallReassembly, AtItsBoundTheOldestMessageGoesOn) {
  EXPECT_EQ(offer({.text = "a", .part = 1, .total = 3, .ref = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "b", .part = 2, .total = 3, .ref = 1}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "a", .part = 1, .total = 3, .ref = 2}), Outcome::kHeld);
  EXPECT_EQ(offer({.text = "a", .part = 1, .total = 3, .ref = 3}), Outcome::kHeld);
  EXPECT_TRUE(released().empty());
  EXPECT_EQ(offer({.text = "a", .part = 1, .total = 3, .ref = 4}), Outcome::kHeld);
  EXPECT_EQ(released(), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(reassembly_.stats().held, 3U);
}

// Whatever arrives, each part comes out once: in a whole message, as a duplicate, or released.
TEST_F(ReassemblyTest, EachPartComesOutOnceUnderRandomArrivals) {
  std::mt19937 random(3);
  std::size_t in = 0;
  std::size_t out = 0;
  Instant now = kStart;
  for (int step = 0; step < 4'000; ++step) {
    const unsigned total = 1 + static_cast<unsigned>(random() % 4);
    const PartOf part{.text = std::string(1, static_cast<char>('a' + random() % 3)),
                      .part = 1 + static_cast<unsigned>(random() % total),
                      .total = total,
                      .ref = static_cast<unsigned>(random() % 20)};
    ++in;
    switch (offer(part, now)) {
      case Outcome::kComplete: out += total; break;
      case Outcome::kDuplicate: ++out; break;
      case Outcome::kHeld: break;
      case Outcome::kNotAPart: FAIL(); break;
    }
    now += std::chrono::seconds(random() % 10);
    reassembly_.tick(now);
    out += released().size();
    ASSERT_EQ(in, out + reassembly_.stats().held) << "step " << step;
  }
  reassembly_.release_all();
  EXPECT_EQ(in, out + released().size());
}

}  // namespace
}  // namespace smppd::flow
