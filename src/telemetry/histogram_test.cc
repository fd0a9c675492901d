#include "telemetry/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace smppd::telemetry {
namespace {

std::uint64_t exact_percentile(const std::vector<std::uint64_t>& sorted, double percent) {
  const auto rank = static_cast<std::size_t>(std::ceil(percent / 100.0 * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

TEST(Histogram, IsEmptyAndAnswersZeroBeforeTheFirstValue) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.min(), 0U);
  EXPECT_EQ(h.max(), 0U);
  EXPECT_EQ(h.percentile(99), 0U);
  EXPECT_EQ(h.count_below(1'000'000), 0U);
}

TEST(Histogram, KeepsSmallValuesExactly) {
  Histogram h;
  for (std::uint64_t v = 0; v < 64; ++v) h.record(v);
  EXPECT_EQ(h.percentile(50), 31U);
  EXPECT_EQ(h.percentile(100), 63U);
  EXPECT_EQ(h.count_below(9), 10U);
}

TEST(Histogram, CountsValuesBeyondItsRangeWithoutLosingTheMaximum) {
  Histogram h;
  h.record(1);
  h.record(UINT64_MAX);
  EXPECT_EQ(h.count(), 2U);
  EXPECT_EQ(h.max(), UINT64_MAX);
  EXPECT_EQ(h.percentile(100), UINT64_MAX);
}

TEST(Histogram, PercentilesAreWithinOnePointSixPercentOfTheSortedValues) {
  EXPECT_TRUE(rc::check([] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 2000);
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> exponent(0, 12.5);  // 1 ns to about an hour
    std::vector<std::uint64_t> values(size);
    Histogram h;
    for (auto& v : values) {
      v = static_cast<std::uint64_t>(std::pow(10.0, exponent(random)));
      h.record(v);
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
      const auto exact = static_cast<double>(exact_percentile(values, percent));
      const auto found = static_cast<double>(h.percentile(percent));
      RC_ASSERT(found >= exact);
      RC_ASSERT(found <= exact * 1.016);
    }
  }));
}

TEST(Histogram, CountBelowIsBetweenTheExactCountsAroundItsResolution) {
  EXPECT_TRUE(rc::check([] {
    const auto values = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(0, 50'000'000));
    const auto bound = *rc::gen::inRange<std::uint64_t>(0, 50'000'000);
    Histogram h;
    for (const auto v : values) h.record(v);
    const auto at_most = [&](double limit) {
      return std::count_if(values.begin(), values.end(), [&](auto v) { return static_cast<double>(v) <= limit; });
    };
    const auto found = static_cast<std::ptrdiff_t>(h.count_below(bound));
    RC_ASSERT(found >= at_most(static_cast<double>(bound)));
    RC_ASSERT(found <= at_most(static_cast<double>(bound) * 1.016));
  }));
}

TEST(Histogram, MergingEqualsRecordingEverythingInOne) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint32_t>& left, const std::vector<std::uint32_t>& right) {
    Histogram a, b, all;
    for (const auto v : left) a.record(v), all.record(v);
    for (const auto v : right) b.record(v), all.record(v);
    a.merge(b);
    RC_ASSERT(a.count() == all.count());
    RC_ASSERT(a.min() == all.min());
    RC_ASSERT(a.max() == all.max());
    for (const double percent : {1.0, 50.0, 99.0}) RC_ASSERT(a.percentile(percent) == all.percentile(percent));
  }));
}

TEST(Histogram, RecordsAValueSeveralTimesAtOnceAndForgetsAllOnReset) {
  Histogram h;
  h.record(1000, 5);
  EXPECT_EQ(h.count(), 5U);
  EXPECT_DOUBLE_EQ(h.sum(), 5000.0);
  h.reset();
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.percentile(50), 0U);
  h.record(7);
  EXPECT_EQ(h.percentile(100), 7U);
}

}  // namespace
}  // namespace smppd::telemetry
