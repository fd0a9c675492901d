#include "smpp/window.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::smpp {
namespace {

constexpr Instant kStart{1000s};

std::vector<std::uint32_t> expired(Window<int>& window, Instant until) {
  std::vector<std::uint32_t> order;
  window.expire(until, [&](int&, std::uint32_t sequence) { order.push_back(sequence); });
  return order;
}

TEST(Window, NumbersFromOneAndFindsEachRequest) {
  Window<int> window(4);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(window.open(i * 10, kStart + i * 1s), static_cast<std::uint32_t>(i + 1));
  EXPECT_TRUE(window.full());
  for (const std::uint32_t sequence : {3U, 1U, 4U, 2U}) {
    const auto entry = window.find(sequence);
    ASSERT_NE(entry.value, nullptr);
    EXPECT_EQ(*entry.value, static_cast<int>(sequence - 1) * 10);
    EXPECT_EQ(entry.sent, kStart + (sequence - 1) * 1s);
    EXPECT_FALSE(entry.late);
    window.close(sequence);
    EXPECT_EQ(window.find(sequence).value, nullptr) << "an answer is taken once";
  }
  EXPECT_EQ(window.size(), 0U);
}

TEST(Window, KnowsNoNumberItDidNotGive) {
  Window<int> window(4);
  EXPECT_EQ(window.find(1).value, nullptr) << "nothing was sent yet";
  (void)window.open(1, kStart);
  for (const std::uint32_t sequence : {0U, 2U, 9U, 17U, kMaxSequence, kMaxSequence + 1, 0xFFFFFFFFU}) {
    EXPECT_EQ(window.find(sequence).value, nullptr) << sequence;
  }
}

TEST(Window, OneLostAnswerCostsOneSlotNotTheWindow) {
  Window<int> window(4);
  const std::uint32_t lost = window.open(-1, kStart);
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t sequence = window.open(i, kStart + 1s);
    ASSERT_NE(sequence, lost);
    ASSERT_EQ(*window.find(sequence).value, i);
    window.close(sequence);
  }
  EXPECT_EQ(window.size(), 1U);
  EXPECT_EQ(*window.find(lost).value, -1);
  EXPECT_EQ(window.oldest_sent(), kStart);
}

TEST(Window, ExpiresInTheOrderOfSendingWhatWasSentUntilThen) {
  Window<int> window(8);
  for (int i = 0; i < 6; ++i) (void)window.open(i, kStart + i * 1s);
  window.close(2);
  EXPECT_EQ(expired(window, kStart - 1ns), std::vector<std::uint32_t>{});
  EXPECT_EQ(expired(window, kStart + 3s), (std::vector<std::uint32_t>{1, 3, 4}));
  EXPECT_EQ(window.size(), 2U);
  EXPECT_EQ(window.oldest_sent(), kStart + 4s);
  EXPECT_EQ(expired(window, kStart + 3s), std::vector<std::uint32_t>{}) << "each expires once";
}

TEST(Window, WhatIsHeldHasLeftAndStaysReadableWhateverIsSentMeanwhile) {
  for (const std::uint32_t limit : {1U, 2U, 4U}) {
    Window<int> window(limit);
    const std::uint32_t held = window.open(7, kStart);
    const int& value = *window.find(held).value;
    window.close_and_hold(held);
    EXPECT_EQ(window.size(), 0U);
    EXPECT_EQ(window.find(held).value, nullptr) << "an answer is taken once";
    for (int i = 0; i < 50; ++i) {
      const std::uint32_t other = window.open(100 + i, kStart + 1s);
      EXPECT_NE(other, held);
      EXPECT_NE(window.bare_sequence(), held);
      EXPECT_EQ(value, 7);
      window.close(other);
    }
    window.abandon([](int, std::uint32_t) { FAIL() << "it was answered"; });
    window.release(held);
    bool taken_again = false;
    for (int i = 0; i < 20; ++i) {
      const std::uint32_t other = window.open(i, kStart);
      taken_again = taken_again || window.find(other).value == &value;
      window.close(other);
    }
    EXPECT_TRUE(taken_again);
  }
}

TEST(Window, ALateAnswerStillFindsItsRequest) {
  Window<int> window(2);
  const std::uint32_t sequence = window.open(5, kStart);
  ASSERT_EQ(expired(window, kStart).size(), 1U);
  EXPECT_FALSE(window.full());
  const auto entry = window.find(sequence);
  ASSERT_NE(entry.value, nullptr);
  EXPECT_TRUE(entry.late);
  EXPECT_EQ(*entry.value, 5);
  window.close(sequence);
  EXPECT_EQ(window.size(), 0U) << "it had left the window when it expired";
  EXPECT_EQ(window.find(sequence).value, nullptr);
}

