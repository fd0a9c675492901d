#include "plugins/filter/rate_limit/rate_limit.h"

#include "plugins/filter/common/test_support.h"

namespace smppd::plugins::testing {
namespace {

using Kind = flow::Verdict::Kind;

TEST(RateLimitFilter, AnswersThrottledAboveTheClientsRate) {
  World world;
  world.config.clients[0].rate_limit = {.messages_per_second = 10, .burst = 5};
  const auto filter = world.make(kRateLimitFilter, {});
  int passed = 0;
  int throttled = 0;
  for (int i = 0; i < 20; ++i) {
    const auto verdict = Message().pass(*filter, world.client("acme"), world.now);
    if (verdict.kind == Kind::kPass) {
      ++passed;
    } else {
      ++throttled;
      EXPECT_EQ(verdict.status, smpp::CommandStatus::ESME_RTHROTTLED);
    }
  }
  EXPECT_EQ(passed, 5);
  EXPECT_EQ(counted(*filter, "smppd_rate_limit_hits_total", {{"client", "acme"}}), throttled);
  EXPECT_EQ(Message().pass(*filter, world.client("acme"), world.now + std::chrono::seconds(1)).kind, Kind::kPass);
}

TEST(RateLimitFilter, OthersAndThoseWithoutARatePass) {
  World world;
  world.config.clients[0].rate_limit = {.messages_per_second = 1, .burst = 1};
  const auto filter = world.make(kRateLimitFilter, {});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Message().pass(*filter, world.client("zeta"), world.now).kind, Kind::kPass);
    EXPECT_EQ(Message().pass(*filter, nullptr, world.now).kind, Kind::kPass);
  }
}

TEST(RateLimitFilter, AMessageThatHadToWaitIsChargedOnce) {
  World world;
  world.config.clients[0].rate_limit = {.messages_per_second = 1, .burst = 1};
  const auto filter = world.make(kRateLimitFilter, {});
  EXPECT_EQ(Message().pass(*filter, world.client("acme"), world.now).kind, Kind::kPass);
  EXPECT_EQ(Message().pass(*filter, world.client("acme"), world.now, true).kind, Kind::kPass);
  EXPECT_EQ(Message().pass(*filter, world.client("acme"), world.now).kind, Kind::kAnswer);
}

// One limit, however many shards: each has a filter of its own.
TEST(RateLimitFilter, ShardsShareTheRate) {
  World world;
  world.config.clients[0].rate_limit = {.messages_per_second = 100, .burst = 10};
  const auto one = world.make(kRateLimitFilter, {});
  const auto other = world.make(kRateLimitFilter, {});
  int passed = 0;
  for (int i = 0; i < 40; ++i) {
    auto& filter = i % 2 == 0 ? *one : *other;
    if (Message().pass(filter, world.client("acme"), world.now).kind == Kind::kPass) ++passed;
  }
  EXPECT_EQ(passed, 10);
}

}  // namespace
}  // namespace smppd::plugins::testing
