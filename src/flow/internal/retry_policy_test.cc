#include "flow/internal/retry_policy.h"

#include <vector>

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

using config::Backoff;
using config::Millis;
using config::Retry;
using config::Uncertain;
using Kind = NextStep::Kind;
using message::Loss;

const store::Moment kNow{std::chrono::milliseconds(1'700'000'000'000)};
const store::Moment kExpires = kNow + std::chrono::hours(48);

constexpr std::uint32_t kThrottled = 0x58;
constexpr std::uint32_t kQueueFull = 0x14;
constexpr std::uint32_t kSystemError = 0x08;
constexpr std::uint32_t kInvalidDestination = 0x0B;

Retry policy(Backoff backoff = Backoff::kExponential) {
  Retry one;
  one.max_attempts = 10;
  one.delay = Millis(1'000);
  one.max_delay = Millis(30'000);
  one.backoff = backoff;
  one.backoff_factor = 2;
  one.jitter = 0;
  return one;
}

RetryInput input(const Retry& policy, Attempts attempts = {}, std::uint32_t random = 0) {
  return {policy, attempts, kNow, kExpires, random};
}

std::vector<std::int64_t> waits(const Retry& policy, std::uint16_t count) {
  std::vector<std::int64_t> seconds;
  for (std::uint16_t before = 0; before < count; ++before) {
    const NextStep next = after_answer(input(policy, {before, 0}), kSystemError);
    seconds.push_back(std::chrono::duration_cast<std::chrono::seconds>(next.at - kNow).count());
  }
  return seconds;
}

TEST(Retry, EndsWithTheSmscHavingIt) {
  const Retry rules = policy();
  const NextStep next = after_answer(input(rules, {3, 2}), 0);
  EXPECT_EQ(next.kind, Kind::kDone);
  EXPECT_EQ(next.reason, EndReason::kAccepted);
  EXPECT_EQ(next.attempts, (Attempts{4, 0}));
}

TEST(Retry, IsNotForAnswersThatAreFinal) {
  const Retry rules = policy();
  for (const std::uint32_t status : {kInvalidDestination, 0x45U, 0x400U, 0xFFFF'FFFFU}) {
    const NextStep next = after_answer(input(rules), status);
    EXPECT_EQ(next.kind, Kind::kDead) << status;
    EXPECT_EQ(next.reason, EndReason::kRefused);
    EXPECT_EQ(next.attempts.counted, 1);
  }
}

TEST(Retry, IsForTheAnswersThatAreListedOnly) {
  Retry rules = policy();
  rules.retryable_errors = {kInvalidDestination};
  EXPECT_EQ(after_answer(input(rules), kInvalidDestination).kind, Kind::kRetry);
  for (const std::uint32_t status : {kThrottled, kQueueFull, kSystemError}) {
    EXPECT_EQ(after_answer(input(rules), status).reason, EndReason::kRefused) << status;
  }
}

TEST(Retry, WaitsAsConfigured) {
  using Seconds = std::vector<std::int64_t>;
  EXPECT_EQ(waits(policy(Backoff::kFixed), 4), (Seconds{1, 1, 1, 1}));
  EXPECT_EQ(waits(policy(Backoff::kLinear), 4), (Seconds{1, 2, 3, 4}));
  EXPECT_EQ(waits(policy(Backoff::kExponential), 8), (Seconds{1, 2, 4, 8, 16, 30, 30, 30}));
  Retry forever = policy();
  forever.max_attempts = 0;
  forever.backoff_factor = 100;
  EXPECT_EQ(after_answer(input(forever, {Attempts::kMost, 0}), kSystemError).at, kNow + Millis(30'000))
      << "no power of the factor is too large";
}

TEST(Retry, JitterTakesUpToItsShareOffTheWait) {
  Retry rules = policy();
  rules.jitter = 0.25;
  const auto wait = [&](std::uint32_t random) {
    return (after_answer(input(rules, {}, random), kSystemError).at - kNow).count();
  };
  EXPECT_EQ(wait(0), 1'000);
  EXPECT_EQ(wait(0x8000'0000), 875);
  EXPECT_EQ(wait(0xFFFF'FFFF), 750);
}

TEST(Retry, EndsWithTheLastAttempt) {
  const Retry rules = policy();
  const NextStep ninth = after_answer(input(rules, {8, 0}), kSystemError);
  EXPECT_EQ(ninth.kind, Kind::kRetry);
  EXPECT_EQ(ninth.attempts.counted, 9);
  const NextStep tenth = after_answer(input(rules, {9, 0}), kSystemError);
  EXPECT_EQ(tenth.kind, Kind::kDead);
  EXPECT_EQ(tenth.reason, EndReason::kGaveUp);
  EXPECT_EQ(tenth.attempts.counted, 10);
}

TEST(Retry, WithoutABoundGoesOnUntilTheValidityEnds) {
  Retry rules = policy();
  rules.max_attempts = 0;
  EXPECT_EQ(after_answer(input(rules, {1'000, 0}), kSystemError).kind, Kind::kRetry);
}

TEST(Retry, TurnedOffMakesEveryRefusalFinal) {
  Retry rules = policy();
  rules.enabled = false;
  for (const std::uint32_t status : {kThrottled, kQueueFull, kSystemError}) {
    EXPECT_EQ(after_answer(input(rules), status).reason, EndReason::kRefused) << status;
  }
  EXPECT_EQ(after_loss(input(rules), Loss::kNeverSent).kind, Kind::kRetry) << "nobody refused it";
}

TEST(Retry, IsNeverLaterThanASecondBeforeTheEnd) {
  const Retry rules = policy();
  RetryInput late = input(rules, {5, 0});
  late.expires = kNow + Millis(10'000);
  EXPECT_EQ(after_answer(late, kSystemError).at, kNow + Millis(9'000));
  late.expires = kNow + Millis(1'000);
  const NextStep next = after_answer(late, kSystemError);
  EXPECT_EQ(next.kind, Kind::kDead);
  EXPECT_EQ(next.reason, EndReason::kExpired);
  EXPECT_EQ(next.attempts.counted, 6);
  late.expires = kNow - Millis(1);
  EXPECT_EQ(after_answer(late, kThrottled).reason, EndReason::kExpired);
  EXPECT_EQ(after_loss(late, Loss::kNoRoom).reason, EndReason::kExpired);
}

TEST(Retry, ThrottledWaitsAndUsesUpNothing) {
  Retry rules = policy();
  rules.throttled_pause = Millis(60'000);
  rules.max_attempts = 1;
  const NextStep next = after_answer(input(rules, {0, 3}), kThrottled);
  EXPECT_EQ(next.kind, Kind::kRetry);
  EXPECT_EQ(next.at, kNow + Millis(60'000));
  EXPECT_EQ(next.attempts, (Attempts{0, 3}));
  EXPECT_FALSE(next.elsewhere);
}

TEST(Retry, QueueFullLetsOthersPassEachTimeLonger) {
  Retry rules = policy();
  rules.max_attempts = 1;
  Attempts attempts{0, 0};
  for (const int seconds : {1, 2, 4, 8, 16, 30, 30}) {
    const NextStep next = after_answer(input(rules, attempts), kQueueFull);
    EXPECT_EQ(next.kind, Kind::kRetry);
    EXPECT_EQ(next.at, kNow + std::chrono::seconds(seconds));
    EXPECT_EQ(next.attempts.counted, 0);
    attempts = next.attempts;
  }
  EXPECT_EQ(attempts.passed_over, 7);
  EXPECT_EQ(after_answer(input(policy(), attempts), kSystemError).attempts, (Attempts{1, 0}));
}

TEST(Retry, GoesElsewhereWhereTheSmscItselfFailed) {
  const Retry rules = policy();
  EXPECT_TRUE(after_answer(input(rules), kSystemError).elsewhere);
  EXPECT_TRUE(after_answer(input(rules), 0x64).elsewhere);
  EXPECT_TRUE(after_loss(input(rules), Loss::kNeverSent).elsewhere);
  EXPECT_FALSE(after_answer(input(rules), kQueueFull).elsewhere);
  EXPECT_FALSE(after_answer(input(rules, {9, 0}), kSystemError).elsewhere) << "it goes nowhere";
}

TEST(Retry, WhatNeverLeftIsNoAttempt) {
  Retry rules = policy();
  rules.max_attempts = 1;
  for (const Loss loss : {Loss::kNeverSent, Loss::kNoRoom}) {
    const NextStep next = after_loss(input(rules), loss);
    EXPECT_EQ(next.kind, Kind::kRetry);
    EXPECT_EQ(next.at, kNow + Millis(1'000));
    EXPECT_EQ(next.attempts, (Attempts{0, 1}));
  }
}

TEST(Uncertain, IsHeldResentOrGivenUpAsConfigured) {
  Retry rules = policy();
  for (const Loss loss : {Loss::kTimeout, Loss::kLinkLost}) {
    rules.uncertain = Uncertain::kHold;
    rules.uncertain_wait = Millis(600'000);
    const NextStep held = after_loss(input(rules, {1, 2}), loss);
    EXPECT_EQ(held.kind, Kind::kHold);
    EXPECT_EQ(held.at, kNow + Millis(600'000));
    EXPECT_EQ(held.attempts, (Attempts{1, 2}));
    rules.uncertain = Uncertain::kResend;
    const NextStep resent = after_loss(input(rules, {1, 2}), loss);
    EXPECT_EQ(resent.kind, Kind::kRetry);
    EXPECT_EQ(resent.at, kNow + Millis(2'000));
    EXPECT_EQ(resent.attempts, (Attempts{2, 0}));
    EXPECT_FALSE(resent.elsewhere) << "the SMSC that may have it can tell a duplicate";
    rules.uncertain = Uncertain::kFail;
    const NextStep failed = after_loss(input(rules), loss);
    EXPECT_EQ(failed.kind, Kind::kDead);
    EXPECT_EQ(failed.reason, EndReason::kUncertain);
  }
}

TEST(Uncertain, IsNotHeldBeyondTheValidity) {
  Retry rules = policy();
  rules.uncertain = Uncertain::kHold;
  RetryInput late = input(rules);
  late.expires = kNow + Millis(5'000);
  EXPECT_EQ(after_loss(late, Loss::kTimeout).at, late.expires);
  late.expires = kNow - Millis(5'000);
  EXPECT_EQ(after_loss(late, Loss::kTimeout).at, kNow) << "never in the past";
}

TEST(Uncertain, IsNeverResentUnlessAsked) {
  Retry rules = policy();
  rules.enabled = false;
  rules.uncertain = Uncertain::kResend;
  rules.after_hold = Uncertain::kResend;
  EXPECT_EQ(after_loss(input(rules), Loss::kTimeout).reason, EndReason::kUncertain);
  EXPECT_EQ(after_hold(input(rules)).reason, EndReason::kUncertain);
}

TEST(Uncertain, AfterTheHoldFailsOrIsSentAtOnce) {
  Retry rules = policy();
  rules.after_hold = Uncertain::kFail;
  EXPECT_EQ(after_hold(input(rules)).kind, Kind::kDead);
  EXPECT_EQ(after_hold(input(rules)).reason, EndReason::kUncertain);
  rules.after_hold = Uncertain::kResend;
  const NextStep again = after_hold(input(rules, {2, 1}));
  EXPECT_EQ(again.kind, Kind::kRetry);
  EXPECT_EQ(again.at, kNow);
  EXPECT_EQ(again.attempts, (Attempts{3, 0}));
  EXPECT_EQ(after_hold(input(rules, {9, 0})).reason, EndReason::kUncertain) << "used up, and still nobody knows";
  RetryInput late = input(rules);
  late.expires = kNow;
  EXPECT_EQ(after_hold(late).reason, EndReason::kUncertain) << "no word that it expired: the SMSC may have it";
}

TEST(Attempts, FitIntoProgress) {
  for (const Attempts one : {Attempts{}, Attempts{1, 0}, Attempts{0, 1}, Attempts{1'000, 63}, Attempts{1'023, 63}}) {
    EXPECT_EQ(Attempts::unpack(one.pack()), one);
  }
  EXPECT_EQ(Attempts::unpack(Attempts{5'000, 500}.pack()), (Attempts{1'023, 63}));
}

}  // namespace
}  // namespace smppd::flow
