#include "plugins/filter/auth/auth.h"

#include "plugins/filter/common/test_support.h"

namespace smppd::plugins::testing {
namespace {

TEST(AuthFilter, RefusesWhoIsNoClient) {
  World world;
  const auto filter = world.make(kAuthFilter, {});
  EXPECT_EQ(Message().pass(*filter, world.client("acme")).kind, flow::Verdict::Kind::kPass);
  const auto refused = Message().pass(*filter, nullptr);
  EXPECT_EQ(refused.kind, flow::Verdict::Kind::kAnswer);
  EXPECT_EQ(refused.status, smpp::CommandStatus::ESME_RINVSYSID);
  EXPECT_EQ(counted(*filter, "smppd_filter_unauthenticated_total", {}), 1);
}

TEST(AuthFilter, NeedsClients) {
  World world;
  world.config.clients.clear();
  EXPECT_NE(world.problem(kAuthFilter, {}).find("no `clients`"), std::string::npos);
}

}  // namespace
}  // namespace smppd::plugins::testing
