// Receipts that come before their message's response: they wait for it rather than count as another message's.
#include <array>
#include <charconv>
#include <string>

#include "flow/internal/receipt_desk_test_support.h"

namespace smppd::flow {
namespace {

using enum ReceiptDesk::Patience;

// One that came too early would be taken for one of message a, 10 in the other base.
struct EarlyReceiptTest : ReceiptDeskTest {
  using ReceiptDeskTest::ReceiptDeskTest;
  static constexpr std::string_view kSender = "SHOP";
  message::Flight sent(message::OwnId id, std::string_view destination, std::uint8_t registered_delivery = 1) {
    message::Flight result = flight(id, registered_delivery);
    result.source_hash = address_hash(kSender);
    result.destination_hash = destination_hash(destination);
    result.destination_tail = internal::destination_tail(destination);
    return result;
  }
  void tell(message::OwnId id, std::string_view theirs, std::string_view destination) {
    (void)desk.accepted(sent(id, destination), theirs, kDeskStart);
    const auto entry = desk.match(kUpstream, theirs, destination, kSender, kMayWait);
    ASSERT_TRUE(entry);
    desk.tell(entry->ref);
    (void)desk.told(entry->ref, true, kDeskStart);
  }
  void expect_it_waits_for_16(std::string_view destination) {
    ASSERT_FALSE(desk.match(kUpstream, "10", destination, kSender, kMayWait));
    ASSERT_FALSE(desk.park(ticket(5), "10", {}, kDeskStart));
    EXPECT_EQ(desk.accepted(sent(16, destination), "10", kDeskStart).size(), 1U);
    const auto entry = desk.match(kUpstream, "10", destination, kSender, kMayWait);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->own, 16U);
  }
};

TEST_F(EarlyReceiptTest, OfTheFirstMessagesWaitsForItsOwn) {
  tell(10, "a", "258840000001");
  expect_it_waits_for_16("258840000002");
}

TEST_F(EarlyReceiptTest, WaitsAlsoWhenTheHashOfItsDestinationIsThatOfAMessageThatWasTold) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  std::uint64_t other = 258'840'000'002;
  while (destination_hash(std::to_string(other)) != destination_hash("258840000001")) ++other;
  tell(10, "a", "258840000001");
  expect_it_waits_for_16(std::to_string(other));
}

TEST_F(EarlyReceiptTest, OfTheFirstMessagesWaitsAlsoWhenAnotherHasTheIdAsItIsWritten) {
  (void)desk.accepted(sent(16, "258840000001"), "10", kDeskStart);
  EXPECT_FALSE(desk.match(kUpstream, "10", "258840000002", kSender, kMayWait)) << "it is of message 10, in hexadecimal";
  (void)desk.accepted(sent(10, "258840000002"), "a", kDeskStart);
  const auto entry = desk.match(kUpstream, "10", "258840000002", kSender, kMayWait);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 10U);
}

// So many are no early ones.
TEST_F(EarlyReceiptTest, EightThatOnlyTheOtherReadingNamesTeachHowIdsAreWritten) {
  for (message::OwnId id = 1; id <= 9; ++id) {
    (void)desk.accepted(sent(id, "258840000001"), "ab" + std::to_string(id), kDeskStart);
    const auto entry = desk.match(kUpstream, std::to_string(0xab0 + id), "258840000001", kSender, kMayWait);
    EXPECT_EQ(entry ? entry->own : 0, id < 8 ? 0U : id);
  }
}

TEST_F(EarlyReceiptTest, OneThatIsLookedAtOftenTeachesNothing) {
  (void)desk.accepted(sent(1, "258840000001"), "ab1", kDeskStart);
  (void)desk.accepted(sent(2, "258840000001"), "ab2", kDeskStart);
  for (int look = 0; look < 8; ++look) {
    EXPECT_FALSE(desk.match(kUpstream, std::to_string(0xab1), "258840000001", kSender, kMayWait));
    EXPECT_FALSE(desk.match(kUpstream, std::to_string(0xab2), "258840000001", kSender, kMayWait));
  }
}

// Nor do the certain ones: they may be early receipts of messages whose ids are those of others in the other base.
TEST_F(EarlyReceiptTest, ManyWithACertainOneBetweenTeachNothing) {
  for (message::OwnId id = 1; id <= 9; ++id) {
    (void)desk.accepted(sent(id, "258840000001"), "ab" + std::to_string(id), kDeskStart);
    EXPECT_FALSE(desk.match(kUpstream, std::to_string(0xab0 + id), "258840000001", kSender, kMayWait));
    tell(100 + id, "cd" + std::to_string(id), "258840000001");
    EXPECT_FALSE(desk.matcher(kUpstream)->trusts_first_hit());
  }
}

