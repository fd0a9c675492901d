#include "runtime/internal/shares.h"

#include <vector>

#include <gtest/gtest.h>

namespace smppd::runtime {
namespace {

struct SharesTest : ::testing::Test {
  // Everyone brings its own `bytes`, in turns, until that is `total`.
  void bring(std::vector<Shares::Part>& parts, std::size_t bytes, std::size_t total) {
    for (std::size_t i = 0; i * bytes < total; ++i) shares.note(parts[i % parts.size()], bytes);
  }
  [[nodiscard]] std::size_t small_of(const std::vector<Shares::Part>& parts) const {
    std::size_t count = 0;
    for (const auto& part : parts) count += shares.small(part) ? 1 : 0;
    return count;
  }
  static constexpr std::size_t kMuch = std::size_t{16} * 1024 * 1024;
  Shares shares;
};

TEST_F(SharesTest, NobodyIsSmallAmongEquals) {
  for (const std::size_t count : {1U, 10U, 1'000U}) {
    std::vector<Shares::Part> parts(count);
    bring(parts, 3'000, kMuch);
    EXPECT_EQ(small_of(parts), 0U) << count;
  }
}

TEST_F(SharesTest, NobodyIsSmallForItsPauseWithinAPeriod) {
  std::vector<Shares::Part> parts(10);
  for (std::size_t round = 0; round < 400; ++round) {
    for (int i = 0; i < 10; ++i) shares.note(parts[round * 7 % 10], 1'000);  // one after the other, each for a while
    if (round > 100) {
      EXPECT_EQ(small_of(parts), 0U) << round;
    }
  }
}

TEST_F(SharesTest, WhoeverBringsLessThanAnEighthOfWhatOthersBringIsSmall) {
  std::vector<Shares::Part> parts(4);
  Shares::Part ninth, seventh;
  for (int i = 0; i < 2'000; ++i) {
    for (auto& part : parts) shares.note(part, 6'300);
    shares.note(ninth, 700);
    shares.note(seventh, 900);
  }
  EXPECT_EQ(small_of(parts), 0U);
  EXPECT_TRUE(shares.small(ninth));
  EXPECT_FALSE(shares.small(seventh));
}

TEST_F(SharesTest, ManyWhoBringLittleDoNotHideTheFewWhoBringMuch) {
  std::vector<Shares::Part> few(4), many(1'000);
  for (int i = 0; i < 400; ++i) {
    for (auto& part : few) shares.note(part, 64 * 1024);
    for (auto& part : many) shares.note(part, 100);
  }
  EXPECT_EQ(small_of(few), 0U);
  EXPECT_EQ(small_of(many), many.size());
}

TEST_F(SharesTest, WhoeverIsNewOrWasIdleIsSmallUntilItHasBroughtMuch) {
  std::vector<Shares::Part> parts(4);
  Shares::Part idle;
  bring(parts, 3'000, kMuch);
  EXPECT_TRUE(shares.small(idle));
  for (int i = 0; i < 2; ++i) {
    shares.note(idle, 1'000);
    EXPECT_TRUE(shares.small(idle));
    shares.note(idle, 100'000);
    EXPECT_FALSE(shares.small(idle));
    bring(parts, 3'000, kMuch);
    EXPECT_TRUE(shares.small(idle)) << "that is long ago";
  }
}

TEST_F(SharesTest, WhoeverBroughtMuchInThePeriodBeforeIsNotSmall) {
  std::vector<Shares::Part> parts(4);
  Shares::Part one;
  bring(parts, 3'000, kMuch);
  shares.note(one, 900'000);
  bring(parts, 3'000, 900'000);
  shares.note(one, 10);
  EXPECT_FALSE(shares.small(one));
}

}  // namespace
}  // namespace smppd::runtime
