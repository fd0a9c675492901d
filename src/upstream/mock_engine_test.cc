#include "upstream/internal/mock_engine.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

using smpp::CommandStatus;
using smpp::MessageState;

message::MessageFacts facts(std::uint8_t registered_delivery = 1) {
  message::MessageFacts facts;
  facts.source_addr = "CLIENT";
  facts.destination_addr = "258841234567";
  facts.registered_delivery = registered_delivery;
  return facts;
}

MockEngine engine(const config::Mock& mock, std::uint64_t seed = 1) {
  auto made = MockEngine::compile(mock, {.seed = seed});
  EXPECT_TRUE(made) << made.error();
  return std::move(*made);
}

TEST(MockEngine, AcceptsAndDeliversByDefault) {
  auto mock = engine({});
  const auto first = mock.decide(facts(), 1);
  EXPECT_EQ(first.status, CommandStatus::ESME_ROK);
  EXPECT_EQ(first.message_id.view(), "mock-1");
  EXPECT_EQ(first.response_at, Duration::zero());
  ASSERT_EQ(first.receipts().size(), 1U);
  EXPECT_EQ(first.receipts()[0].state, MessageState::delivered);
  EXPECT_EQ(first.receipts()[0].at, std::chrono::seconds(1));
  EXPECT_EQ(first.receipts()[0].error, "000");
  EXPECT_FALSE(first.receipts()[0].before_response);
  EXPECT_EQ(mock.decide(facts(), 2).message_id.view(), "mock-2");
}

TEST(MockEngine, CountersOfShardsNeverMeet) {
  std::set<std::string> ids;
  for (unsigned shard = 0; shard < 3; ++shard) {
    auto made = MockEngine::compile({}, {.seed = 1, .shard = shard, .shard_count = 3});
    ASSERT_TRUE(made);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(ids.emplace(made->decide(facts(), 1).message_id.view()).second);
  }
}

TEST(MockEngine, TheSameSeedGivesTheSameRun) {
  config::Mock mock;
  mock.message_id = "${uuid}";
  mock.latency_max = config::Millis(100);
  auto one = engine(mock, 5);
  auto same = engine(mock, 5);
  auto other = engine(mock, 6);
  bool differs = false;
  for (int i = 0; i < 50; ++i) {
    const auto left = one.decide(facts(), 1);
    const auto right = same.decide(facts(), 1);
    EXPECT_EQ(left.message_id.view(), right.message_id.view());
    EXPECT_EQ(left.response_at, right.response_at);
    differs = differs || other.decide(facts(), 1).message_id.view() != left.message_id.view();
  }
  EXPECT_TRUE(differs);
}

