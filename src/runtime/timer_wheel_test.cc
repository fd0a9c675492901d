#include "runtime/timer_wheel.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::runtime {
namespace {

struct Alarm {
  Alarm(std::vector<int>& fired, int id) : fired_(fired), id_(id), timer(&Alarm::fire, this) {}
  static void fire(void* self) noexcept {
    auto* alarm = static_cast<Alarm*>(self);
    alarm->fired_.push_back(alarm->id_);
  }
  std::vector<int>& fired_;
  int id_;
  Timer timer;
};

constexpr Instant kStart{Duration(1'000'000'000)};

TEST(TimerWheel, NeverFiresEarlyAndFiresAtTheFirstAdvanceThatIsDue) {
  TimerWheel wheel(kStart);
  std::vector<int> fired;
  Alarm alarm(fired, 1);
  wheel.arm(alarm.timer, kStart + 10ms);
  wheel.advance(kStart + 9ms);
  EXPECT_TRUE(fired.empty());
  wheel.advance(kStart + 10ms);
  EXPECT_EQ(fired, std::vector<int>{1});
  EXPECT_FALSE(alarm.timer.armed());
}

TEST(TimerWheel, CancelledTimerDoesNotFire) {
  TimerWheel wheel(kStart);
  std::vector<int> fired;
  Alarm one(fired, 1), two(fired, 2);
  wheel.arm(one.timer, kStart + 5ms);
  wheel.arm(two.timer, kStart + 5ms);
  one.timer.cancel();
  wheel.advance(kStart + 1s);
  EXPECT_EQ(fired, std::vector<int>{2});
  EXPECT_EQ(wheel.armed(), 0U);
}

TEST(TimerWheel, TimerMayRearmItselfWhileFiring) {
  TimerWheel wheel(kStart);
  struct Repeating {
    TimerWheel& wheel;
    Instant at = kStart;
    int count = 0;
    Timer timer{&Repeating::fire, this};
    static void fire(void* self) noexcept {
      auto* r = static_cast<Repeating*>(self);
      ++r->count;
      r->at += 10ms;
      r->wheel.arm(r->timer, r->at);
    }
  } repeating{wheel};
  repeating.at += 10ms;
  wheel.arm(repeating.timer, repeating.at);
  for (int i = 1; i <= 1000; ++i) wheel.advance(kStart + 1ms * i);
  EXPECT_EQ(repeating.count, 100);
}

TEST(TimerWheel, FiresEveryTimerExactlyOnceInOrderOverFiveHours) {
  std::mt19937_64 random(7);
  TimerWheel wheel(kStart);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<Instant> due;
  for (int i = 0; i < 5000; ++i) {
    const Duration after = std::chrono::milliseconds(random() % (i % 2 == 0 ? 18'000'000 : 5'000));
    due.push_back(kStart + after);
    alarms.push_back(std::make_unique<Alarm>(fired, i));
    wheel.arm(alarms.back()->timer, due.back());
  }
  Instant now = kStart;
  std::size_t seen = 0;
  while (wheel.armed() > 0) {
    const Instant next = wheel.next_due();
    ASSERT_GT(next, now);
    now = next;
    wheel.advance(now);
    for (; seen < fired.size(); ++seen) {
      const Instant at = due[static_cast<std::size_t>(fired[seen])];
      EXPECT_LE(at, now);
      EXPECT_GT(at + 2ms, now);
    }
  }
  EXPECT_EQ(fired.size(), alarms.size());
}

TEST(TimerWheel, OneLongJumpFiresAllThatIsDue) {
  std::mt19937_64 random(9);
  TimerWheel wheel(kStart);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 1000; ++i) {
    alarms.push_back(std::make_unique<Alarm>(fired, i));
    wheel.arm(alarms.back()->timer, kStart + std::chrono::milliseconds(random() % 7'200'000));
  }
  for (int i = 0; i < 500; ++i) alarms[static_cast<std::size_t>(i)]->timer.cancel();
  wheel.advance(kStart + 3h);
  EXPECT_EQ(fired.size(), 500U);
}

}  // namespace
}  // namespace smppd::runtime
