#include "flow/internal/told_marks.h"

#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::flow::internal {
namespace {

constexpr std::uint32_t kKept = 3600;
constexpr std::size_t kAll = 100'000'000;

std::vector<std::uint64_t> hashes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> made(count);
  for (auto& one : made) one = random();
  return made;
}

TEST(ToldMarks, EveryMarkIsFoundAndNoneThatWasNotMade) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(400'000, 1);
  for (std::size_t i = 0; i < made.size(); ++i) {
    marks.add(made[i], kKept);
    ASSERT_TRUE(marks.has(made[i])) << i;
  }
  EXPECT_EQ(marks.size(), made.size());
  for (const auto hash : made) ASSERT_TRUE(marks.has(hash));
  for (const auto hash : hashes(200'000, 2)) ASSERT_FALSE(marks.has(hash));
  EXPECT_LT(marks.memory_bytes(), made.size() * 20);
}

// Thirty-two bits of a hash are the same for many ids; a receipt that is taken for told is lost.
TEST(ToldMarks, AHashThatDiffersInOneBitIsAnother) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(20'000, 7);
  for (const auto hash : made) marks.add(hash, kKept);
  for (const auto hash : made) {
    for (unsigned bit = 0; bit < 64; ++bit) ASSERT_FALSE(marks.has(hash ^ std::uint64_t{1} << bit)) << bit;
  }
}

TEST(ToldMarks, LinesThatAreFullGoOnInTheNext) {
  ToldMarks marks(kAll, kKept);
  constexpr std::uint32_t kCrowd = 500;
  for (const std::uint64_t place : {0ULL, 0x8000'0000ULL << 32U, 0xFFFF'FFFFULL << 32U}) {
    for (std::uint32_t i = 0; i < kCrowd; ++i) marks.add(place | i, kKept);
  }
  for (const std::uint64_t place : {0ULL, 0x8000'0000ULL << 32U, 0xFFFF'FFFFULL << 32U}) {
    for (std::uint32_t i = 0; i < kCrowd; ++i) ASSERT_TRUE(marks.has(place | i)) << place << ' ' << i;
    EXPECT_FALSE(marks.has(place | kCrowd));
  }
}

// Nothing goes before its time, and all has gone a while after it.
TEST(ToldMarks, AMarkIsThereUntilItMayGoAndNotForLong) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(40'000, 3);
  std::size_t gone = 0;
  for (std::uint32_t now = 0; now < made.size(); ++now) {
    marks.add(made[now], now + kKept);
    marks.expire(now);
    for (std::uint32_t age : {0U, 100U, 1800U, kKept - 1}) {
      if (age <= now) {
        ASSERT_TRUE(marks.has(made[now - age])) << now << ' ' << age;
      }
    }
    if (now > 2 * kKept) gone += marks.has(made[now - 2 * kKept]) ? 0 : 1;
    ASSERT_LE(marks.size(), 2 * kKept);
  }
  EXPECT_EQ(gone, made.size() - 2 * kKept - 1);
  marks.expire(static_cast<std::uint32_t>(made.size()) + kKept);
  EXPECT_EQ(marks.size(), 0U);
}

TEST(ToldMarks, BeyondTheirBoundTheOldestGo) {
  constexpr std::size_t kMost = 500'000;
  ToldMarks marks(kMost, kKept);
  const auto made = hashes(2'000'000, 4);
  std::size_t most_bytes = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    marks.add(made[i], kKept);
    if (i == 1'000'000) most_bytes = marks.memory_bytes();
  }
  for (std::size_t i = made.size() - kMost; i < made.size(); ++i) ASSERT_TRUE(marks.has(made[i]));
  EXPECT_FALSE(marks.has(made.front()));
  EXPECT_LE(marks.memory_bytes(), most_bytes + 4 * 1024 * 1024);
}

// A bound below what a page holds does not empty it.
TEST(ToldMarks, AsManyAsTheirBoundAreAlwaysThere) {
  for (const std::size_t most : {1'000U, 10'000U, 200'000U}) {
    ToldMarks marks(most, kKept);
    const auto made = hashes(600'000, 6);
    for (std::size_t i = 0; i < made.size(); ++i) {
      marks.add(made[i], kKept);
      if (i >= most) {
        ASSERT_TRUE(marks.has(made[i - most + 1])) << most << ' ' << i;
      }
    }
  }
}

TEST(ToldMarks, AFewTakeLittle) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(10'000, 5);
  for (std::uint32_t i = 0; i < made.size(); ++i) {
    marks.add(made[i], kKept + 10 * i);
    marks.expire(10 * i);
    ASSERT_LE(marks.memory_bytes(), 4 * 64 * 1024U);
  }
}

}  // namespace
}  // namespace smppd::flow::internal