TEST(Window, AbandonGivesEverythingUnansweredOnce) {
  Window<int> window(8);
  for (int i = 0; i < 5; ++i) (void)window.open(i, kStart + i * 1s);
  window.close(4);
  (void)expired(window, kStart);
  std::vector<int> values;
  const auto take = [&](int& value, std::uint32_t) { values.push_back(value); };
  window.abandon(take);
  window.abandon(take);
  EXPECT_EQ(values, (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(window.size(), 0U);
  EXPECT_EQ(window.oldest_sent(), Instant::max());
}

TEST(Window, BareNumbersTakeNoSlotAndAreNeverGivenTwice) {
  Window<int> window(2);
  EXPECT_EQ(window.bare_sequence(), 1U);
  EXPECT_EQ(window.open(1, kStart), 2U);
  EXPECT_EQ(window.bare_sequence(), 3U);
  EXPECT_EQ(window.find(3).value, nullptr);
  EXPECT_EQ(window.size(), 1U);
  for (int i = 0; i < 100; ++i) EXPECT_NE(window.bare_sequence(), 2U);
  EXPECT_EQ(*window.find(2).value, 1);
}

TEST(Window, ALowerLimitLosesNothingAndAHigherOneMakesRoom) {
  Window<int> window(4);
  for (int i = 0; i < 4; ++i) (void)window.open(i, kStart + i * 1s);
  window.set_limit(2);
  EXPECT_TRUE(window.full());
  EXPECT_EQ(window.size(), 4U);
  window.close(1);
  window.close(2);
  EXPECT_TRUE(window.full());
  window.close(3);
  EXPECT_FALSE(window.full());
  window.set_limit(100);
  for (int i = 0; i < 99; ++i) (void)window.open(100 + i, kStart + 9s);
  EXPECT_TRUE(window.full());
  EXPECT_EQ(*window.find(4).value, 3);
  EXPECT_EQ(window.oldest_sent(), kStart + 3s);
}

// set_limit() used to keep only open requests when the ring grew, so a late answer was reported as unknown.
TEST(Window, ALateAnswerIsFoundAfterTheWindowGrew) {
  Window<int> window(2);
  const std::uint32_t sequence = window.open(5, kStart);
  (void)expired(window, kStart);
  window.set_limit(64);
  const auto entry = window.find(sequence);
  ASSERT_NE(entry.value, nullptr);
  EXPECT_TRUE(entry.late);
}

TEST(Window, StartsAgainAtOneBehindTheLastNumberOfTheProtocol) {
  Window<int> window(4, kMaxSequence - 2);
  EXPECT_EQ(window.open(1, kStart), kMaxSequence - 1);
  EXPECT_EQ(window.open(2, kStart + 1s), kMaxSequence);
  EXPECT_EQ(window.open(3, kStart + 2s), 1U);
  EXPECT_EQ(window.open(4, kStart + 3s), 2U);
  EXPECT_EQ(*window.find(kMaxSequence).value, 2);
  EXPECT_EQ(*window.find(1).value, 3);
  EXPECT_EQ(expired(window, kStart + 9s), (std::vector<std::uint32_t>{kMaxSequence - 1, kMaxSequence, 1, 2}));
}

// A window against the obvious model: a map of what is open.
class ModelledWindow {
 public:
  explicit ModelledWindow(unsigned seed) : random_(seed) {}

  void step() {
    now_ += 1ms;
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2: open(); break;
      case 3:
      case 4:
      case 5: answer(); break;
      case 6: expire(); break;
      default: other(); break;
    }
    ASSERT_EQ(window_.size(), open_.size());
    ASSERT_EQ(window_.full(), open_.size() >= limit_);
    Instant oldest = Instant::max();
    for (const auto& [sequence, sent] : open_) oldest = std::min(oldest, sent.at);
    ASSERT_EQ(window_.oldest_sent(), oldest);
  }

 private:
  struct Sent {
    int value;
    Instant at;
  };
  void open() {
    if (window_.full()) return;
    const std::uint32_t sequence = window_.open(++value_, now_);
    ASSERT_TRUE(open_.emplace(sequence, Sent{value_, now_}).second) << "given while in use";
  }
  void answer() {
    if (open_.empty()) return;
    auto which = open_.begin();
    std::advance(which, static_cast<std::ptrdiff_t>(random_() % open_.size()));
    const auto entry = window_.find(which->first);
    ASSERT_NE(entry.value, nullptr);
    ASSERT_EQ(*entry.value, which->second.value);
    ASSERT_EQ(entry.sent, which->second.at);
    ASSERT_FALSE(entry.late);
    window_.close(which->first);
    ASSERT_EQ(window_.find(which->first).value, nullptr);
    open_.erase(which);
  }
  void expire() {
    const Instant until = now_ - std::chrono::milliseconds(random_() % 40);
    Instant before{};
    window_.expire(until, [&](int& value, std::uint32_t sequence) {
      const auto found = open_.find(sequence);
      ASSERT_NE(found, open_.end());
      ASSERT_EQ(found->second.value, value);
      ASSERT_GE(found->second.at, before);
      before = found->second.at;
      open_.erase(found);
    });
    for (const auto& [sequence, sent] : open_) ASSERT_GT(sent.at, until);
  }
  void other() {
    if (random_() % 4 != 0) {
      ASSERT_FALSE(open_.contains(window_.bare_sequence()));
      return;
    }
    limit_ = 1 + static_cast<std::uint32_t>(random_() % 40);
    window_.set_limit(limit_);
  }

  std::minstd_rand random_;
  std::uint32_t limit_ = 8;
  Window<int> window_{8};
  std::map<std::uint32_t, Sent> open_;
  Instant now_ = kStart;
  int value_ = 0;
};

TEST(Window, BehavesLikeAMapOfOpenRequests) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    ModelledWindow model(seed);
    for (int i = 0; i < 3000 && !testing::Test::HasFatalFailure(); ++i) model.step();
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace smppd::smpp
