#include "flow/receipts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "flow/internal/facts_of.h"
#include "flow/internal/receipt_desk_test_support.h"

namespace smppd::flow {
namespace {

using enum ReceiptDesk::Patience;
using message::ClientId;
using message::UpstreamId;
using smpp::MessageState;
using smpp::TlvTag;

struct ForgetfulDeskTest : ReceiptDeskTest {
  ForgetfulDeskTest() : ReceiptDeskTest({.untracked_entries = 2}) {}
  void tell(message::OwnId id, std::string_view theirs) {
    EXPECT_TRUE(desk.accepted(flight(id), theirs, kDeskStart).empty());
    const auto entry = desk.match(kUpstream, theirs, "258841234567", "SHOP", kMayWait);
    ASSERT_TRUE(entry && !entry->final_seen) << theirs;
    desk.tell(entry->ref);
    EXPECT_TRUE(desk.told(entry->ref, true, kDeskStart).empty());
  }
};

TEST_F(ForgetfulDeskTest, ARepeatedReceiptIsKnownForOneWhenItsMessageIsForgotten) {
  for (message::OwnId id = 1; id <= 9; ++id) tell(id, "abc-" + std::to_string(id));
  for (message::OwnId id = 1; id <= 9; ++id) {
    const auto entry = desk.match(kUpstream, "abc-" + std::to_string(id), "258841234567", "SHOP", kMayWait);
    ASSERT_TRUE(entry) << id;
    EXPECT_TRUE(entry->final_seen);
    EXPECT_EQ(entry->own, id > 7 ? id : 0);
    EXPECT_EQ(entry->upstream, kUpstream);
    EXPECT_EQ(desk.find_theirs(kUpstream, "abc-" + std::to_string(id)).has_value(), id > 7);
  }
  EXPECT_FALSE(desk.match(kUpstream, "abc-10", "258841234567", "SHOP", kMayWait));
}

TEST_F(ForgetfulDeskTest, ARepeatedReceiptIsNotTakenForThatOfAMessageWhoseIdReadsTheSameInAnotherBase) {
  tell(1, "10");
  tell(2, "abc-2");
  tell(3, "abc-3");
  tell(4, "abc-4");
  EXPECT_TRUE(desk.accepted(flight(16), "16", kDeskStart).empty());  // 0x10
  const auto entry = desk.match(kUpstream, "10", "", "", kMayWait);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 0U);
  EXPECT_TRUE(entry->final_seen);
}

TEST_F(ReceiptDeskTest, AReceiptFindsItsMessageByTheSmscsId) {
  EXPECT_TRUE(accept(11, "abc-1").empty());
  EXPECT_TRUE(accept(12, "abc-2").empty());
  EXPECT_EQ(matched("abc-2"), 12U);
  EXPECT_EQ(matched("abc-1"), 11U);
  EXPECT_EQ(matched("abc-3"), 0U);
  EXPECT_FALSE(desk.match(UpstreamId(1), "abc-1", "", "", kMayWait)) << "another SMSC's ids are its own";
}

TEST_F(ReceiptDeskTest, InteropRow13WordsAndGrammarsOfTheCarriersOwnAreNotShownToClients) {
  const auto is_own = [&](std::string_view text) { return read_report(decode(deliver(text)), facts()).vendor_text; };
  EXPECT_FALSE(is_own("id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"));
  EXPECT_FALSE(is_own("ID:1 STAT:undeliv ERR:000"));
  EXPECT_FALSE(is_own("id:1 err:000")) << "the state may be in a TLV";
  EXPECT_TRUE(is_own("id:1 stat:FAILED err:000"));
  EXPECT_TRUE(is_own("id=1&stat=DELIVRD"));
}

TEST_F(ReceiptDeskTest, AnIdGivenInHexAndReportedInDecimalIsTheSame) {
  (void)accept(11, "7F3A21B0");
  EXPECT_EQ(matched("2134516144", kAtLast), 11U);
}

// A carrier that counts from one, names messages in one base and their receipts in the other, for one sender: "16" is
// message 16 or message 10 in hexadecimal. 165 receipts of 1000 used to go to another message than theirs.
struct SmallIds : ReceiptDeskTest, testing::WithParamInterface<bool> {
  static constexpr unsigned kMessages = 1000;
  static std::string written(unsigned id, bool hex) {
    std::array<char, 16> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), id, hex ? 16 : 10).ptr};
  }
  static std::string destination(unsigned id) { return std::to_string(258'841'000'000 + id * 7919ULL); }
  void send(unsigned id) {
    message::Flight sent = flight(id);
    sent.source_hash = address_hash("SHOP");
    sent.destination_hash = destination_hash(destination(id));
    for (const ParkedReport& waited : desk.accepted(sent, written(id, GetParam()), kDeskStart)) {
      report(waited.ticket.sequence_number);
    }
  }
  bool report(unsigned id, ReceiptDesk::Patience patience = kMayWait) {
    const std::string text = written(id, !GetParam());
    const auto entry = desk.match(kUpstream, text, destination(id), "SHOP", patience);
    if (!entry) {
      if (patience == kMayWait) (void)desk.park(ticket(id), text, {}, kDeskStart);
      return false;
    }
    EXPECT_EQ(entry->own, id);
    EXPECT_FALSE(entry->final_seen);
    EXPECT_TRUE(desk.told(entry->ref, true, kDeskStart).empty());
    ++told;
    return true;
  }
  void hold_is_over() {
    const auto look_again = [&](const ReceiptParking::Parked& parked, const auto&) {
      return report(parked.ticket.sequence_number, kHeld);
    };
    desk.tick(kDeskStart + config::Receipts{}.early_hold, look_again, [](const auto&) {});
  }
  unsigned told = 0;
};
INSTANTIATE_TEST_SUITE_P(Bases, SmallIds, testing::Bool(),
                         [](const auto& hex) { return hex.param ? "HexadecimalResponses" : "DecimalResponses"; });

TEST_P(SmallIds, OfOneSenderFindTheirMessagesInAnyOrder) {
  std::vector<unsigned> order(kMessages);
  std::iota(order.begin(), order.end(), 1U);
  for (const unsigned id : order) send(id);
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  for (const unsigned id : order) report(id);
  EXPECT_GE(told, kMessages / 2);
  hold_is_over();
  EXPECT_EQ(told, kMessages);
}

TEST_P(SmallIds, FindTheirMessagesWhenReceiptsOvertakeResponses) {
  for (unsigned id = 1; id <= 9; ++id) {
    send(id);
    report(id);
  }
  for (unsigned id = 10; id <= kMessages; ++id) {
    if (id % 3 == 0) report(id);
    send(id);
    if (id % 3 != 0) report(id);
  }
  hold_is_over();
  EXPECT_EQ(told, kMessages);
}

TEST_F(ReceiptDeskTest, ACarrierThatWritesItsOwnAddressesIntoReceiptsIsBelievedByTheIdAlone) {
  for (unsigned id = 1; id <= 40; ++id) {
    message::Flight sent = flight(id);
    sent.destination_hash = destination_hash("25884100" + std::to_string(1000 + id));
    (void)desk.accepted(sent, "7F3A" + std::to_string(1000 + id), kDeskStart);
    const std::uint64_t number = std::stoull("7F3A" + std::to_string(1000 + id), nullptr, 16);
    EXPECT_EQ(matched(std::to_string(number), id <= 3 ? kAtLast : kMayWait), id) << "three teach how ids are written";
  }
}

TEST_F(ReceiptDeskTest, AReceiptThatWasToldMarksTheNextOneAsADuplicate) {
  (void)accept(11, "abc-1");
  const auto found = desk.match(kUpstream, "abc-1", "", "", kMayWait);
  EXPECT_FALSE(found->final_seen);
  (void)desk.told(found->ref, true, kDeskStart);
  EXPECT_TRUE(desk.match(kUpstream, "abc-1", "", "", kMayWait)->final_seen);
}

TEST_F(ReceiptDeskTest, ReceiptsThatComeWhileTheFirstIsWithTheClientShareItsFate) {
  (void)accept(11, "abc-1");
  (void)accept(12, "abc-2");
  const auto first = desk.match(kUpstream, "abc-1", "", "", kMayWait)->ref;
  for (const bool taken : {false, true}) {
    EXPECT_FALSE(desk.match(kUpstream, "abc-1", "", "", kMayWait)->telling);
    desk.tell(first);
    EXPECT_TRUE(desk.match(kUpstream, "abc-1", "", "", kMayWait)->telling);
    EXPECT_FALSE(desk.match(kUpstream, "abc-2", "", "", kMayWait)->telling);
    EXPECT_TRUE(desk.hold(first, ticket(7)));
    EXPECT_TRUE(desk.hold(first, ticket(8)));
    EXPECT_TRUE(desk.told(desk.match(kUpstream, "abc-2", "", "", kMayWait)->ref, false, kDeskStart).empty());
    EXPECT_EQ(desk.told(first, taken, kDeskStart).size(), 2U);
    EXPECT_EQ(desk.match(kUpstream, "abc-1", "", "", kMayWait)->final_seen, taken);
  }
}

// A submit_multi has one id for all its parts; told by that id, the receipt of one part closed another.
TEST_F(ReceiptDeskTest, EachPartOfAMultiHasAFinalReceiptOfItsOwn) {
  (void)accept(11, "part-1");
  (void)accept(11, "part-2");
  (void)desk.told(desk.match(kUpstream, "part-1", "", "", kMayWait)->ref, true, kDeskStart);
  EXPECT_TRUE(desk.match(kUpstream, "part-1", "", "", kMayWait)->final_seen);
  EXPECT_FALSE(desk.match(kUpstream, "part-2", "", "", kMayWait)->final_seen);
}

TEST_F(ReceiptDeskTest, KnowsWhichMessageItExpectsUnderAnIdAlsoWhenItWasTold) {
  message::Flight flight;
  flight.id = 11;
  flight.upstream = kUpstream;
  EXPECT_FALSE(desk.expects(flight, "abc-1"));
  (void)accept(11, "abc-1");
  flight.destination_hash = desk.match(kUpstream, "abc-1", "", "", kMayWait)->destination_hash;
  EXPECT_TRUE(desk.expects(flight, "ABC-1"));
  EXPECT_FALSE(desk.expects(flight, "abc-2"));
  (void)desk.told(desk.match(kUpstream, "abc-1", "", "", kMayWait)->ref, true, kDeskStart);
  EXPECT_TRUE(desk.expects(flight, "abc-1"));
  flight.destination_hash ^= 1U;
  EXPECT_FALSE(desk.expects(flight, "abc-1"));
  flight.destination_hash ^= 1U;
  flight.id = 12;
  EXPECT_FALSE(desk.expects(flight, "abc-1"));
}

TEST_F(ReceiptDeskTest, AnEarlyReceiptWaitsForItsMessage) {
  const std::vector<std::uint8_t> early{1, 2, 3};
  EXPECT_FALSE(desk.park(ticket(5), "abc-1", early, kDeskStart));
  EXPECT_TRUE(accept(10, "abc-0").empty());
  const auto waited = accept(11, "abc-1");
  ASSERT_EQ(waited.size(), 1U);
  EXPECT_EQ(waited[0].ticket.sequence_number, 5U);
  EXPECT_EQ(waited[0].pdu, early);
  EXPECT_TRUE(accept(12, "abc-1").empty()) << "it is given once";
}

TEST_F(ReceiptDeskTest, AnEarlyReceiptIsAcknowledgedAndInTheEndGivenUp) {
  (void)desk.park(ticket(5), "abc-1", {}, kDeskStart);
  int acknowledged = 0, unmatched = 0;
  const auto tick = [&](Instant now) {
    const auto acknowledge = [&](const auto&, const message::DeliveryTicket& kept) {
      acknowledged += kept.answered;
      return false;
    };
    desk.tick(now, acknowledge, [&](const auto&) { ++unmatched; });
  };
  const config::Receipts defaults;
  tick(kDeskStart + defaults.early_hold - 1ms);
  EXPECT_EQ(acknowledged, 0);
  tick(kDeskStart + defaults.early_hold + 1s);
  EXPECT_EQ(acknowledged, 1);
  EXPECT_EQ(unmatched, 0);
  tick(kDeskStart + defaults.park + 2s);
  EXPECT_EQ(acknowledged, 1);
  EXPECT_EQ(unmatched, 1);
}

TEST_F(ReceiptDeskTest, AnEarlyReceiptThatIsToldInsteadOfAcknowledgedWaitsNoLonger) {
  (void)desk.park(ticket(5), "abc-1", {}, kDeskStart);
  (void)desk.park(ticket(6), "abc-2", {}, kDeskStart);
  std::vector<std::uint32_t> given_up;
  const auto tick = [&](Instant now) {
    const auto acknowledge = [&](const ReceiptParking::Parked& parked, const auto&) {
      return parked.ticket.sequence_number == 5;
    };
    desk.tick(now, acknowledge, [&](const auto& parked) { given_up.push_back(parked.ticket.sequence_number); });
  };
  const config::Receipts defaults;
  tick(kDeskStart + defaults.early_hold + 1s);
  EXPECT_EQ(desk.parking_stats().parked, 1U);
  EXPECT_TRUE(accept(11, "abc-1").empty());
  tick(kDeskStart + defaults.park + 2s);
  EXPECT_EQ(given_up, std::vector<std::uint32_t>{6});
}

// interop row 16: a receipt that nobody asked for still finds that it was not wanted.
TEST_F(ReceiptDeskTest, InteropRow16AReceiptThatNobodyAskedForFindsItsMessage) {
  (void)desk.accepted(flight(11, 0), "0xAB12", kDeskStart);
  const auto entry = desk.match(kUpstream, "0xab12", "258841234567", "SHOP", kMayWait);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 11U);
  EXPECT_EQ(entry->registered_delivery, 0);
  EXPECT_EQ(desk.map_stats().entries, 0U);
  EXPECT_EQ(desk.recent(), 1U);
}

