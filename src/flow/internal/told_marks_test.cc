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

constexpr std::uint16_t kNumber = 0x1234;
constexpr ToldMarks::Destinations kAnyone{};

bool has(const ToldMarks& marks, std::uint64_t hash) { return marks.find(hash, kAnyone) == Told::kYes; }

TEST(ToldMarks, EveryMarkIsFoundAndNoneThatWasNotMade) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(400'000, 1);
  for (std::size_t i = 0; i < made.size(); ++i) {
    marks.add(made[i], kNumber, kKept);
    ASSERT_TRUE(has(marks, made[i])) << i;
  }
  EXPECT_EQ(marks.size(), made.size());
  for (const auto hash : made) ASSERT_TRUE(has(marks, hash));
  for (const auto hash : hashes(200'000, 2)) ASSERT_FALSE(has(marks, hash));
  EXPECT_LT(marks.memory_bytes(), made.size() * 20);
}

// Thirty-two bits of a hash are the same for many ids; a receipt that is taken for told is lost.
TEST(ToldMarks, AHashThatDiffersInOneBitIsAnother) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(20'000, 7);
  for (const auto hash : made) marks.add(hash, kNumber, kKept);
  for (const auto hash : made) {
    for (unsigned bit = 0; bit < 64; ++bit) ASSERT_FALSE(has(marks, hash ^ std::uint64_t{1} << bit)) << bit;
  }
}

TEST(ToldMarks, LinesThatAreFullGoOnInTheNext) {
  ToldMarks marks(kAll, kKept);
  constexpr std::uint32_t kCrowd = 500;
  for (const std::uint64_t place : {0ULL, 0x8000'0000ULL << 32U, 0xFFFF'FFFFULL << 32U}) {
    for (std::uint32_t i = 0; i < kCrowd; ++i) marks.add(place | i, kNumber, kKept);
  }
  for (const std::uint64_t place : {0ULL, 0x8000'0000ULL << 32U, 0xFFFF'FFFFULL << 32U}) {
    for (std::uint32_t i = 0; i < kCrowd; ++i) ASSERT_TRUE(has(marks, place | i)) << place << ' ' << i;
    EXPECT_FALSE(has(marks, place | kCrowd));
  }
}

TEST(ToldMarks, AMarkKnowsTheDestinationOfItsMessage) {
  constexpr std::uint16_t kOther = 0x4321;
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(50'000, 8);
  for (const auto hash : made) {
    marks.add(hash, kNumber, kKept);
    ASSERT_EQ(marks.find(hash, {kOther, kOther}), Told::kOfAnother) << "also while it waits to be put down";
  }
  for (const auto hash : made) {
    ASSERT_EQ(marks.find(hash, {kNumber, kOther}), Told::kYes);
    ASSERT_EQ(marks.find(hash, {kOther, kNumber}), Told::kYes);
    ASSERT_EQ(marks.find(hash, {0, kOther}), Told::kOfAnother);
    ASSERT_EQ(marks.find(hash, {0, 0}), Told::kYes) << "a receipt that names no number agrees with each";
  }
}

TEST(ToldMarks, OfAnIdThatWasGivenAgainEachMessageHasAMark) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(30'000, 9);
  for (const std::uint16_t number : {kNumber, std::uint16_t{7}}) {
    for (const auto hash : made) marks.add(hash, number, kKept);
  }
  for (const auto hash : made) {
    ASSERT_EQ(marks.find(hash, {kNumber, 1}), Told::kYes);
    ASSERT_EQ(marks.find(hash, {1, 7}), Told::kYes);
    ASSERT_EQ(marks.find(hash, {1, 2}), Told::kOfAnother);
  }
}

TEST(ToldMarks, OfAMessageToAnUnknownNumberTheIdIsEnough) {
  ToldMarks marks(kAll, kKept);
  marks.add(1, 0, kKept);
  EXPECT_EQ(marks.find(1, {7, 8}), Told::kYes);
}

// Nothing goes before its time, and all has gone a while after it.
TEST(ToldMarks, AMarkIsThereUntilItMayGoAndNotForLong) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(40'000, 3);
  std::size_t gone = 0;
  for (std::uint32_t now = 0; now < made.size(); ++now) {
    marks.add(made[now], kNumber, now + kKept);
    marks.expire(now);
    for (std::uint32_t age : {0U, 100U, 1800U, kKept - 1}) {
      if (age <= now) {
        ASSERT_TRUE(has(marks, made[now - age])) << now << ' ' << age;
      }
    }
    if (now > 2 * kKept) gone += has(marks, made[now - 2 * kKept]) ? 0 : 1;
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
    marks.add(made[i], kNumber, kKept);
    if (i == 1'000'000) most_bytes = marks.memory_bytes();
  }
  for (std::size_t i = made.size() - kMost; i < made.size(); ++i) ASSERT_TRUE(has(marks, made[i]));
  EXPECT_FALSE(has(marks, made.front()));
  EXPECT_LE(marks.memory_bytes(), most_bytes + 4 * 1024 * 1024);
}

// A bound below what a page holds does not empty it.
TEST(ToldMarks, AsManyAsTheirBoundAreAlwaysThere) {
  for (const std::size_t most : {1'000U, 10'000U, 200'000U}) {
    ToldMarks marks(most, kKept);
    const auto made = hashes(600'000, 6);
    for (std::size_t i = 0; i < made.size(); ++i) {
      marks.add(made[i], kNumber, kKept);
      if (i >= most) {
        ASSERT_TRUE(has(marks, made[i - most + 1])) << most << ' ' << i;
      }
    }
  }
}

TEST(ToldMarks, AFewTakeLittle) {
  ToldMarks marks(kAll, kKept);
  const auto made = hashes(10'000, 5);
  for (std::uint32_t i = 0; i < made.size(); ++i) {
    marks.add(made[i], kNumber, kKept + 10 * i);
    marks.expire(10 * i);
    ASSERT_LE(marks.memory_bytes(), 4 * 64 * 1024U);
  }
}

}  // namespace
}  // namespace smppd::flow::internal
