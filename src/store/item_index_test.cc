#include "store/item_index.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "store/crc32c.h"

namespace smppd::store {

namespace {

Moment at_ms(std::int64_t ms) { return Moment(std::chrono::milliseconds(ms)); }

Progress in_lane(std::uint32_t lane, std::int64_t due) {
  Progress progress;
  progress.lane = LaneId(lane);
  progress.due = at_ms(due);
  return progress;
}

std::vector<ItemId> take(ItemIndex& index, std::uint32_t lane, std::size_t limit) {
  std::vector<ItemIndex::Index> taken;
  index.take(LaneId(lane), limit, taken);
  std::vector<ItemId> ids;
  ids.reserve(taken.size());
  for (const auto each : taken) ids.push_back(index.id(each));
  return ids;
}

}  // namespace

TEST(ItemIndex, KeepsWhatItIsTold) {
  ItemIndex index;
  Progress progress = in_lane(9, 1'800'000'000'123);
  progress.state = 4;
  progress.attempts = 65'535;
  progress.mark = ~0U;
  progress.expires = at_ms(1'900'000'000'000);
  const auto at = index.add(77, progress, {(1ULL << 48) - 8, 65'535});
  EXPECT_EQ(index.find(77), at);
  EXPECT_EQ(index.find(78), ItemIndex::kNone);
  EXPECT_EQ(index.progress(at), progress);
  EXPECT_EQ(index.place(at), (ItemIndex::Place{(1ULL << 48) - 8, 65'535}));
}

Progress in_order(std::uint32_t order, std::uint32_t lane = 1, std::int64_t due = 0) {
  Progress progress = in_lane(lane, due);
  progress.order = order;
  return progress;
}

TEST(ItemIndex, OfAnOrderGivesTheOldestUntilItIsGone) {
  ItemIndex index;
  for (ItemId id = 1; id <= 6; ++id) index.add(id, in_order(id % 2 == 0 ? 7 : 0), {});
  EXPECT_EQ(take(index, 1, 100), (std::vector<ItemId>{1, 2, 3, 5}));
  EXPECT_EQ(index.progress(index.find(4)).order, 7U);
  EXPECT_FALSE(index.progress(index.find(4)).held);
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{});
  std::vector<LaneId> woken;
  index.advance(at_ms(1), 100, woken);
  woken.clear();
  index.remove(index.find(2));
  index.advance(at_ms(2), 100, woken);
  EXPECT_EQ(woken, std::vector<LaneId>{LaneId(1)}) << "whoever has emptied the lane is told";
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{4});
  EXPECT_TRUE(index.in_order(7));
  index.remove(index.find(4));
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{6});
  index.remove(index.find(6));
  EXPECT_FALSE(index.in_order(7));
  EXPECT_FALSE(index.in_order(8));
}

TEST(ItemIndex, AnOldestThatWaitsForLaterHoldsBackTheOthersOfItsOrderInAllLanes) {
  ItemIndex index;
  index.add(1, in_order(7, 1), {});
  index.add(2, in_order(7, 2), {});
  index.add(3, in_order(8, 2), {});
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{1});
  index.put_back(index.find(1), at_ms(500));
  EXPECT_EQ(take(index, 2, 100), std::vector<ItemId>{3});
  std::vector<LaneId> woken;
  index.advance(at_ms(500), 100, woken);
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{1});
  EXPECT_EQ(take(index, 2, 100), std::vector<ItemId>{});
  index.amend(index.find(1), in_lane(1, 0));
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{1}) << "a step on the way keeps the order";
  EXPECT_EQ(take(index, 2, 100), std::vector<ItemId>{});
  index.remove(index.find(1));
  EXPECT_EQ(take(index, 2, 100), std::vector<ItemId>{2});
}