// The older message, with a receipt, used to answer to an id that belongs to a newer one without.
TEST_F(ReceiptDeskTest, AnIdThatIsGivenAgainIsTheNewestMessagesWhoeverAskedForAReceipt) {
  facts().passes_ids_through = true;
  const auto means = [&] {
    const auto entry = desk.match(kUpstream, "4711", "258841234567", "SHOP", kMayWait);
    const auto shown = desk.find(0, "4711", snapshot, [](UpstreamId) { return true; });
    EXPECT_TRUE(entry && shown);
    EXPECT_EQ(shown->own, entry->own);
    return std::pair(entry->own, entry->registered_delivery);
  };
  Instant now = kDeskStart;
  for (const message::OwnId own : {11U, 13U, 15U}) {
    (void)desk.accepted(flight(own, 1), "4711", now += 10s);
    EXPECT_EQ(means(), std::pair(own, std::uint8_t{1})) << "with a receipt, after one without";
    (void)desk.accepted(flight(own + 1, 0), "04711", now += 10ms);
    EXPECT_EQ(means(), std::pair(own + 1, std::uint8_t{0})) << "without a receipt, after one with";
  }
}

TEST_F(ReceiptDeskTest, AReceiptWithBothAddressesRightStillGoesToTheNewestMessage) {
  upstream.receipts.id_format = "as_is";
  desk.configure(snapshot);
  message::Flight first = flight(11);
  first.source_hash = address_hash("SHOP");
  first.destination_hash = destination_hash("258841234567");
  (void)desk.accepted(first, "4711", kDeskStart);
  EXPECT_EQ(matched("4711"), 11U);
  (void)desk.accepted(flight(12, 0), "4711", kDeskStart + 1s);
  EXPECT_EQ(matched("4711"), 12U);
}

