#include "flow/internal/receipt_parking.h"

#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

using message::UpstreamId;
using smpp::canonical_id;
using Kind = ReceiptParking::Due::Kind;

constexpr UpstreamId kA{1};
constexpr UpstreamId kB{2};
const Instant kStart = Instant() + std::chrono::hours(1000);
constexpr ReceiptParking::Options kOptions{
    .early_hold = std::chrono::seconds(2), .park = std::chrono::seconds(60), .max_parked = 4};

std::optional<ReceiptParking::Parked> park(ReceiptParking& parking, std::string_view id, std::uint32_t sequence,
                                           Instant at = kStart, UpstreamId upstream = kA) {
  const std::string pdu = "pdu of " + std::string(id);
  return parking.park({.link = {9, 1}, .sequence_number = sequence, .upstream = upstream},
                      smpp::candidates(id, smpp::IdFormat::automatic), as_bytes(pdu), at);
}

// interop row 1: the receipt is there before the response.
TEST(ReceiptParking, InteropRow1AnEarlyReceiptIsFoundWhenItsIdBecomesKnown) {
  ReceiptParking parking(kOptions);
  EXPECT_FALSE(park(parking, "abc", 5));
  const auto taken = parking.take(kA, canonical_id("ABC"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->ticket.sequence_number, 5U);
  EXPECT_EQ(taken->ticket.link, (SlabHandle{9, 1}));
  EXPECT_EQ(as_text(taken->pdu), "pdu of abc");
  EXPECT_FALSE(taken->ticket.answered);
  EXPECT_EQ(taken->arrived, kStart);
  EXPECT_FALSE(parking.take(kA, canonical_id("abc")));
  EXPECT_TRUE(parking.empty());
  EXPECT_EQ(parking.stats().matched, 1U);
}

TEST(ReceiptParking, IsFoundByTheIdInTheOtherBase) {
  ReceiptParking parking(kOptions);
  EXPECT_FALSE(park(parking, "6699", 1));
  EXPECT_TRUE(parking.take(kA, canonical_id("1A2B")));
  EXPECT_FALSE(parking.take(kA, canonical_id("6699"))) << "all its keys go with it";
}

TEST(ReceiptParking, AnotherUpstreamsIdIsAnotherId) {
  ReceiptParking parking(kOptions);
  EXPECT_FALSE(park(parking, "abc", 1));
  EXPECT_FALSE(parking.take(kB, canonical_id("abc")));
  EXPECT_TRUE(parking.take(kA, canonical_id("abc")));
}

TEST(ReceiptParking, SeveralReceiptsOfOneMessageComeOutInTheirOrder) {
  ReceiptParking parking(kOptions);
  for (std::uint32_t sequence = 1; sequence <= 3; ++sequence) EXPECT_FALSE(park(parking, "abc", sequence));
  for (std::uint32_t sequence = 1; sequence <= 3; ++sequence) {
    EXPECT_EQ(parking.take(kA, canonical_id("abc"))->ticket.sequence_number, sequence);
  }
}

TEST(ReceiptParking, IsHeldThenAcknowledgedThenUnmatched) {
  ReceiptParking parking(kOptions);
  EXPECT_FALSE(parking.next_deadline());
  EXPECT_FALSE(park(parking, "abc", 1));
  EXPECT_EQ(parking.next_deadline(), kStart + std::chrono::seconds(2));
  EXPECT_FALSE(parking.next_due(kStart + std::chrono::milliseconds(1'999)));
  const auto first = parking.next_due(kStart + std::chrono::seconds(2));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, Kind::kAcknowledge);
  EXPECT_EQ(as_text(first->receipt.pdu), "pdu of abc");
  EXPECT_FALSE(parking.next_due(kStart + std::chrono::seconds(59)));
  EXPECT_EQ(parking.next_deadline(), kStart + std::chrono::seconds(60));
  const auto second = parking.next_due(kStart + std::chrono::seconds(60));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->kind, Kind::kUnmatched);
  EXPECT_TRUE(second->receipt.ticket.answered);
  EXPECT_EQ(as_text(second->receipt.pdu), "pdu of abc");
  EXPECT_FALSE(parking.next_due(kStart + std::chrono::hours(1)));
  EXPECT_EQ(parking.stats().unmatched, 1U);
}

TEST(ReceiptParking, AnAcknowledgedReceiptStillMatches) {
  ReceiptParking parking(kOptions);
  EXPECT_FALSE(park(parking, "abc", 1));
  EXPECT_TRUE(parking.next_due(kStart + std::chrono::seconds(3)));
  const auto taken = parking.take(kA, canonical_id("abc"));
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->ticket.answered) << "the caller must not answer twice";
}

TEST(ReceiptParking, TheOldestMakesRoomAtTheBound) {
  ReceiptParking parking(kOptions);
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_FALSE(park(parking, "id" + std::to_string(i), i));
  const auto pushed_out = park(parking, "id5", 5);
  ASSERT_TRUE(pushed_out);
  EXPECT_EQ(pushed_out->ticket.sequence_number, 1U);
  EXPECT_EQ(as_text(pushed_out->pdu), "pdu of id1");
  EXPECT_EQ(parking.stats().parked, 4U);
  EXPECT_EQ(parking.stats().pushed_out, 1U);
}

TEST(ReceiptParking, AReceiptWithoutIdOrWithoutRoomAtAllComesStraightBack) {
  ReceiptParking parking(kOptions);
  const auto back = park(parking, "", 8);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ticket.sequence_number, 8U);
  ReceiptParking none({.max_parked = 0});
  EXPECT_TRUE(park(none, "abc", 1));
  EXPECT_TRUE(none.empty());
}

TEST(ReceiptParking, HandsEverythingBackAtTheEnd) {
  ReceiptParking parking(kOptions);
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_FALSE(park(parking, "id" + std::to_string(i), i));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(parking.next_due(Instant::max())->kind, Kind::kUnmatched);
  EXPECT_FALSE(parking.next_due(Instant::max()));
}

// Every receipt that goes in comes out once: matched, unmatched or pushed out, and is acknowledged at most once before.
TEST(ReceiptParking, EachReceiptComesOutExactlyOnceUnderRandomOperations) {
  std::mt19937 random(11);
  ReceiptParking parking({.early_hold = std::chrono::seconds(2), .park = std::chrono::seconds(30), .max_parked = 200});
  std::set<std::uint32_t> inside;
  std::set<std::uint32_t> acknowledged;
  std::uint32_t sequence = 0;
  Instant now = kStart;
  const auto out = [&](const ReceiptParking::Parked& receipt) {
    ASSERT_EQ(inside.erase(receipt.ticket.sequence_number), 1U);
    ASSERT_EQ(acknowledged.contains(receipt.ticket.sequence_number), receipt.ticket.answered);
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto id = std::to_string(random() % 500);
    if (random() % 2 == 0) {
      inside.insert(++sequence);
      if (const auto pushed_out = park(parking, id, sequence, now)) out(*pushed_out);
    } else if (const auto taken = parking.take(kA, canonical_id(id))) {
      out(*taken);
    }
    now += std::chrono::milliseconds(random() % 100);
    while (const auto due = parking.next_due(now)) {
      if (due->kind == Kind::kUnmatched) {
        out(due->receipt);
      } else {
        ASSERT_TRUE(acknowledged.insert(due->receipt.ticket.sequence_number).second);
      }
    }
    ASSERT_EQ(parking.stats().parked, inside.size());
  }
}

}  // namespace
}  // namespace smppd::flow