TEST(MockEngine, DrawsOutcomesByWeight) {
  config::Mock mock;
  mock.outcomes = {{.weight = 7, .status = 0, .receipt_state = "DELIVRD"},
                   {.weight = 2, .status = 0x58, .receipt_state = ""},
                   {.weight = 1, .status = 0, .receipt_state = "UNDELIV", .receipt_error = "069"},
                   {.weight = 0, .status = 0x08, .receipt_state = ""}};
  auto made = engine(mock);
  int delivered = 0;
  int throttled = 0;
  int undelivered = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto decision = made.decide(facts(), 1);
    if (decision.status == CommandStatus::ESME_RTHROTTLED) {
      ++throttled;
      EXPECT_EQ(decision.message_id.view(), "");
      EXPECT_TRUE(decision.receipts().empty());
      continue;
    }
    ASSERT_EQ(decision.status, CommandStatus::ESME_ROK);
    ASSERT_EQ(decision.receipts().size(), 1U);
    const auto& receipt = decision.receipts()[0];
    ++(receipt.state == MessageState::delivered ? delivered : undelivered);
    EXPECT_EQ(receipt.error, receipt.state == MessageState::delivered ? "000" : "069");
  }
  EXPECT_NEAR(delivered, 7'000, 300);
  EXPECT_NEAR(throttled, 2'000, 250);
  EXPECT_NEAR(undelivered, 1'000, 200);
  EXPECT_EQ(made.counters().refused, static_cast<std::uint64_t>(throttled));
}

TEST(MockEngine, LatencyStaysWithinItsBoundsInEveryDistribution) {
  for (const char* name : {"fixed", "uniform", "normal", "exponential"}) {
    config::Mock mock;
    mock.latency_min = config::Millis(10);
    mock.latency_max = config::Millis(110);
    mock.latency_distribution = name;
    auto made = engine(mock);
    Duration sum{};
    for (int i = 0; i < 5'000; ++i) {
      const auto took = made.decide(facts(), 1).response_at;
      ASSERT_GE(took, std::chrono::milliseconds(10)) << name;
      ASSERT_LE(took, std::chrono::milliseconds(110)) << name;
      sum += took;
    }
    const double mean = static_cast<double>((sum / 5'000).count()) / 1e6;
    const std::string_view distribution(name);
    EXPECT_NEAR(mean, distribution == "fixed" ? 10 : distribution == "exponential" ? 30 : 60, 2) << name;
  }
}

// interop row 57: no receipt that nobody asked for.
TEST(MockEngine, InteropRow57ReceiptsFollowRegisteredDelivery) {
  const auto count = [](std::string_view state, std::uint8_t registered_delivery) {
    config::Mock mock;
    mock.outcomes = {{.receipt_state = std::string(state)}};
    return engine(mock).decide(facts(registered_delivery), 1).receipts().size();
  };
  EXPECT_EQ(count("DELIVRD", 0), 0U);
  EXPECT_EQ(count("DELIVRD", 1), 1U);
  EXPECT_EQ(count("DELIVRD", 2), 0U);
  EXPECT_EQ(count("DELIVRD", 3), 1U);
  EXPECT_EQ(count("UNDELIV", 2), 1U);
  EXPECT_EQ(count("UNDELIV", 3), 0U);
  EXPECT_EQ(count("ENROUTE", 1), 0U);
  EXPECT_EQ(count("ENROUTE", 0x11), 1U);
  EXPECT_EQ(count("", 1), 0U);
}

TEST(MockEngine, ReceiptsMisbehaveAsOftenAsAsked) {
  config::Mock mock;
  mock.latency_min = mock.latency_max = config::Millis(40);
  mock.latency_distribution = "fixed";
  mock.chaos = {.missing_receipts = 0.2, .duplicate_receipts = 0.3, .early_receipts = 0.25, .late_receipts = 0.5};
  auto made = engine(mock);
  int missing = 0;
  int twice = 0;
  int early = 0;
  int late = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto decision = made.decide(facts(), 1);
    const auto receipts = decision.receipts();
    if (receipts.empty()) ++missing;
    if (receipts.size() == 2) ++twice;
    if (receipts.empty()) continue;
    if (receipts[0].before_response) {
      ++early;
      EXPECT_LT(receipts[0].at, decision.response_at);
    } else if (receipts[0].at > std::chrono::milliseconds(1'040)) {
      ++late;
      EXPECT_EQ(receipts[0].at, std::chrono::milliseconds(6'040));
    }
    if (receipts.size() == 2) {
      EXPECT_FALSE(receipts[1].before_response);
    }
  }
  EXPECT_NEAR(missing, 2'000, 200);
  EXPECT_NEAR(twice, 8'000 * 0.3, 200);
  EXPECT_NEAR(early, 8'000 * 0.25, 200);
  EXPECT_NEAR(late, 8'000 * 0.75 * 0.5, 250);
  EXPECT_EQ(made.counters().missing, static_cast<std::uint64_t>(missing));
  EXPECT_EQ(made.counters().duplicate, static_cast<std::uint64_t>(twice));
}

TEST(MockEngine, RefusesWhatMakesNoSense) {
  const auto problem = [](auto&& change) {
    config::Mock mock;
    change(mock);
    const auto made = MockEngine::compile(mock, {});
    return made ? std::string() : made.error();
  };
  EXPECT_NE(problem([](auto& m) { m.message_id = "${x}"; }), "");
  EXPECT_NE(problem([](auto& m) { m.latency_distribution = "zipf"; }), "");
  EXPECT_NE(problem([](auto& m) { m.latency_min = config::Millis(5); }), "");
  EXPECT_NE(problem([](auto& m) { m.outcomes = {{.receipt_state = "HAPPY"}}; }), "");
  EXPECT_NE(problem([](auto& m) { m.outcomes = {{.weight = 0, .receipt_state = ""}}; }), "");
}

}  // namespace
}  // namespace smppd::upstream
