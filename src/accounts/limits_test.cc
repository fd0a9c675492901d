#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "accounts/rate_limit.h"
#include "accounts/session_count.h"

namespace smppd::accounts {
namespace {

const Instant kStart = Instant{} + 1000s;

std::uint32_t take_all(SharedRateLimit& limit, Instant now) { return limit.take_up_to(now, 1'000'000'000); }

TEST(SharedRateLimit, GivesTheBurstAndThenTheRate) {
  SharedRateLimit limit;
  limit.configure(100, 10, kStart);
  EXPECT_EQ(take_all(limit, kStart), 10U);
  EXPECT_EQ(take_all(limit, kStart), 0U);
  EXPECT_EQ(limit.next_permit(kStart), kStart + 10ms);
  EXPECT_EQ(take_all(limit, kStart + 9ms), 0U);
  EXPECT_EQ(take_all(limit, kStart + 10ms), 1U);
  EXPECT_EQ(take_all(limit, kStart + 1s), 10U) << "never more than the burst";
}

TEST(SharedRateLimit, IsExactOverAnHourAtAwkwardRates) {
  for (const double rate : {1.0, 3.0, 7.5, 999.0, 33'333.0, 1'000'000.0}) {
    SharedRateLimit limit;
    limit.configure(rate, 1, kStart);
    std::uint64_t taken = 0;
    Instant now = kStart;
    const int steps = rate > 10'000 ? 20'000 : 3'600;
    const Duration step = rate > 10'000 ? Duration(100us) : Duration(1s);
    limit.configure(rate, std::max(1.0, rate * std::chrono::duration<double>(step).count() + 1), kStart);
    (void)take_all(limit, now);
    for (int i = 0; i < steps; ++i) taken += take_all(limit, now += step);
    const double expected = rate * std::chrono::duration<double>(now - kStart).count();
    EXPECT_NEAR(static_cast<double>(taken), expected, expected * 1e-5 + 2) << rate;
  }
}

TEST(SharedRateLimit, ZeroIsUnlimited) {
  SharedRateLimit limit;
  EXPECT_TRUE(limit.unlimited());
  EXPECT_EQ(limit.take_up_to(kStart, 12345), 12345U);
  limit.configure(5, 0, kStart);
  EXPECT_FALSE(limit.unlimited());
  EXPECT_EQ(take_all(limit, kStart), 5U) << "burst 0 is one second's worth";
  limit.configure(0, 0, kStart);
  EXPECT_EQ(limit.take_up_to(kStart, 12345), 12345U);
  EXPECT_EQ(limit.next_permit(kStart), kStart);
}

TEST(SharedRateLimit, ChangingTheRateGrantsNoSecondBurst) {
  SharedRateLimit limit;
  limit.configure(100, 100, kStart);
  EXPECT_EQ(take_all(limit, kStart), 100U);
  limit.configure(1000, 1000, kStart);
  EXPECT_EQ(take_all(limit, kStart), 0U);
  EXPECT_EQ(take_all(limit, kStart + 10ms), 10U) << "the new rate counts from now";
  EXPECT_EQ(take_all(limit, kStart + 10s), 1000U);
  limit.configure(10, 20, kStart + 10s);
  EXPECT_EQ(take_all(limit, kStart + 10s), 0U);
}

TEST(SharedRateLimit, ReconfiguringTheSameRateChangesNothing) {
  SharedRateLimit limit;
  limit.configure(100, 100, kStart);
  EXPECT_EQ(limit.take_up_to(kStart, 60), 60U);
  for (int i = 0; i < 10; ++i) limit.configure(100, 100, kStart);
  EXPECT_EQ(take_all(limit, kStart), 40U);
}

TEST(SharedRateLimit, WhatIsGivenBackCanBeTakenAgainButNeverBeyondTheBurst) {
  SharedRateLimit limit;
  limit.configure(1000, 50, kStart);
  EXPECT_EQ(take_all(limit, kStart), 50U);
  limit.give_back(20);
  EXPECT_EQ(take_all(limit, kStart), 20U);
  limit.give_back(50);
  EXPECT_EQ(take_all(limit, kStart + 10s), 50U);
}

TEST(RateLease, TakesOneByOneAtLowRatesAndInBulkAtHighOnes) {
  SharedRateLimit slow;
  slow.configure(10, 1, kStart);
  RateLease lease(slow);
  EXPECT_TRUE(lease.take(kStart));
  EXPECT_FALSE(lease.take(kStart + 99ms));
  EXPECT_TRUE(lease.take(kStart + 100ms));
  EXPECT_EQ(slow.lease_size(), 1U);
  SharedRateLimit fast;
  fast.configure(1'000'000, 0, kStart);
  EXPECT_EQ(fast.lease_size(), 500U);
}

TEST(RateLease, GivesTheRestBackWhenItIsOldOrGone) {
  SharedRateLimit limit;
  limit.configure(100'000, 100, kStart);
  {
    RateLease lease(limit);
    EXPECT_TRUE(lease.take(kStart));
  }
  EXPECT_EQ(take_all(limit, kStart), 99U);
}

// Four shards in lockstep of virtual time, all as fast as they can.
TEST(SharedRateLimit, FourShardsTogetherGetTheRateWithinOneLeaseEach) {
  constexpr double kRate = 200'000;
  SharedRateLimit limit;
  limit.configure(kRate, 1000, kStart);
  std::atomic<std::uint64_t> admitted = 0;
  std::atomic<std::int64_t> tick = 0;
  constexpr std::int64_t kTicks = 2'000;  // of 100 us: 0.2 s
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&] {
      RateLease lease(limit);
      std::uint64_t mine = 0;
      for (std::int64_t at = tick; at < kTicks; at = ++tick) {
        for (int i = 0; i < 50; ++i) mine += lease.take(kStart + at * 100us) ? 1 : 0;
      }
      admitted += mine;
    });
  }
  for (std::thread& shard : shards) shard.join();
  const double bound = 1000 + kRate * 0.2 + 4 * limit.lease_size();
  EXPECT_LE(static_cast<double>(admitted.load()), bound);
  EXPECT_GE(static_cast<double>(admitted.load()), kRate * 0.2 * 0.9);
}

TEST(SharedRateLimit, MayBeReconfiguredWhileShardsTake) {
  SharedRateLimit limit;
  limit.configure(1000, 100, kStart);
  std::atomic<bool> stop = false;
  std::vector<std::thread> shards;
  std::atomic<std::uint64_t> admitted = 0;
  for (int shard = 0; shard < 2; ++shard) {
    shards.emplace_back([&] {
      RateLease lease(limit);
      while (!stop) admitted += lease.take(kStart) ? 1 : 0;
    });
  }
  for (int i = 0; i < 2000; ++i) limit.configure(i % 2 == 0 ? 2000 : 1000, 100, kStart);
  stop = true;
  for (std::thread& shard : shards) shard.join();
  EXPECT_LE(admitted, 110U) << "time stood still, so there was one burst";
}

TEST(SessionCount, NeverExceedsItsBoundAndReturnsToZero) {
  SessionCount count;
  constexpr std::uint32_t kMost = 10;
  std::atomic<bool> exceeded = false;
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        std::vector<SessionTicket> tickets;
        for (int k = 0; k < 5; ++k) {
          SessionTicket ticket(count, kMost);
          if (ticket) tickets.push_back(std::move(ticket));
        }
        if (count.count() > kMost) exceeded = true;
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(count.count(), 0U);
}

TEST(SessionTicket, HoldsOnePlaceHoweverItIsMoved) {
  SessionCount count;
  SessionTicket first(count, 1);
  ASSERT_TRUE(static_cast<bool>(first));
  EXPECT_FALSE(static_cast<bool>(SessionTicket(count, 1)));
  SessionTicket second(std::move(first));
  SessionTicket third;
  third = std::move(second);
  EXPECT_EQ(count.count(), 1U);
  third = SessionTicket();
  EXPECT_EQ(count.count(), 0U);
  EXPECT_TRUE(static_cast<bool>(SessionTicket(count, 0))) << "0 is unlimited";
}

TEST(IpSessionCounts, BoundsEachAddressByItself) {
  IpSessionCounts counts;
  const IpAddress one = IpAddress::v4({10, 0, 0, 1});
  const IpAddress two = IpAddress::v4({10, 0, 0, 2});
  EXPECT_TRUE(counts.enter(one, 2));
  EXPECT_TRUE(counts.enter(one, 2));
  EXPECT_FALSE(counts.enter(one, 2));
  EXPECT_TRUE(counts.enter(two, 2));
  counts.leave(one);
  EXPECT_TRUE(counts.enter(one, 2));
  counts.leave(one);
  counts.leave(one);
  counts.leave(two);
  EXPECT_EQ(counts.count(one), 0U);
  EXPECT_EQ(counts.count(two), 0U);
}

TEST(IpSessionCounts, KeepTheBoundUnderThreads) {
  IpSessionCounts counts;
  std::atomic<int> inside = 0;
  std::atomic<bool> exceeded = false;
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&] {
      const IpAddress address = IpAddress::v4({10, 0, 0, 1});
      for (int i = 0; i < 20'000; ++i) {
        if (!counts.enter(address, 2)) continue;
        if (++inside > 2) exceeded = true;
        --inside;
        counts.leave(address);
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(counts.count(IpAddress::v4({10, 0, 0, 1})), 0U);
}

}  // namespace
}  // namespace smppd::accounts