TEST_F(ReceiptDeskTest, OperationsFindAMessageByOurIdOrByTheOneThatWasShown) {
  (void)accept(11, "abc-1");
  const auto everywhere = [](UpstreamId) { return true; };
  const auto own = desk.find(11, "b", snapshot, everywhere);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->client, ClientId(3));
  EXPECT_EQ(own->source_hash, 77U);
  EXPECT_EQ(own->upstream_id, "abc-1");
  EXPECT_FALSE(desk.find(0, "abc-1", snapshot, everywhere)) << "the client never saw that id";
  facts().passes_ids_through = true;
  EXPECT_TRUE(desk.find(0, "abc-1", snapshot, everywhere));
  EXPECT_FALSE(desk.find(0, "abc-1", snapshot, [](UpstreamId) { return false; }));
}

TEST_F(ReceiptDeskTest, WhatWasLearntOutlivesAReloadUnlessTheFormatChanges) {
  (void)accept(11, "7F3A21B0");
  EXPECT_EQ(matched("2134516144", kAtLast), 11U);
  EXPECT_EQ(desk.matcher(kUpstream)->evidence().hex_to_dec, 1U);
  desk.configure(snapshot);
  EXPECT_EQ(desk.matcher(kUpstream)->evidence().hex_to_dec, 1U);
  upstream.receipts.id_format = "as_is";
  desk.configure(snapshot);
  EXPECT_EQ(desk.matcher(kUpstream)->evidence().hex_to_dec, 0U);
  EXPECT_EQ(desk.matcher(UpstreamId(4)), nullptr);
}

