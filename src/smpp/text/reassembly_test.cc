#include "smpp/text/reassembly.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace smppd::smpp::reassembly_test {
namespace {

using Outcome = Reassembler::Outcome;

constexpr Instant at(int seconds) { return Instant(std::chrono::seconds(seconds)); }

Reassembler::Added add(Reassembler& reassembler, int now, int ref, int total, int part, std::string_view octets,
                       std::string_view key = "a>b") {
  return reassembler.add(
      at(now), key,
      Concat{static_cast<std::uint16_t>(ref), static_cast<std::uint8_t>(total), static_cast<std::uint8_t>(part), false},
      as_bytes(octets), static_cast<std::uint64_t>(part));
}

TEST(Interop, Row43_TheLastPartNeedNotComeLast) {
  Reassembler reassembler({});
  EXPECT_EQ(add(reassembler, 0, 7, 3, 3, "c").outcome, Outcome::waiting);
  EXPECT_EQ(add(reassembler, 0, 7, 3, 1, "a").outcome, Outcome::waiting);
  const auto done = add(reassembler, 0, 7, 3, 2, "b");
  ASSERT_EQ(done.outcome, Outcome::complete);
  ASSERT_TRUE(done.message);
  EXPECT_TRUE(done.message->complete());
  EXPECT_EQ(done.message->joined(), "abc");
  EXPECT_EQ(done.message->key, "a>b");
  EXPECT_EQ(done.message->parts[2].tag, 3U);
  EXPECT_EQ(reassembler.messages(), 0U);
  EXPECT_EQ(reassembler.octets(), 0U);
}

TEST(Interop, Row43_DuplicatesAreKnownBeforeAndAfterTheMessageIsWhole) {
  Reassembler reassembler({});
  EXPECT_EQ(add(reassembler, 0, 7, 2, 1, "a").outcome, Outcome::waiting);
  EXPECT_EQ(add(reassembler, 1, 7, 2, 1, "a").outcome, Outcome::duplicate);
  EXPECT_EQ(add(reassembler, 2, 7, 2, 2, "b").outcome, Outcome::complete);
  EXPECT_EQ(add(reassembler, 3, 7, 2, 2, "b").outcome, Outcome::duplicate);
  EXPECT_EQ(add(reassembler, 3, 7, 2, 1, "a").outcome, Outcome::duplicate);
  EXPECT_EQ(add(reassembler, 100, 7, 2, 1, "a").outcome, Outcome::waiting);  // no longer remembered: another message
}

TEST(Interop, Row43_AnIncompleteMessageIsGivenOutAfterTheTimeoutAndSaysSo) {
  Reassembler reassembler({});
  (void)add(reassembler, 0, 7, 3, 3, "c");
  (void)add(reassembler, 10, 8, 2, 1, "x");
  (void)add(reassembler, 290, 7, 3, 1, "a");  // does not prolong the wait
  EXPECT_EQ(reassembler.next_deadline(), at(300));
  EXPECT_FALSE(reassembler.expire(at(299)));
  const auto expired = reassembler.expire(at(300));
  ASSERT_TRUE(expired);
  EXPECT_FALSE(expired->complete());
  EXPECT_EQ(expired->joined(), "ac");
  EXPECT_EQ(expired->concat.total, 3);
  EXPECT_FALSE(reassembler.expire(at(300)));
  EXPECT_TRUE(reassembler.drain());
  EXPECT_FALSE(reassembler.drain());
  EXPECT_FALSE(reassembler.next_deadline());
  EXPECT_EQ(reassembler.octets(), 0U);
}

TEST(Reassembler, AReusedReferenceBeginsAnotherMessageAndGivesOutTheOld) {
  Reassembler reassembler({});
  (void)add(reassembler, 0, 7, 2, 1, "old");
  const auto displaced = add(reassembler, 1, 7, 2, 1, "new");
  EXPECT_EQ(displaced.outcome, Outcome::waiting);
  ASSERT_TRUE(displaced.message);
  EXPECT_EQ(displaced.message->joined(), "old");
  EXPECT_EQ(add(reassembler, 2, 7, 2, 2, "!").message->joined(), "new!");
  // After completion too.
  EXPECT_EQ(add(reassembler, 3, 7, 2, 2, "?").outcome, Outcome::waiting);
  EXPECT_EQ(add(reassembler, 3, 7, 2, 1, "again").message->joined(), "again?");
}

TEST(Reassembler, PartsMeetOnlyUnderOneKeyReferenceTotalAndWidth) {
  Reassembler reassembler({});
  (void)add(reassembler, 0, 7, 2, 1, "a");
  EXPECT_EQ(add(reassembler, 0, 7, 2, 2, "b", "a>c").outcome, Outcome::waiting);
  EXPECT_EQ(add(reassembler, 0, 8, 2, 2, "b").outcome, Outcome::waiting);
  EXPECT_EQ(add(reassembler, 0, 7, 3, 2, "b").outcome, Outcome::waiting);
  EXPECT_EQ(reassembler.add(at(0), "a>b", Concat{7, 2, 2, true}, as_bytes("b")).outcome, Outcome::waiting);
  EXPECT_EQ(reassembler.messages(), 5U);
}

TEST(Reassembler, RefusesAtItsBoundsAndKeepsWhatItHas) {
  Reassembler::Limits limits;
  limits.max_messages = 2;
  Reassembler few(limits);
  (void)add(few, 0, 1, 2, 1, "a");
  (void)add(few, 0, 2, 2, 1, "a");
  EXPECT_EQ(add(few, 0, 3, 2, 1, "a").outcome, Outcome::refused);
  EXPECT_EQ(add(few, 0, 1, 2, 2, "b").outcome, Outcome::complete);
  EXPECT_EQ(add(few, 0, 3, 2, 1, "a").outcome, Outcome::waiting);

  limits.max_octets = 4096;
  limits.max_messages = 1000;
  Reassembler small(limits);
  int accepted = 0;
  while (add(small, 0, accepted, 2, 1, std::string(100, 'x')).outcome == Outcome::waiting) ++accepted;
  EXPECT_GT(accepted, 4);
  EXPECT_LE(small.octets(), 4096U);
  EXPECT_EQ(add(small, 0, 1, 2, 2, std::string(5000, 'x')).outcome, Outcome::refused);
}

TEST(Reassembler, ANumberOutsideTheMessageIsRefused) {
  Reassembler reassembler({});
  EXPECT_EQ(add(reassembler, 0, 1, 2, 0, "a").outcome, Outcome::refused);
  EXPECT_EQ(add(reassembler, 0, 1, 2, 3, "a").outcome, Outcome::refused);
  EXPECT_EQ(add(reassembler, 0, 1, 1, 1, "a").outcome, Outcome::complete);
}

TEST(Reassembler, RemembersABoundedNumberOfCompletedMessages) {
  Reassembler::Limits limits;
  limits.max_messages = 3;
  Reassembler reassembler(limits);
  for (int ref = 0; ref < 5; ++ref) EXPECT_EQ(add(reassembler, 0, ref, 1, 1, "a").outcome, Outcome::complete);
  EXPECT_EQ(add(reassembler, 0, 4, 1, 1, "a").outcome, Outcome::duplicate);
  EXPECT_EQ(add(reassembler, 0, 0, 1, 1, "a").outcome, Outcome::complete);
}

RC_GTEST_PROP(Reassembler, EveryOrderWithDuplicatesYieldsEachMessageOnce, ()) {
  struct Arrival {
    int message;
    int part;
  };
  const int messages = *rc::gen::inRange(1, 5);
  std::vector<int> totals;
  std::vector<Arrival> arrivals;
  for (int m = 0; m < messages; ++m) {
    totals.push_back(*rc::gen::inRange(1, 6));
    for (int p = 1; p <= totals.back(); ++p) arrivals.insert(arrivals.end(), *rc::gen::inRange(1, 3), {m, p});
  }
  for (std::size_t i = arrivals.size(); i > 1; --i) {
    std::swap(arrivals[i - 1], arrivals[*rc::gen::inRange<std::size_t>(0, i)]);
  }
  Reassembler reassembler({});
  std::vector<int> completed(totals.size());
  for (const auto& [message, part] : arrivals) {
    const auto index = static_cast<std::size_t>(message);
    const auto text = std::to_string(message) + ":" + std::to_string(part) + ";";
    const auto added = add(reassembler, 0, message, totals[index], part, text);
    if (added.outcome != Outcome::complete) continue;
    ++completed[index];
    std::string expected;
    for (int p = 1; p <= totals[index]; ++p) expected += std::to_string(message) + ":" + std::to_string(p) + ";";
    RC_ASSERT(added.message->joined() == expected);
  }
  RC_ASSERT(std::count(completed.begin(), completed.end(), 1) == messages);
  RC_ASSERT(reassembler.octets() == 0U);
}

}  // namespace
}  // namespace smppd::smpp::reassembly_test
