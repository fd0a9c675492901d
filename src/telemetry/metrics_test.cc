#include "telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smppd::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr MetricDescription kMessages{"smppd_messages_total", MetricKind::kCounter, "Messages seen."};
constexpr MetricDescription kHealth{"smppd_upstream_health", MetricKind::kGauge, "1 when a host can take messages."};
constexpr MetricDescription kLatency{"smppd_message_latency_seconds", MetricKind::kHistogram, "Submit to response."};

TEST(Collector, AddsUpSamplesOfTheSameNameAndLabelsFromSeveralShards) {
  Collector all;
  for (int shard = 0; shard < 3; ++shard) {
    Collector one;
    one.add(kMessages, 10, {{"client", "a"}});
    one.add(kMessages, 1, {{"client", "b"}});
    Histogram h;
    h.record(1'000'000);
    one.add(kLatency, h, {{"upstream", "u"}});
    all.merge(std::move(one));
  }
  ASSERT_EQ(all.samples().size(), 3U);
  EXPECT_EQ(all.samples()[0].value, 30);
  EXPECT_EQ(all.samples()[1].value, 3);
  EXPECT_EQ(all.samples()[2].histogram.count(), 3U);
}

TEST(Collector, DoesNotMistakeLabelsThatReadAlikeWhenJoined) {
  Collector a, b;
  a.add(kMessages, 1, {{"x", "yz"}});
  b.add(kMessages, 1, {{"xy", "z"}});
  a.merge(std::move(b));
  EXPECT_EQ(a.samples().size(), 2U);
}

TEST(PrometheusText, WritesHelpAndTypeOnceForEachName) {
  Collector c;
  c.add(kMessages, 12, {{"direction", "mt"}, {"client", "a"}});
  c.add(kHealth, 1, {{"upstream", "u"}});
  c.add(kMessages, 2, {{"direction", "mo"}, {"client", "a"}});
  EXPECT_EQ(prometheus_text(c),
            "# HELP smppd_messages_total Messages seen.\n"
            "# TYPE smppd_messages_total counter\n"
            "smppd_messages_total{direction=\"mt\",client=\"a\"} 12\n"
            "smppd_messages_total{direction=\"mo\",client=\"a\"} 2\n"
            "# HELP smppd_upstream_health 1 when a host can take messages.\n"
            "# TYPE smppd_upstream_health gauge\n"
            "smppd_upstream_health{upstream=\"u\"} 1\n");
}

TEST(PrometheusText, AddsUpDuplicatesWithinOneShard) {
  Collector c;
  c.add(kMessages, 12, {{"client", "a"}});
  c.add(kMessages, 2, {{"client", "a"}});
  EXPECT_THAT(prometheus_text(c), HasSubstr("smppd_messages_total{client=\"a\"} 14\n"));
}

TEST(PrometheusText, EscapesLabelValuesAndReplacesMalformedUtf8) {
  Collector c;
  c.add(kMessages, 1, {{"client", "a\"b\\c\nd\xFF"}});
  EXPECT_THAT(prometheus_text(c), HasSubstr("{client=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"} 1\n"));
}

TEST(PrometheusText, ExportsHistogramsInSecondsWithCumulativeBuckets) {
  Histogram h;
  h.record(400'000);        // 0.4 ms
  h.record(4'000'000);      // 4 ms
  h.record(2'000'000'000);  // 2 s
  Collector c;
  c.add(kLatency, h, {{"upstream", "u"}});
  const std::string text = prometheus_text(c);
  EXPECT_THAT(text, HasSubstr("# TYPE smppd_message_latency_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_count{upstream=\"u\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_sum{upstream=\"u\"} 2.0044\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_bucket{upstream=\"u\",le=\"0.00025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_bucket{upstream=\"u\",le=\"0.0005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_bucket{upstream=\"u\",le=\"0.005\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_bucket{upstream=\"u\",le=\"60\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("smppd_message_latency_seconds_bucket{upstream=\"u\",le=\"+Inf\"} 3\n"));
}

TEST(PrometheusText, IsEmptyWithoutSamples) { EXPECT_EQ(prometheus_text(Collector{}), ""); }

}  // namespace
}  // namespace smppd::telemetry
