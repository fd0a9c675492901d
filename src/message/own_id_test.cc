#include "message/own_id.h"

#include <set>

#include <gtest/gtest.h>

namespace smppd::message {
namespace {

const WallTime kNow = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)) + 13h;

TEST(OwnId, GrowsEvenWhenTheClockStandsStillOrGoesBack) {
  OwnIdGenerator generator(0, 0, kNow);
  OwnId last = 0;
  for (int i = 0; i < 10'000; ++i) {
    const OwnId id = generator.next(i % 3 == 0 ? kNow - 1h : kNow);
    EXPECT_GT(id, last);
    last = id;
  }
}

TEST(OwnId, DiffersBetweenShardsNodesAndRestarts) {
  OwnIdGenerator one(0, 0, kNow), two(0, 1, kNow), three(1, 0, kNow), later(0, 0, kNow + 1s);
  const std::set<OwnId> ids{one.next(kNow), two.next(kNow), three.next(kNow), later.next(kNow + 1s)};
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(shard_of(two.next(kNow)), 1U);
}

TEST(OwnId, ReadsBackEveryFormatItWrites) {
  OwnIdGenerator generator(3, 5, kNow);
  for (const auto format : {IdFormat::kHex, IdFormat::kDecimal, IdFormat::kUuid}) {
    const OwnId id = generator.next(kNow);
    EXPECT_EQ(parse_own_id(OwnIdText(id, format).view(), format), id);
    const OwnId brief = generator.next_short();
    EXPECT_EQ(OwnIdText(brief, format).view().size(), 8U);
    EXPECT_EQ(parse_own_id(OwnIdText(brief, format).view(), format), brief);
  }
}

TEST(OwnId, TextSortsLikeTime) {
  OwnIdGenerator generator(0, 0, kNow);
  const OwnIdText first(generator.next(kNow), IdFormat::kHex);
  const OwnIdText second(generator.next(kNow + 1s), IdFormat::kHex);
  EXPECT_LT(first.view(), second.view());
}

TEST(OwnId, RefusesWhatItCannotHaveWritten) {
  for (const char* text : {"", "0", "zzzzzzzzzzzzzzzz", "0123456789abcdef0", "736d7070-6400-8000-zzzz-000000000000"}) {
    EXPECT_FALSE(parse_own_id(text, IdFormat::kHex)) << text;
    EXPECT_FALSE(parse_own_id(text, IdFormat::kUuid)) << text;
  }
  EXPECT_FALSE(parse_own_id("12x", IdFormat::kDecimal));
}

TEST(OwnIdGenerator, GivesNoIdAgainWhenTheClockWasSetBack) {
  const WallTime before{std::chrono::sys_days(std::chrono::year(2027) / 3 / 1)};
  OwnIdGenerator old(1, 2, before);
  const OwnId given = old.next(before);
  OwnIdGenerator again(1, 2, before - std::chrono::hours(1));
  again.start_after(given);
  EXPECT_GT(again.next(before - std::chrono::hours(1)), given);
}

}  // namespace
}  // namespace smppd::message
