#include "upstream/throttle.h"

#include <deque>
#include <random>

#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

constexpr Instant kStart{1000s};

// An SMSC behind a link with a window, a millisecond a step: what it refuses is up to the test.
struct ThrottleTest : testing::Test {
  config::Throttling options;
  Throttle throttle{options};
  Instant now = kStart;
  std::size_t window = 100;
  bool asks_first = false;  // and takes no more than there is
  Duration round_trip = 10ms;
  bool (ThrottleTest::*busy)() = nullptr;  // none is refused
  struct Sent {
    Instant answered;
    bool busy;
  };
  std::deque<Sent> flying;
  struct Count {
    int taken = 0, refused = 0;
  };

  double share = 0;  // of random refusals
  std::mt19937 random{7};
  bool at_random() { return std::uniform_real_distribution<double>(0, 1)(random) < share; }

  double limit = 0;  // a second
  double tokens = 0;
  Instant filled = kStart;
  bool above_the_limit() {
    tokens = std::min(std::max(limit / 10, 1.0), tokens + std::chrono::duration<double>(now - filled).count() * limit);
    filled = now;
    if (tokens < 1) return true;
    tokens -= 1;
    return false;
  }
  Instant second_began = kStart;
  double in_second = 0;
  bool above_the_limit_of_a_second() {
    if (now - second_began >= 1s) {
      second_began += (now - second_began) / 1s * 1s;
      in_second = 0;
    }
    return ++in_second > limit;
  }
  bool always() { return true; }
  bool both() { return at_random() || above_the_limit(); }

  Count run(Duration time, int each_step = 1'000) {
    Count count;
    for (const Instant end = now + time; now < end; now += 1ms) {
      while (!flying.empty() && flying.front().answered <= now) {
        const bool refused = flying.front().busy;
        flying.pop_front();
        throttle.answered(now, refused, static_cast<std::uint32_t>(flying.size()));
        ++(refused ? count.refused : count.taken);
      }
      std::size_t permits = !asks_first ? SIZE_MAX : throttle.open(now) ? throttle.permits(now) : 0;
      for (int i = 0; i < each_step && flying.size() < window && permits > 0; ++i, --permits) {
        if (!throttle.open(now) || !throttle.take(now)) {
          EXPECT_FALSE(asks_first) << "it has said that there are permits";
          break;
        }
        flying.push_back({now + round_trip, busy != nullptr && (this->*busy)()});
      }
    }
    return count;
  }
  // One answer at a time.
  void answer(bool refused, int times = 1) {
    for (int i = 0; i < times; ++i) throttle.answered(now, refused, 0);
  }
};

