#include "admin/internal/views.h"

#include <limits>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "http/message.h"
#include "telemetry/json_text.h"

namespace smppd::admin {
namespace {

TEST(ErrorResponse, ParsesBackToTheTextWhateverAPeerPutIntoIt) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const auto document = boost::json::parse(http::error_response(400, text, "h").body);
    RC_ASSERT(std::string_view(document.at("error").as_string()) == telemetry::valid_utf8(text));
  }));
}

TEST(StatsJson, IsValidWhateverALabelHolds) {
  static constexpr telemetry::MetricDescription kCount{"smppd_x_total", telemetry::MetricKind::kCounter, ""};
  EXPECT_TRUE(rc::check([](const std::string& client) {
    telemetry::Collector collector;
    collector.add(kCount, 1, {{"client", client}});
    const auto document = boost::json::parse(stats_json(stats_of(collector)));
    RC_ASSERT(document.at("stats").as_object().size() == 1U);
  }));
}

TEST(StatsJson, ShowsWholeNumbersAsIntegersHistogramsAsObjectsAndNoNumberAsNull) {
  static constexpr telemetry::MetricDescription kCount{"smppd_x_total", telemetry::MetricKind::kCounter, ""};
  static constexpr telemetry::MetricDescription kTime{"smppd_y_seconds", telemetry::MetricKind::kHistogram, ""};
  telemetry::Histogram histogram;
  histogram.record(2'000'000'000);
  telemetry::Collector collector;
  collector.add(kCount, 9e15);
  collector.add(kTime, histogram);
  static constexpr telemetry::MetricDescription kBroken{"smppd_a", telemetry::MetricKind::kGauge, ""};
  collector.add(kBroken, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(stats_json(stats_of(collector)),
            "{\"stats\":{\"smppd.a\":null,\"smppd.x\":9000000000000000,\"smppd.y_seconds\":{\"count\":1,\"sum_"
            "seconds\":2E0,\"p50\":2E0,"
            "\"p90\":2E0,\"p99\":2E0,\"p99.9\":2E0,\"max\":2E0}}}\n");
}

}  // namespace
}  // namespace smppd::admin
