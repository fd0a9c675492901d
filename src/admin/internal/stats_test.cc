#include "admin/internal/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smppd::admin {
namespace {

using telemetry::Collector;
using telemetry::Labels;
using telemetry::MetricDescription;
using telemetry::MetricKind;

std::string name_of(const char* metric, Labels labels) {
  const MetricDescription description{metric, MetricKind::kCounter, ""};
  return dotted_name({&description, std::move(labels), 1, {}});
}

TEST(DottedName, FollowsTheDocumentedHierarchy) {
  EXPECT_EQ(name_of("smppd_downstream_connections_total", {{"listener", "smpp_listener"}}),
            "smppd.listener.smpp_listener.downstream_cx_total");
  EXPECT_EQ(name_of("smppd_connection_active", {{"listener", "smpp_listener"}}),
            "smppd.listener.smpp_listener.downstream_cx_active");
  EXPECT_EQ(name_of("smppd_upstream_connections_total", {{"upstream", "vodacom"}}),
            "smppd.cluster.vodacom.upstream_cx_total");
  EXPECT_EQ(name_of("smppd_upstream_requests_total", {{"upstream", "vodacom"}}),
            "smppd.cluster.vodacom.upstream_rq_total");
  EXPECT_EQ(name_of("smppd_upstream_timeouts_total", {{"upstream", "vodacom"}}),
            "smppd.cluster.vodacom.upstream_rq_timeout");
  EXPECT_EQ(name_of("smppd_upstream_health_checks_total", {{"upstream", "vodacom"}, {"result", "success"}}),
            "smppd.cluster.vodacom.health_check.success");
  EXPECT_EQ(name_of("smppd_endpoint_responses_total",
                    {{"cluster", "vodacom"}, {"endpoint", "10.0.0.1:2775"}, {"result", "success"}}),
            "smppd.cluster.vodacom.endpoint.10.0.0.1:2775.rq_success");
}

TEST(DottedName, IsDerivedForMetricsWithoutARow) {
  EXPECT_EQ(name_of("smppd_messages_total",
                    {{"direction", "mt"}, {"status", "ESME_ROK"}, {"upstream", "a"}, {"client", "c"}}),
            "smppd.cluster.a.client.c.messages.mt.ESME_ROK");
  EXPECT_EQ(name_of("smppd_messages_submitted_total", {}), "smppd.messages_submitted");
  EXPECT_EQ(name_of("process_open_fds", {}), "smppd.process_open_fds");
}

TEST(DottedName, IsDerivedWhenALabelOfItsRowIsMissing) {
  EXPECT_EQ(name_of("smppd_connection_active", {}), "smppd.connection_active");
  EXPECT_EQ(name_of("smppd_connection_active", {{"listener", ""}}), "smppd.connection_active");
}

constexpr MetricDescription kRequests{"smppd_upstream_requests_total", MetricKind::kCounter, ""};
constexpr MetricDescription kLatency{"smppd_message_latency_seconds", MetricKind::kHistogram, ""};

TEST(Stats, AddUpSamplesThatShareAName) {
  Collector c;
  c.add(kRequests, 2, {{"upstream", "a"}});
  c.add(kRequests, 3, {{"upstream", "a"}});
  EXPECT_EQ(stats_of(c).at("smppd.cluster.a.upstream_rq_total").value, 5);
}

TEST(Stats, AboutOneClusterLeaveOutOthersWithSimilarNames) {
  Collector c;
  c.add(kRequests, 2, {{"upstream", "a"}});
  c.add(kRequests, 3, {{"upstream", "a.b"}});
  const Stats about = stats_about(c, "cluster", "a");
  ASSERT_EQ(about.size(), 1U);
  EXPECT_EQ(about.begin()->first, "upstream_rq_total");
  EXPECT_EQ(about.begin()->second.value, 2);
}

TEST(Stats, ReadAsLinesSortedByName) {
  Collector c;
  telemetry::Histogram h;
  h.record(1'000'000);
  c.add(kRequests, 12'000'000, {{"upstream", "b"}});
  c.add(kRequests, 2.5, {{"upstream", "a\n"}});
  c.add(kLatency, h, {{"upstream", "a"}});
  EXPECT_EQ(to_text(stats_of(c)),
            "smppd.cluster.a\\n.upstream_rq_total: 2.5\n"
            "smppd.cluster.a.message_latency_seconds: count=1 mean=0.001 p50=0.001 p90=0.001 p99=0.001 p99.9=0.001 "
            "max=0.001\n"
            "smppd.cluster.b.upstream_rq_total: 12000000\n");
}

}  // namespace
}  // namespace smppd::admin
