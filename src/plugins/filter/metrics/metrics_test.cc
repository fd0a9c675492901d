#include "plugins/filter/metrics/metrics.h"

#include "plugins/filter/common/test_support.h"

namespace smppd::plugins::testing {
namespace {

TEST(MetricsFilter, CountsWhoSendsInWhichAlphabetAndHowManyParts) {
  World world;
  const auto filter = world.make(kMetricsFilter, {});
  Message().pass(*filter, world.client("acme"));
  Message unicode;
  unicode.sent.set(smpp::Field::data_coding, 8).set(smpp::Field::esm_class, 0x40);
  const std::uint8_t part[] = {5, 0, 3, 9, 2, 1, 0, 'a'};
  unicode.sent.set(smpp::Field::short_message, ByteSpan(part));
  unicode.pass(*filter, world.client("acme"));
  Message().pass_mo(*filter, message::UpstreamId(0));

  EXPECT_EQ(counted(*filter, "smppd_filter_messages_total", {{"client", "acme"}, {"alphabet", "gsm7"}}), 1);
  EXPECT_EQ(counted(*filter, "smppd_filter_messages_total", {{"client", "acme"}, {"alphabet", "ucs2"}}), 1);
  EXPECT_EQ(counted(*filter, "smppd_filter_message_parts_total", {{"client", "acme"}}), 1);
  EXPECT_EQ(counted(*filter, "smppd_filter_message_octets_total", {{"client", "acme"}}), 13);
  EXPECT_EQ(counted(*filter, "smppd_filter_messages_total", {{"upstream", "carrier"}, {"direction", "mo"}}), 1);
}

TEST(MetricsFilter, CountsOutcomesByClientUpstreamAndStatus) {
  World world;
  const auto filter = world.make(kMetricsFilter, {});
  flow::OutcomeContext outcome{.id = 1,
                               .client = world.client("zeta")->id,
                               .upstream = message::UpstreamId(0),
                               .command_id = smpp::CommandId::submit_sm,
                               .status = smpp::CommandStatus::ESME_RTHROTTLED,
                               .uncertain = false,
                               .elapsed = {},
                               .upstream_message_id = {}};
  filter->on_outcome(outcome);
  filter->on_outcome(outcome);
  outcome.uncertain = true;
  filter->on_outcome(outcome);
  EXPECT_EQ(counted(*filter, "smppd_filter_outcomes_total",
                    {{"client", "zeta"}, {"upstream", "carrier"}, {"status", "ESME_RTHROTTLED"}}),
            2);
  EXPECT_EQ(counted(*filter, "smppd_filter_outcomes_total", {{"status", "uncertain"}}), 1);
}

TEST(MetricsFilter, AMessageThatHadToWaitIsCountedOnce) {
  World world;
  const auto filter = world.make(kMetricsFilter, {});
  Message().pass(*filter, nullptr);
  Message().pass(*filter, nullptr, {}, true);
  EXPECT_EQ(counted(*filter, "smppd_filter_messages_total", {}), 1);
}

TEST(MetricsFilter, WithoutPrometheusItAsksForNothing) {
  World world;
  config::Filter options;
  options.prometheus = false;
  const auto filter = world.make(kMetricsFilter, options);
  EXPECT_EQ(filter->hooks(), 0);
  EXPECT_EQ(counted(*filter, "smppd_filter_messages_total", {}), 0);
}

}  // namespace
}  // namespace smppd::plugins::testing
