#include "upstream/breaker.h"

#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

constexpr Instant kStart{1000s};

TEST(Breaker, OpensAtTheThresholdOfFailuresInARow) {
  Breaker breaker(3, 10s);
  EXPECT_FALSE(breaker.failed(kStart));
  EXPECT_FALSE(breaker.failed(kStart));
  EXPECT_TRUE(breaker.allows(kStart));
  EXPECT_TRUE(breaker.failed(kStart));
  EXPECT_EQ(breaker.state(), Breaker::State::kOpen);
  EXPECT_FALSE(breaker.allows(kStart));
  EXPECT_FALSE(breaker.failed(kStart)) << "it is open already";
}

TEST(Breaker, ASuccessBetweenFailuresStartsTheCountAgain) {
  Breaker breaker(2, 10s);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(breaker.failed(kStart));
    breaker.succeeded();
  }
  EXPECT_EQ(breaker.state(), Breaker::State::kClosed);
}

TEST(Breaker, LetsOneRequestThroughAfterTheRecoveryTime) {
  Breaker breaker(1, 10s);
  ASSERT_TRUE(breaker.failed(kStart));
  EXPECT_EQ(breaker.open_until(), kStart + 10s);
  EXPECT_FALSE(breaker.allows(kStart + 10s - 1ns));
  EXPECT_TRUE(breaker.allows(kStart + 10s));
  EXPECT_TRUE(breaker.allows(kStart + 10s)) << "asking takes no permit";
  breaker.sent();
  EXPECT_FALSE(breaker.allows(kStart + 10s));
  breaker.succeeded();
  EXPECT_EQ(breaker.state(), Breaker::State::kClosed);
  EXPECT_TRUE(breaker.allows(kStart + 10s));
}

TEST(Breaker, AFailedProbeOpensItForAnotherRecoveryTime) {
  Breaker breaker(5, 10s);
  for (int i = 0; i < 5; ++i) (void)breaker.failed(kStart);
  ASSERT_TRUE(breaker.allows(kStart + 10s));
  breaker.sent();
  EXPECT_TRUE(breaker.failed(kStart + 11s));
  EXPECT_FALSE(breaker.allows(kStart + 21s - 1ns));
  EXPECT_TRUE(breaker.allows(kStart + 21s));
}

// A probe that found no room kept the host out of traffic for good.
TEST(Breaker, AProbeThatWasNotSentGivesItsPermitBack) {
  Breaker breaker(5, 10s);
  for (int i = 0; i < 5; ++i) (void)breaker.failed(kStart);
  ASSERT_TRUE(breaker.allows(kStart + 10s));
  breaker.sent();
  EXPECT_FALSE(breaker.allows(kStart + 10s));
  breaker.not_sent();
  EXPECT_TRUE(breaker.allows(kStart + 10s));
}

TEST(Breaker, WithoutAThresholdNeverOpens) {
  Breaker breaker;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(breaker.failed(kStart));
  EXPECT_TRUE(breaker.allows(kStart));
}

}  // namespace
}  // namespace smppd::upstream