TEST_F(EarlyReceiptTest, ThreeThatNobodyElseClaimedInTimeTeachHowIdsAreWritten) {
  for (message::OwnId id = 1; id <= 4; ++id) {
    (void)desk.accepted(sent(id, "258840000001"), "ab" + std::to_string(id), kDeskStart);
    const std::string receipt_id = std::to_string(0xab0 + id);
    EXPECT_EQ(desk.match(kUpstream, receipt_id, "258840000001", kSender, kMayWait).has_value(), id > 3);
    EXPECT_TRUE(desk.match(kUpstream, receipt_id, "258840000001", kSender, kHeld));
  }
}

TEST_F(EarlyReceiptTest, ThatMayBeOfTwoMessagesWaitsUntilItIsKnownHowIdsAreWritten) {
  (void)desk.accepted(sent(10, "258840000001"), "a", kDeskStart);
  (void)desk.accepted(sent(16, "258840000001"), "10", kDeskStart);
  EXPECT_FALSE(desk.match(kUpstream, "10", "258840000001", kSender, kMayWait));
  for (message::OwnId id = 1; id <= 8; ++id) {
    (void)desk.accepted(sent(id, "258840000001"), "ab" + std::to_string(id), kDeskStart);
    (void)desk.match(kUpstream, std::to_string(0xab0 + id), "258840000001", kSender, kMayWait);
  }
  const auto entry = desk.match(kUpstream, "10", "258840000001", kSender, kHeld);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 10U);
}

TEST_F(EarlyReceiptTest, WaitsAlsoWhenAMessageWithoutAReceiptHasItsOtherReading) {
  (void)desk.accepted(sent(10, "258840000001", 0), "a", kDeskStart);
  expect_it_waits_for_16("258840000002");
}

// An SMSC that was started again counts from one again.
TEST_F(EarlyReceiptTest, WaitsAlsoWhenItsIdWasThatOfAnotherMessageThatWasTold) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  tell(10, "10", "258840000001");
  expect_it_waits_for_16("258840000002");
}

TEST_F(EarlyReceiptTest, WhoseMessageDoesNotComeIsARepetitionInTheEnd) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  tell(10, "10", "258840000001");
  for (const auto patience : {kMayWait, kHeld}) {
    EXPECT_FALSE(desk.match(kUpstream, "10", "258840000002", kSender, patience));
  }
  const auto entry = desk.match(kUpstream, "10", "258840000002", kSender, kAtLast);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->final_seen);
}

struct EarlyReceiptOfAMessageWithoutOne : EarlyReceiptTest {
  EarlyReceiptOfAMessageWithoutOne() {
    for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
    (void)desk.accepted(sent(10, "258840000001", 0), "10", kDeskStart);
  }
};

TEST_F(EarlyReceiptOfAMessageWithoutOne, WaitsWhenItIsToAnotherNumber) { expect_it_waits_for_16("258840000002"); }

TEST_F(EarlyReceiptOfAMessageWithoutOne, IsOfThatInTheEnd) {
  for (const auto patience : {kMayWait, kHeld}) {
    EXPECT_FALSE(desk.match(kUpstream, "10", "258840000002", kSender, patience));
  }
  const auto entry = desk.match(kUpstream, "10", "258840000002", kSender, kAtLast);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 10U);
  EXPECT_EQ(entry->registered_delivery, 0);
}

TEST_F(EarlyReceiptOfAMessageWithoutOne, IsOfThatAtOnceWhenItMayBeToTheSameNumber) {
  using Ends = std::array<std::string_view, 2>;
  for (const auto& [source, destination] :
       {Ends{"258840000001", kSender}, Ends{"840000001", kSender}, Ends{"+44700900001", kSender},
        Ends{kSender, "258840000001"}, Ends{"", ""}}) {
    const auto entry = desk.match(kUpstream, "10", source, destination, kMayWait);
    ASSERT_TRUE(entry) << source;
    EXPECT_EQ(entry->own, 10U);
  }
}

// The SMSC has given the id again since, to a message to another number of which nobody wants to hear.
TEST_F(EarlyReceiptTest, NoReceiptIsTakenForThatOfANewerMessageWithoutOneToAnotherNumber) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  (void)desk.accepted(sent(11, "258840000001"), "4711", kDeskStart);
  (void)desk.accepted(sent(12, "258840000002", 0), "4711", kDeskStart + std::chrono::seconds(1));
  const auto older = desk.match(kUpstream, "4711", "258840000001", kSender, kMayWait);
  ASSERT_TRUE(older);
  EXPECT_EQ(older->own, 11U);
  const auto of_whom = desk.match(kUpstream, "4711", "258840000001", "ANOTHER", kMayWait);
  ASSERT_TRUE(of_whom);
  EXPECT_EQ(of_whom->own, 11U) << "its destination is enough";
  const auto plainly = desk.find_plainly(kUpstream, "4711", "258840000001", kSender);
  ASSERT_TRUE(plainly);
  EXPECT_EQ(plainly->own, 11U);
  const auto newer = desk.match(kUpstream, "4711", "258840000002", kSender, kMayWait);
  ASSERT_TRUE(newer);
  EXPECT_EQ(newer->own, 12U);
  EXPECT_FALSE(desk.find_plainly(kUpstream, "4711", "258840000002", kSender));
}

