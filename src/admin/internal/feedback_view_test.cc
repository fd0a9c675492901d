#include "admin/internal/feedback_view.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smppd::admin {
namespace {

using telemetry::MetricDescription;
using telemetry::MetricKind;

constexpr MetricDescription kOutcomes{"smppd_feedback_outcomes_total", MetricKind::kCounter, ""};
constexpr MetricDescription kRecent{"smppd_feedback_recent_messages", MetricKind::kGauge, ""};
constexpr MetricDescription kScore{"smppd_feedback_score", MetricKind::kGauge, ""};
constexpr MetricDescription kRate{"smppd_feedback_messages_per_second", MetricKind::kGauge, ""};
constexpr MetricDescription kEntries{"smppd_feedback_entries", MetricKind::kGauge, ""};

class FeedbackView : public testing::Test {
 protected:
  FeedbackView() {
    for (const char* name : {"north", "south"}) config.upstreams.emplace_back().name = name;
  }
  void row(const char* upstream, const char* endpoint, const char* prefix, double score, double rate) {
    const telemetry::Labels labels{{"upstream", upstream}, {"endpoint", endpoint}, {"prefix", prefix}};
    collector.add(kScore, score, labels);
    collector.add(kRate, rate, labels);
  }
  void recent(const char* upstream, const char* prefix, const char* outcome, double count) {
    collector.add(kRecent, count,
                  {{"upstream", upstream}, {"endpoint", "*"}, {"prefix", prefix}, {"outcome", outcome}});
  }
  void total(const char* upstream, const char* endpoint, const char* outcome, double count) {
    collector.add(kOutcomes, count, {{"upstream", upstream}, {"endpoint", endpoint}, {"outcome", outcome}});
  }
  boost::json::value document() { return boost::json::parse(feedback_json(config, collector)); }

  config::Config config;
  telemetry::Collector collector;
};

TEST_F(FeedbackView, SharesAreOfThePrefixAndForAHostOfItsUpstream) {
  collector.add(kEntries, 6, {{"shard", "0"}});
  collector.add(kEntries, 5, {{"shard", "1"}});
  row("north", "*", "25884", 0.2, 10);
  row("north", "10.0.0.1:2775", "25884", 0.1, 4);
  row("south", "*", "25884", 1, 30);
  const auto seen = document();
  EXPECT_EQ(seen.at("entries").as_int64(), 6) << "shards remember the same, so they are not added up";
  const auto& north = seen.at("upstreams").at(0);
  EXPECT_EQ(north.at("name").as_string(), "north");
  EXPECT_NEAR(north.at("prefixes").at(0).at("share").to_number<double>(), 0.25, 1e-9);
  EXPECT_NEAR(north.at("hosts").at(0).at("prefixes").at(0).at("share").to_number<double>(), 0.4, 1e-9);
  EXPECT_EQ(north.at("hosts").at(0).at("host").as_string(), "10.0.0.1:2775");
}

TEST_F(FeedbackView, RatesAreOfAnswersAndOfReceiptsByThemselves) {
  row("north", "*", "*", 0.5, 1);
  recent("north", "*", "accepted", 60);
  recent("north", "*", "busy", 20);
  recent("north", "*", "delivered", 9);
  recent("north", "*", "expired", 3);
  const auto seen = document();
  const auto& rates = seen.at("upstreams").at(0).at("rates");
  EXPECT_NEAR(rates.at("accepted").to_number<double>(), 0.75, 1e-9);
  EXPECT_NEAR(rates.at("delivered").to_number<double>(), 0.75, 1e-9);
  EXPECT_NEAR(rates.at("refused").to_number<double>(), 0, 1e-9);
}

TEST_F(FeedbackView, TotalsOfHostsAndShardsAddUp) {
  total("north", "a:1", "accepted", 5);
  total("north", "a:1", "accepted", 2);
  total("north", "b:1", "accepted", 10);
  total("north", "*", "delivered", 3);
  const auto seen = document();
  const auto& all = seen.at("upstreams").at(0).at("total");
  EXPECT_EQ(all.at("accepted").as_int64(), 17);
  EXPECT_EQ(all.at("delivered").as_int64(), 3);
}

TEST_F(FeedbackView, SaysThatNothingIsFollowedWhereNothingIs) {
  EXPECT_FALSE(document().at("enabled").as_bool());
  EXPECT_TRUE(document().at("upstreams").as_array().empty());
  EXPECT_THAT(feedback_text(config, collector), testing::HasSubstr("outcomes are not followed"));
}

}  // namespace
}  // namespace smppd::admin
