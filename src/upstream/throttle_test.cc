#include "upstream/throttle.h"

#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

constexpr Instant kStart{1000s};

// Sends as fast as the throttle allows, at most every `gap`, for `time`; how many went.
int send_for(Throttle& throttle, Instant& now, Duration time, Duration gap) {
  int sent = 0;
  for (const Instant end = now + time; now < end; now += gap) {
    if (!throttle.open(now) || !throttle.take(now)) continue;
    throttle.sent(now);
    ++sent;
  }
  return sent;
}

struct ThrottleTest : testing::Test {
  config::Throttling options;
  Throttle throttle{options};
  Instant now = kStart;
};

TEST_F(ThrottleTest, DoesNothingUntilTheSmscComplains) {
  EXPECT_EQ(send_for(throttle, now, 1s, 1ms), 1000);
  EXPECT_FALSE(throttle.slowed(now));
  EXPECT_EQ(throttle.rate(), 0);
}

TEST_F(ThrottleTest, PausesAfterAComplaint) {
  throttle.complained(now);
  EXPECT_TRUE(throttle.slowed(now));
  EXPECT_FALSE(throttle.open(now + options.pause - 1ns));
  EXPECT_FALSE(throttle.take(now + options.pause - 1ns));
  EXPECT_TRUE(throttle.open(now + options.pause));
}

TEST_F(ThrottleTest, AnswersToWhatWasSentBeforeThePauseAreOneComplaint) {
  for (int i = 0; i < 50; ++i) throttle.complained(now + i * 10ms);
  EXPECT_EQ(throttle.complaints(), 1U);
  EXPECT_TRUE(throttle.open(now + options.pause)) << "the pause is not prolonged";
}

TEST_F(ThrottleTest, ContinuesAtAShareOfTheRateReachedAndGrowsBack) {
  send_for(throttle, now, 3s, 1ms);
  throttle.complained(now);
  EXPECT_NEAR(throttle.rate(), 500, 15);
  now += options.pause;
  EXPECT_NEAR(send_for(throttle, now, 1s, 1ms), 550, 80) << "half, plus a tenth of the full rate per second";
  EXPECT_NEAR(send_for(throttle, now, 3s, 1ms), 2300, 300);
  send_for(throttle, now, 5s, 1ms);
  EXPECT_FALSE(throttle.slowed(now)) << "as fast as before";
  EXPECT_EQ(send_for(throttle, now, 1s, 1ms), 1000);
}

TEST_F(ThrottleTest, ASecondComplaintHalvesAgainButNeverBelowOnePerSecond) {
  send_for(throttle, now, 3s, 1ms);
  throttle.complained(now);
  const double first = throttle.rate();
  now += options.pause;
  throttle.complained(now);
  EXPECT_DOUBLE_EQ(throttle.rate(), first / 2);
  for (int i = 0; i < 40; ++i) throttle.complained(now += options.pause);
  EXPECT_DOUBLE_EQ(throttle.rate(), 1.0);
  now += options.pause;
  EXPECT_GE(send_for(throttle, now, 3s, 10ms), 3);
}

TEST_F(ThrottleTest, WithoutAdaptionOnlyPauses) {
  options.adaptive = false;
  send_for(throttle, now, 2s, 1ms);
  throttle.complained(now);
  now += options.pause;
  EXPECT_FALSE(throttle.slowed(now));
  EXPECT_EQ(send_for(throttle, now, 1s, 1ms), 1000);
}

}  // namespace
}  // namespace smppd::upstream