struct ForgetfulEarlyReceiptTest : EarlyReceiptTest {
  ForgetfulEarlyReceiptTest() : EarlyReceiptTest({.untracked_entries = 2}) {}
  void tell_one_to_forget() {
    tell(10, "10", "258840000001");
    for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
    ASSERT_FALSE(desk.find_theirs(kUpstream, "10"));
  }
};

TEST_F(ForgetfulEarlyReceiptTest, WaitsAlsoWhenItsIdWasThatOfAMessageThatIsForgottenButForThatItWasTold) {
  tell_one_to_forget();
  expect_it_waits_for_16("258840000002");
}

TEST_F(ForgetfulEarlyReceiptTest, WhoseMessageDoesNotComeIsARepetitionInTheEnd) {
  tell_one_to_forget();
  for (const auto patience : {kMayWait, kHeld}) {
    EXPECT_FALSE(desk.match(kUpstream, "10", "258840000002", kSender, patience));
  }
  const auto entry = desk.match(kUpstream, "10", "258840000002", kSender, kAtLast);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->final_seen);
}

TEST_F(ForgetfulEarlyReceiptTest, WhatIsKnownOfATellingIsNotKeptTwice) {
  tell_one_to_forget();
  const auto before = desk.map_stats();
  desk.recall_told(sent(10, "258840000001"), "10", kDeskStart);
  desk.recall_told(sent(1040, "258840000001"), "abc40", kDeskStart);
  EXPECT_EQ(desk.map_stats().inserted, before.inserted);
  desk.recall_told(sent(11, "258840000002"), "10", kDeskStart);
  EXPECT_EQ(desk.map_stats().inserted, before.inserted + 1) << "another message";
}

TEST_F(ForgetfulEarlyReceiptTest, ToTheSameNumberIsARepetition) {
  tell_one_to_forget();
  const auto entry = desk.match(kUpstream, "10", "258840000001", kSender, kMayWait);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->final_seen);
}

TEST_F(EarlyReceiptTest, WhoseMessageDoesNotComeIsOfTheOneItsOtherReadingNames) {
  (void)desk.accepted(sent(10, "258840000001"), "a", kDeskStart);
  EXPECT_FALSE(desk.match(kUpstream, "10", "258840000001", kSender, kMayWait));
  const auto entry = desk.match(kUpstream, "10", "258840000001", kSender, kHeld);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 10U);
}

TEST_F(EarlyReceiptTest, WhoseMessageDoesNotComeWaitsToTheLastWhereItIsKnownHowIdsAreWritten) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  (void)desk.accepted(sent(10, "258840000001"), "a", kDeskStart);
  EXPECT_FALSE(desk.match(kUpstream, "10", "258840000001", kSender, kHeld));
  const auto entry = desk.match(kUpstream, "10", "258840000001", kSender, kAtLast);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->own, 10U);
}

TEST_F(EarlyReceiptTest, WaitsAlsoWhenTheMessageOfItsOtherReadingHasTheSameAddresses) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  (void)desk.accepted(sent(10, "258840000001"), "a", kDeskStart);
  expect_it_waits_for_16("258840000001");
}

TEST_F(EarlyReceiptTest, NeedNotWaitWhereOneInSixtyFourIsWrittenInTheOtherBase) {
  for (message::OwnId id = 1; id <= 40; ++id) tell(1000 + id, "abc" + std::to_string(id), "258840000001");
  message::OwnId next = 0x20'0000;
  const auto in_the_other_base = [&](ReceiptDesk::Patience patience) {
    std::array<char, 16> text{};
    const std::string theirs(text.data(), std::to_chars(text.data(), text.data() + text.size(), ++next, 16).ptr);
    (void)desk.accepted(sent(next, "258840000002"), theirs, kDeskStart);
    const auto entry = desk.match(kUpstream, std::to_string(next), "258840000002", kSender, patience);
    return entry && entry->own == next;
  };
  EXPECT_FALSE(in_the_other_base(kMayWait));
  EXPECT_TRUE(in_the_other_base(kAtLast));
  auto tell_usual = [&, usual = message::OwnId{2000}](int count) mutable {
    for (int i = 0; i < count; ++i, ++usual) tell(usual, "abc" + std::to_string(usual), "258840000001");
  };
  tell_usual(62);
  EXPECT_TRUE(in_the_other_base(kMayWait));
  tell_usual(63);
  EXPECT_TRUE(in_the_other_base(kMayWait)) << "since the last one";
  tell_usual(64);
  EXPECT_FALSE(in_the_other_base(kMayWait));
}

}  // namespace
}  // namespace smppd::flow
