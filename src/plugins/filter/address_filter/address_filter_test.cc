#include "plugins/filter/address_filter/address_filter.h"

#include "plugins/filter/common/test_support.h"

namespace smppd::plugins::testing {
namespace {

using Kind = flow::Verdict::Kind;
using smpp::CommandStatus;

config::Pattern glob(std::string text) { return {config::Pattern::Kind::kGlob, std::move(text)}; }

TEST(AddressFilter, AnswersWhichAddressIsWrong) {
  World world;
  world.config.clients[0].source_allowed = {{config::Pattern::Kind::kExact, "ACME"}};
  world.config.clients[0].destination_blocked = {glob("+1900*")};
  const auto filter = world.make(kAddressFilter, {});
  EXPECT_EQ(Message().pass(*filter, world.client("acme")).kind, Kind::kPass);

  Message forged;
  forged.sent.set(smpp::Field::source_addr, "BANK");
  EXPECT_EQ(forged.pass(*filter, world.client("acme")).status, CommandStatus::ESME_RINVSRCADR);
  Message premium;
  premium.sent.set(smpp::Field::destination_addr, "19005551234");
  EXPECT_EQ(premium.pass(*filter, world.client("acme")).status, CommandStatus::ESME_RINVDSTADR);

  EXPECT_EQ(counted(*filter, "smppd_filter_addresses_refused_total", {{"client", "acme"}, {"address", "source"}}), 1);
  EXPECT_EQ(counted(*filter, "smppd_filter_addresses_refused_total", {{"client", "acme"}, {"address", "destination"}}),
            1);
}

TEST(AddressFilter, OtherClientsHaveTheirOwnRules) {
  World world;
  world.config.clients[0].destination_blocked = {glob("*")};
  const auto filter = world.make(kAddressFilter, {});
  EXPECT_EQ(Message().pass(*filter, world.client("acme")).kind, Kind::kAnswer);
  EXPECT_EQ(Message().pass(*filter, world.client("zeta")).kind, Kind::kPass);
  EXPECT_EQ(Message().pass(*filter, nullptr).kind, Kind::kPass);
}

}  // namespace
}  // namespace smppd::plugins::testing