TEST_F(ReceiptDeskTest, EvidenceIsCountedForAConfiguredFormatTooAndTheLastPairIsKept) {
  upstream.receipts.id_format = "hex_to_dec";
  desk.configure(snapshot);
  (void)accept(11, "7F3A21B0");
  EXPECT_EQ(matched("2134516144"), 11U);
  const IdMatcher& matcher = *desk.matcher(kUpstream);
  EXPECT_EQ(matcher.evidence().hex_to_dec, 1U);
  EXPECT_EQ(matcher.configured(), smpp::IdFormat::hex_to_dec);
  EXPECT_EQ(matcher.last_pair().response(), "7F3A21B0");
  EXPECT_EQ(matcher.last_pair().receipt(), "2134516144");
}

TEST_F(ReceiptDeskTest, TlvsAreBelievedBeforeTheText) {
  auto builder = deliver("id:wrong sub:001 dlvrd:000 stat:UNDELIV err:011 text:hi");
  builder.add_tlv_text(TlvTag::receipted_message_id, "right");
  builder.add_tlv_u8(TlvTag::message_state, static_cast<std::uint8_t>(MessageState::delivered));
  const Report report = read_report(decode(builder), facts());
  EXPECT_EQ(report.receipt.id, "right");
  EXPECT_EQ(report.receipt.state, MessageState::delivered);
  const Report plain = read_report(decode(deliver("id:wrong stat:UNDELIV err:011")), facts());
  EXPECT_EQ(plain.receipt.id, "wrong");
  EXPECT_EQ(plain.receipt.state, MessageState::undeliverable);
}

TEST_F(ReceiptDeskTest, ACarriersOwnWordForAStateIsTranslated) {
  upstream.receipts.states = {{"OK", "DELIVRD"}};
  EXPECT_EQ(read_report(decode(deliver("id:1 stat:OK err:000")), facts()).receipt.state, MessageState::delivered);
}

TEST_F(ReceiptDeskTest, AnUnflaggedReceiptIsOneOnlyWhereConfigured) {
  const auto flagged = deliver("anything");
  const auto unflagged = deliver("id:1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD", 0);
  EXPECT_TRUE(is_report(decode(flagged), facts()));
  EXPECT_FALSE(is_report(decode(unflagged), facts()));
  upstream.receipts.detect_unflagged = true;
  EXPECT_TRUE(is_report(decode(unflagged), facts()));
  EXPECT_FALSE(is_report(decode(deliver("call me", 0)), facts()));
}

}  // namespace
}  // namespace smppd::flow