TEST_F(ThrottleTest, DoesNothingUntilTheSmscComplains) {
  EXPECT_EQ(run(1s).taken, 9'900) << "a window each round trip";
  EXPECT_FALSE(throttle.slowed(now));
  EXPECT_EQ(throttle.rate(), 0);
}

TEST_F(ThrottleTest, PausesWhenTheFirstAnswerIsARefusal) {
  answer(true);
  EXPECT_TRUE(throttle.slowed(now));
  EXPECT_FALSE(throttle.open(now + options.pause - 1ns));
  EXPECT_FALSE(throttle.take(now + options.pause - 1ns));
  EXPECT_TRUE(throttle.open(now + options.pause));
  EXPECT_EQ(throttle.rate(), 0) << "one answer says nothing about a rate";
}

TEST_F(ThrottleTest, PausesWhenAllIsRefusedOfAllThatWasTakenBefore) {
  run(3s);
  busy = &ThrottleTest::always;
  EXPECT_LE(run(1s).refused, 200) << "what was on its way when the row was long enough";
  EXPECT_FALSE(throttle.open(now));
}

TEST_F(ThrottleTest, AnswersToWhatWasSentBeforeAReactionAreNoneOfTheirOwn) {
  throttle.answered(now, true, 50);
  EXPECT_EQ(throttle.reactions(), 1U);
  for (int i = 50; i > 0; --i) throttle.answered(now + 10ms, true, static_cast<std::uint32_t>(i));
  EXPECT_EQ(throttle.reactions(), 1U);
  EXPECT_TRUE(throttle.open(now + options.pause)) << "the pause is not prolonged";
}

TEST_F(ThrottleTest, RefusalsThatComeWhateverTheRateCostNoMoreThanThemselves) {
  for (const double random_share : {0.001, 0.01, 0.05, 0.1, 0.15}) {
    for (const std::size_t wide : {1U, 10U, 100U, 1'000U}) {
      throttle = Throttle(options);
      flying.clear();
      share = random_share;
      window = wide;
      busy = &ThrottleTest::at_random;
      const auto unhindered = static_cast<double>(window) * 1000 / 10;
      run(10s);
      const Count later = run(20s);
      EXPECT_GT(later.taken + later.refused, 20 * unhindered * 0.85)
          << "share " << share << ", window " << window << ", tolerated " << throttle.tolerated_share() << " rate "
          << throttle.rate() << " reactions " << throttle.reactions();
    }
  }
}

TEST_F(ThrottleTest, FindsTheRateAlsoForThoseWhoTakeOnlyWhatTheyWereToldIsThere) {
  asks_first = true;
  limit = 500;
  busy = &ThrottleTest::above_the_limit;
  run(15s);
  const Count later = run(60s);
  EXPECT_GT(later.taken, 60 * limit * 0.85) << "refused " << later.refused;
  EXPECT_LT(later.refused, later.taken * 0.03 + 60);
}

TEST_F(ThrottleTest, FindsTheRateOfTheSmscAndStaysThere) {
  for (const auto kind : {&ThrottleTest::above_the_limit, &ThrottleTest::above_the_limit_of_a_second}) {
    for (const double rate : {5.0, 50.0, 500.0, 5'000.0}) {
      throttle = Throttle(options);
      flying.clear();
      limit = rate;
      busy = kind;
      run(15s);
      const Count later = run(60s);
      EXPECT_GT(later.taken, 60 * rate * 0.85) << rate << " refused " << later.refused;
      EXPECT_LT(later.refused, later.taken * 0.03 + 60) << rate << ": one a second, at a low one";
    }
  }
}

TEST_F(ThrottleTest, FollowsAnSmscThatBecomesSlowerAndFasterAgain) {
  busy = &ThrottleTest::above_the_limit;
  limit = 4'000;
  run(20s);
  limit = 400;
  run(5s);
  const Count slow = run(10s);
  EXPECT_NEAR(slow.taken, 4'000, 600);
  EXPECT_LT(slow.refused, 200);
  limit = 4'000;
  run(40s);
  EXPECT_GT(run(10s).taken, 32'000);
}

TEST_F(ThrottleTest, ALimitIsFoundAmongRandomRefusalsToo) {
  busy = &ThrottleTest::both;
  share = 0.01;
  limit = 1'000;
  run(20s);
  const Count later = run(60s);
  EXPECT_GT(later.taken, 60'000 * 0.85);
  EXPECT_LT(later.refused, later.taken * 0.06);
}

TEST_F(ThrottleTest, IsBackSoonAfterAnSmscWasFullForAWhile) {
  run(5s);
  busy = &ThrottleTest::always;
  const Count closed = run(10s);
  EXPECT_LT(closed.refused, 1'500) << "of 100,000 that would have come";
  EXPECT_EQ(closed.taken, 100) << "what was on its way";
  busy = nullptr;
  run(10s);
  EXPECT_GT(run(1s).taken, 9'000);
}

TEST_F(ThrottleTest, NeverSendsLessThanOnePerSecond) {
  busy = &ThrottleTest::always;
  run(60s);
  EXPECT_GE(run(60s).refused, 25) << "a pause of a second, then one";
}

TEST_F(ThrottleTest, GoesOnAtTheShareThatIsConfigured) {
  options.decrease = 0.1;
  options.increase_per_second = 0.01;
  for (int second = 0; second < 3; ++second) {
    answer(false, 100);
    now += 1s;
  }
  answer(true, 8);
  EXPECT_NEAR(throttle.rate(), 10, 1);
  now += options.pause;
  (void)throttle.take(now);
  now += 1s;
  (void)throttle.take(now);
  EXPECT_NEAR(throttle.rate(), 11, 1);
}

TEST_F(ThrottleTest, ForgetsWhatNothingHasHinderedForAMinute) {
  busy = &ThrottleTest::always;
  run(100ms);
  busy = nullptr;
  window = 1;
  run(200s);
  EXPECT_FALSE(throttle.slowed(now));
}

TEST_F(ThrottleTest, WithoutAdaptionOnlyPauses) {
  options.adaptive = false;
  run(2s);
  answer(true);
  EXPECT_FALSE(throttle.open(now + options.pause - 1ns));
  now += options.pause;
  EXPECT_FALSE(throttle.slowed(now));
}

}  // namespace
}  // namespace smppd::upstream
