#include "upstream/shared_limit.h"

#include <cstdint>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

constexpr Instant kStart{1000s};

int take_all(SharedLimit& limit, Instant now) {
  int taken = 0;
  while (taken < 1'000'000 && limit.take(now)) ++taken;
  return taken;
}

TEST(SharedLimit, StartsWithOneBurstAndRefillsAtTheRate) {
  SharedLimit limit(100, 10);
  EXPECT_EQ(take_all(limit, kStart), 10);
  EXPECT_EQ(limit.next(kStart), kStart + 10ms);
  EXPECT_FALSE(limit.take(kStart + 10ms - 1ns));
  EXPECT_TRUE(limit.take(kStart + 10ms));
  EXPECT_EQ(take_all(limit, kStart + 60ms), 5);
  EXPECT_EQ(take_all(limit, kStart + 1h), 10) << "never more than a burst";
}

TEST(SharedLimit, WithoutABurstOneSecondsWorthIsIt) {
  SharedLimit limit(50, 0);
  EXPECT_EQ(take_all(limit, kStart), 50);
  SharedLimit slow(0.5, 0);
  EXPECT_EQ(take_all(slow, kStart), 1);
  EXPECT_EQ(slow.next(kStart), kStart + 2s);
}

TEST(SharedLimit, SaysHowManyItWouldGrant) {
  SharedLimit limit(100, 10);
  EXPECT_EQ(limit.available(kStart), 10U);
  ASSERT_EQ(take_all(limit, kStart), 10);
  EXPECT_EQ(limit.available(kStart), 0U);
  EXPECT_EQ(limit.available(kStart + 35ms), 3U);
  EXPECT_EQ(take_all(limit, kStart + 35ms), 3);
}

TEST(SharedLimit, ARateBeyondAPermitEachNanosecondIsNoLimit) {
  SharedLimit limit(4e9, 1);
  EXPECT_EQ(limit.available(kStart), SIZE_MAX);
  EXPECT_TRUE(limit.take(kStart));
}

TEST(SharedLimit, APermitGivenBackMayBeTakenAgain) {
  SharedLimit limit(10, 1);
  ASSERT_TRUE(limit.take(kStart));
  ASSERT_FALSE(limit.take(kStart));
  limit.give_back();
  EXPECT_TRUE(limit.take(kStart));
  EXPECT_FALSE(limit.take(kStart));
}

TEST(SharedLimit, AChangedRateGrantsNoSecondBurst) {
  SharedLimit limit(10, 10);
  EXPECT_EQ(take_all(limit, kStart), 10);
  limit.change(1000, 10);
  EXPECT_EQ(take_all(limit, kStart), 0);
}

TEST(SharedLimit, ThreadsTogetherGetNoMoreThanTheLimit) {
  SharedLimit limit(1000, 5000);
  std::vector<int> taken(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(taken.size());
    for (int& count : taken) threads.emplace_back([&limit, &count] { count = take_all(limit, kStart); });
  }
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], 5000);
}

}  // namespace
}  // namespace smppd::upstream