TEST(ItemIndex, WhatIsBehindAnotherExpiresIsClaimedAndGoesLikeTheRest) {
  ItemIndex index;
  Progress mortal = in_order(7);
  mortal.expires = at_ms(1'000);
  index.add(1, in_order(7), {});
  index.add(2, mortal, {});
  index.add(3, in_order(7), {});
  index.add(4, in_order(7), {});
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{1});
  std::vector<ItemId> expired;
  index.expire(at_ms(1'000), 10, 1'000'000, expired);
  EXPECT_EQ(expired, std::vector<ItemId>{2});
  index.remove(index.find(2));
  EXPECT_TRUE(index.hold(index.find(3)));
  index.remove(index.find(1));
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{}) << "the oldest is somebody's";
  index.put_back(index.find(3), at_ms(0));
  EXPECT_EQ(take(index, 1, 100), std::vector<ItemId>{3});
  index.remove(index.find(4));
  index.remove(index.find(3));
  EXPECT_EQ(index.size(), 0U);
  EXPECT_EQ(index.held(), 0U);
}

// One destination of a client with a hundred thousand messages: no pause, and the others are found.
TEST(ItemIndex, PassesABoundedNumberAtOnceOfThoseThatAreBehind) {
  ItemIndex index;
  constexpr ItemId kMany = 100'000;
  for (ItemId id = 1; id <= kMany; ++id) index.add(id, in_order(7), {});
  index.add(kMany + 1, in_order(0), {});
  std::vector<ItemIndex::Index> taken;
  EXPECT_TRUE(index.take(LaneId(1), 10, taken));
  EXPECT_EQ(taken.size(), 1U);
  std::size_t asked = 1;
  for (; taken.size() < 2; ++asked) index.take(LaneId(1), 10, taken);
  EXPECT_GE(asked, 50U);
  EXPECT_LE(asked, 200U);
  EXPECT_EQ(index.id(taken[1]), kMany + 1);
  for (ItemId id = 1; id < 1'000; ++id) {
    index.remove(index.find(id));
    EXPECT_EQ(take(index, 1, 10), std::vector<ItemId>{id + 1});
  }
}

TEST(ItemIndex, GivesAtTheDueMillisecondAndNotBefore) {
  ItemIndex index;
  std::vector<LaneId> woken;
  index.advance(at_ms(1000), 100, woken);
  for (std::int64_t due = 1001; due <= 1300; ++due) index.add(static_cast<ItemId>(due), in_lane(1, due), {});
  for (std::int64_t now = 1001; now <= 1300; ++now) {
    EXPECT_EQ(index.advance(at_ms(now), 100, woken), false);
    EXPECT_EQ(take(index, 1, 10), std::vector<ItemId>{static_cast<ItemId>(now)});
  }
  EXPECT_EQ(index.next_due(), kNever);
}

TEST(ItemIndex, MovesNoMoreAtOnceThanAllowed) {
  ItemIndex index;
  for (ItemId id = 1; id <= 100; ++id) index.add(id, in_lane(1, 500), {});
  std::vector<LaneId> woken;
  EXPECT_TRUE(index.advance(at_ms(500), 30, woken));
  EXPECT_EQ(take(index, 1, 100).size(), 30U);
  EXPECT_FALSE(index.advance(at_ms(500), 70, woken));
  EXPECT_EQ(take(index, 1, 100).size(), 70U);
}

TEST(ItemIndex, ASweepLooksAtNoMoreThanAllowedAndGoesOnWhereItEnded) {
  ItemIndex index;
  constexpr ItemId kItems = 20'000;
  for (ItemId id = 1; id <= kItems; ++id) {
    Progress progress = in_lane(1, 10);
    progress.expires = at_ms(5000);
    index.add(id, progress, {});
  }
  std::vector<ItemId> expired;
  EXPECT_FALSE(index.expire(at_ms(4999), 10, 1'000'000, expired));
  EXPECT_TRUE(expired.empty());
  EXPECT_TRUE(index.expire(at_ms(5000), 10, 1'000'000, expired));
  EXPECT_EQ(expired.size(), 10U);
  std::size_t most = 0;
  for (int sweeps = 0; sweeps < 6; ++sweeps) {
    const std::size_t before = expired.size();
    EXPECT_FALSE(index.expire(at_ms(5000), kItems, 1, expired));
    most = std::max(most, expired.size() - before);
  }
  EXPECT_LE(most, 4096U);
  EXPECT_EQ(expired.size(), kItems);
  EXPECT_EQ(index.held(), kItems);
  EXPECT_FALSE(index.expire(at_ms(9000), kItems, 1'000'000, expired));
  EXPECT_EQ(expired.size(), kItems);
}

TEST(ItemIndex, AClockThatGoesBackChangesNothing) {
  ItemIndex index;
  std::vector<LaneId> woken;
  index.advance(at_ms(10'000), 10, woken);
  index.add(1, in_lane(1, 9000), {});
  index.advance(at_ms(1), 10, woken);
  EXPECT_EQ(take(index, 1, 10).size(), 1U);
}

TEST(ItemIndex, SortsWhatRecoveryBroughtInAnotherOrder) {
  ItemIndex index;
  std::vector<LaneId> woken;
  index.advance(at_ms(1000), 10, woken);
  for (const ItemId id : {5, 1, 4, 2, 3}) index.add(id, in_lane(1, 10), {});
  index.add(6, in_lane(1, 5), {});
  index.sort_ready();
  EXPECT_EQ(take(index, 1, 10), (std::vector<ItemId>{6, 1, 2, 3, 4, 5}));
}

TEST(ItemIndex, AgreesWithAMapUnderRandomUse) {
  ItemIndex index;
  std::map<ItemId, Progress> model;
  std::mt19937_64 random(7);
  std::vector<LaneId> woken;
  std::int64_t now = 1000;
  for (int i = 0; i < 200'000; ++i) {
    const ItemId id = 1 + random() % 3000;
    const auto at = index.find(id);
    ASSERT_EQ(at != ItemIndex::kNone, model.contains(id));
    Progress progress =
        in_lane(static_cast<std::uint32_t>(random() % 5), now + static_cast<std::int64_t>(random() % 2000));
    progress.mark = static_cast<std::uint32_t>(random());
    if (random() % 2 == 0) progress.expires = at_ms(1'000'000'000 * (1 + static_cast<std::int64_t>(random() % 50)));
    progress.held = random() % 4 == 0;
    if (at == ItemIndex::kNone) {
      index.add(id, progress, {id * 8, 1});
      model[id] = progress;
    } else if (random() % 2 == 0) {
      index.remove(at);
      model.erase(id);
    } else {
      index.amend(at, progress);
      model[id] = progress;
    }
    if (i % 100 != 0) continue;
    now += static_cast<std::int64_t>(random() % 300);
    index.advance(at_ms(now), 10'000, woken);
    for (const ItemId each : take(index, static_cast<std::uint32_t>(random() % 5), 50)) {
      ASSERT_LE(model.at(each).due, at_ms(now));
      ASSERT_FALSE(model.at(each).held);
      model.at(each).held = true;
    }
  }
  ASSERT_EQ(index.size(), model.size());
  std::size_t held = 0;
  for (const auto& [id, progress] : model) {
    const auto at = index.find(id);
    ASSERT_NE(at, ItemIndex::kNone);
    EXPECT_EQ(index.progress(at), progress);
    EXPECT_EQ(index.place(at).position, id * 8);
    held += progress.held ? 1 : 0;
  }
  EXPECT_EQ(index.held(), held);
  for (const auto& [id, progress] : model) index.remove(index.find(id));
  EXPECT_EQ(index.size(), 0U);
  EXPECT_EQ(index.next_due(), kNever);
}

TEST(ItemIndex, TakesLessThan72OctetsAnItem) {
  ItemIndex index;
  constexpr std::size_t kItems = 300'000;
  for (ItemId id = 1; id <= kItems; ++id) index.add(id * 32, in_lane(1, 10), {id * 320, 40});
  EXPECT_LT(index.memory_bytes() / kItems, 72U);
}

TEST(Crc32c, IsTheOneOfRfc3720AndTheSameWithAndWithoutTheInstruction) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c(std::vector<std::uint8_t>(32, 0)), 0x8A9136AAU);
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < 300; ++size) {
    std::vector<std::uint8_t> bytes(size);
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(random());
    EXPECT_EQ(crc32c(bytes, 99), crc32c_portable(bytes, 99));
    EXPECT_EQ(crc32c(ByteSpan(bytes).subspan(size / 3), crc32c(ByteSpan(bytes).first(size / 3))), crc32c(bytes));
  }
}

TEST(ItemIndex, FindsMarksAndIndexesThemInBoundedSteps) {
  ItemIndex index;
  const auto marked = [](std::uint32_t mark) {
    Progress progress = in_lane(1, 1000);
    progress.mark = mark;
    return progress;
  };
  std::vector<ItemIndex::Index> all(1);
  for (ItemId id = 1; id <= 10'000; ++id)
    all.push_back(index.add(id, marked(static_cast<std::uint32_t>(id % 5'000)), {}));
  std::vector<ItemIndex::Index> found;
  int calls = 1;
  for (; !index.marked(7, 1, found); ++calls) {
    ASSERT_TRUE(found.empty());
    // What changes meanwhile counts, wherever the search stands.
    if (calls == 1) index.remove(all[7]);
    if (calls == 1) index.amend(all[9'999], marked(7));
  }
  EXPECT_EQ(calls, 3) << "three blocks, one in each call";
  std::vector<ItemId> ids;
  ids.reserve(found.size());
  for (const auto each : found) ids.push_back(index.id(each));
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, (std::vector<ItemId>{5'007, 9'999}));
  found.clear();
  index.add(10'001, marked(7), {});
  index.remove(all[5'007]);
  ASSERT_TRUE(index.marked(7, 1, found));
  EXPECT_EQ(found.size(), 2U);
}

TEST(ItemIndex, HoldsAnItemOnce) {
  ItemIndex index;
  const auto one = index.add(1, in_lane(1, 0), {});
  EXPECT_TRUE(index.hold(one));
  EXPECT_FALSE(index.hold(one));
  EXPECT_TRUE(take(index, 1, 10).empty());
  index.put_back(one, at_ms(0));
  EXPECT_EQ(take(index, 1, 10), std::vector<ItemId>{1});
  EXPECT_FALSE(index.hold(one));
}

}  // namespace smppd::store
