// Items that expire: told at their second, once for each hold, and only those that nobody holds.
#include <algorithm>
#include <numeric>

#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

namespace {

constexpr LaneId kLane{4};

Progress expiring(Moment due, Moment expires) {
  Progress progress = queued(kLane, due);
  progress.expires = expires;
  return progress;
}

std::vector<ItemId> numbers(ItemId from, std::size_t count) {
  std::vector<ItemId> ids(count);
  std::iota(ids.begin(), ids.end(), from);
  return ids;
}

}  // namespace

TEST_P(StoreConformance, AnItemExpiresAtItsSecondAndNotBefore) {
  open();
  shard().commit(one_item(1, expiring(now_, now_ + 10s), "in a lane"));
  shard().commit(one_item(2, expiring(now_ + 1h, now_ + 10s - 999ms), "waits, expires in the same second"));
  shard().commit(one_item(3, queued(kLane, now_), "never"));
  shard().commit(one_item(4, expiring(now_, Moment{}), "never, too"));
  now_ += 9999ms;
  shard().turn();
  EXPECT_TRUE(shard().expired.empty());
  now_ += 1ms;
  shard().turn();
  now_ += Partition::kSweepEvery;
  shard().turn();
  std::ranges::sort(shard().expired);
  EXPECT_EQ(shard().expired, numbers(1, 2));
  const auto left = shard().take(kLane);
  EXPECT_EQ(left.size(), 2U);
  now_ += 1h;
  shard().turn();
  EXPECT_EQ(shard().expired.size(), 2U);
  EXPECT_TRUE(shard().take(kLane).empty());
  EXPECT_EQ(shard().partition().stats().held, 4U);
  EXPECT_EQ(shard().item(1)->body, "in a lane");
  EXPECT_EQ(shard().item(1)->progress.expires, now_ - 1h - Partition::kSweepEvery);
}

TEST_P(StoreConformance, WhatTheConsumerHoldsOrFinishedIsNotToldToExpire) {
  open();
  Progress held = expiring(now_, now_ + 1s);
  held.held = true;
  shard().commit(one_item(1, held, "in hand from the start"));
  shard().commit(one_item(2, expiring(now_, now_ + 1s), "taken"));
  EXPECT_EQ(shard().take(kLane).size(), 1U);
  shard().commit(one_item(3, expiring(now_, now_ + 1s), "finished"));
  Transaction done;
  done.finish(3);
  shard().commit(done, Intake::kOwed);
  now_ += 10s;
  shard().turn();
  EXPECT_TRUE(shard().expired.empty());
}

TEST_P(StoreConformance, WhatIsPutBackOrAmendedExpiredIsToldAgain) {
  open();
  for (ItemId id = 1; id <= 3; ++id) shard().commit(one_item(id, expiring(now_, now_ + 1s), "x"));
  now_ += 1s;
  shard().turn();
  EXPECT_EQ(shard().expired.size(), 3U);
  shard().expired.clear();
  EXPECT_TRUE(shard().partition().put_back(1, now_ + 1h));
  Transaction steps;
  steps.amend(2, expiring(now_, now_));
  steps.amend(3, expiring(now_, now_ + 60s));  // a longer life
  shard().commit(steps, Intake::kOwed);
  now_ += Partition::kSweepEvery;
  shard().turn();
  std::ranges::sort(shard().expired);
  EXPECT_EQ(shard().expired, numbers(1, 2));
  EXPECT_EQ(shard().take(kLane).size(), 1U);
  EXPECT_TRUE(shard().partition().put_back(3, now_));
  now_ += 60s;
  shard().turn();
  EXPECT_EQ(shard().expired.back(), 3U);
}

TEST_P(StoreConformance, ManyThatExpireAtOnceComeInBoundedPieces) {
  open();
  constexpr ItemId kMany = 30'000;
  constexpr ItemId kPiece = 1000;
  for (ItemId id = 1; id <= kMany; id += kPiece) {
    Transaction piece;
    for (ItemId each = id; each < id + kPiece; ++each) {
      piece.enqueue(each, expiring(each % 2 == 0 ? now_ : now_ + 1h, now_ + 5s), as_bytes("x"));
    }
    shard().commit(piece);
  }
  now_ += 5s;
  // Each turn tells as many as allowed: the store asks for the next one itself.
  for (std::size_t turns = 0; turns <= kMany / Partition::kExpiredAtOnce + 1; ++turns) shard().turn();
  std::ranges::sort(shard().expired);
  EXPECT_EQ(shard().expired, numbers(1, kMany));
}

TEST_P(StoreRestart, ExpiryOutlivesTheProcess) {
  open();
  shard().commit(one_item(1, expiring(now_, now_ + 10s), "x"));
  shard().commit(one_item(2, expiring(now_, now_ + 10s), "x"));
  Transaction later;
  later.amend(2, expiring(now_, now_ + 20s));
  shard().commit(later, Intake::kOwed);
  shard().commit(one_item(3, expiring(now_, now_ + 10s), "x"));
  Transaction done;
  done.finish(3);
  shard().commit(done, Intake::kOwed);
  open();
  EXPECT_TRUE(shard().expired.empty());
  now_ += 10s;
  shard().turn();
  EXPECT_EQ(shard().expired, numbers(1, 1));
  open(2);  // what was held and not finished is told again
  shard(0).turn();
  shard(1).turn();
  EXPECT_EQ(shard(0).expired.size() + shard(1).expired.size(), 1U);
  now_ += 10s;
  shard(0).turn();
  shard(1).turn();
  EXPECT_EQ(shard(0).expired.size() + shard(1).expired.size(), 2U);
}

}  // namespace smppd::store::conformance
