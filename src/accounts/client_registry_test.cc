#include "accounts/client_registry.h"

#include <gtest/gtest.h>

namespace smppd::accounts {
namespace {

using config::Pattern;

Pattern glob(std::string text) { return {Pattern::Kind::kGlob, std::move(text)}; }
Pattern exact(std::string text) { return {Pattern::Kind::kExact, std::move(text)}; }

class Clients : public testing::Test {
 protected:
  config::Client& client(const std::string& system_id) {
    config::Client& client = config.clients.emplace_back();
    client.system_id = system_id;
    client.password = "pw";
    return client;
  }
  Fallible<std::shared_ptr<const ClientRegistry>> compile() {
    for (const config::Client& one : config.clients) (void)names.clients.intern(one.system_id);
    for (const config::Upstream& one : config.upstreams) (void)names.upstreams.intern(one.name);
    return ClientRegistry::compile(config, names, states);
  }
  static message::MessageFacts facts(std::string_view source, std::uint8_t source_ton, std::string_view destination) {
    message::MessageFacts facts;
    facts.source_addr = source;
    facts.source_addr_ton = source_ton;
    facts.destination_addr = destination;
    facts.dest_addr_ton = 1;
    return facts;
  }

  config::Config config;
  message::Names names;
  ClientStates states;
};

TEST_F(Clients, AreFoundByNameAndByNumberWithTheirFacts) {
  config.upstreams.emplace_back().name = "carrier";
  client("a");
  config::Client& b = client("b");
  b.allowed_ips = {"192.168.1.0/24"};
  b.bind_types = {"transmitter", "transceiver"};
  b.max_connections = 3;
  b.upstream = "carrier";
  b.rate_limit = {100, 20};
  const auto registry = compile();
  ASSERT_TRUE(registry.has_value()) << registry.error();
  EXPECT_EQ((*registry)->find("c"), nullptr);
  EXPECT_EQ((*registry)->find("A"), nullptr) << "names are exact";
  const ClientEntry* entry = (*registry)->find("b");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ((*registry)->find(entry->id), entry);
  EXPECT_EQ((*registry)->find(message::ClientId(99)), nullptr);
  EXPECT_TRUE(entry->may_bind(BindType::kTransceiver));
  EXPECT_FALSE(entry->may_bind(BindType::kReceiver));
  EXPECT_TRUE((*registry)->find("a")->may_bind(BindType::kReceiver));
  EXPECT_TRUE(entry->may_come_from(IpAddress::v4({192, 168, 1, 9})));
  EXPECT_FALSE(entry->may_come_from(IpAddress::v4({192, 168, 2, 9})));
  EXPECT_TRUE((*registry)->find("a")->may_come_from(IpAddress::v4({192, 168, 2, 9})));
  EXPECT_EQ(entry->upstream, names.upstreams.find("carrier"));
  EXPECT_FALSE((*registry)->find("a")->upstream.valid());
  EXPECT_EQ(entry->max_connections, 3U);
}

TEST_F(Clients, StateSurvivesAReloadAndAFailedOneChangesNothing) {
  const Instant now = Instant{} + 1000s;
  client("a").rate_limit = {10, 10};
  const auto first = compile();
  ASSERT_TRUE(first.has_value());
  (*first)->publish(now);
  ClientState* state = (*first)->find("a")->state;
  EXPECT_EQ(state->rate.take_up_to(now, 100), 10U);
  ASSERT_TRUE(state->sessions.enter(0));

  config.clients.insert(config.clients.begin(), config.clients[0]);
  config.clients[0].system_id = "newcomer";
  config.clients[1].rate_limit = {1000, 1000};
  const auto second = compile();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ((*second)->find("a")->state, state);
  EXPECT_NEAR(state->rate.rate(), 10, 1e-9) << "not before it is published";
  (*second)->publish(now);
  EXPECT_EQ(state->rate.take_up_to(now, 100), 0U) << "no second burst";
  EXPECT_EQ(state->rate.take_up_to(now + 1ms, 100), 1U);
  EXPECT_EQ(state->sessions.count(), 1U);

  config.clients[1].allowed_ips = {"nonsense"};
  config.clients[1].rate_limit = {5, 5};
  EXPECT_FALSE(compile().has_value());
  EXPECT_NEAR(state->rate.rate(), 1000, 1e-6);
}

TEST_F(Clients, AddressRulesGiveTheStatusOfTheAddressThatBreaksThem) {
  config::Client& one = client("a");
  one.source_allowed = {exact("MYAPP"), glob("25884*")};
  one.destination_blocked = {glob("+2588470*"), exact("112")};
  const auto registry = compile();
  ASSERT_TRUE(registry.has_value()) << registry.error();
  const ClientEntry& entry = *(*registry)->find("a");
  EXPECT_EQ(check_addresses(entry, facts("MYAPP", 5, "258841234567")), AddressVerdict::kOk);
  EXPECT_EQ(check_addresses(entry, facts("+258841", 1, "258841234567")), AddressVerdict::kOk);
  EXPECT_EQ(check_addresses(entry, facts("OTHER", 5, "258841234567")), AddressVerdict::kBadSource);
  EXPECT_EQ(check_addresses(entry, facts("", 0, "258841234567")), AddressVerdict::kBadSource);
  EXPECT_EQ(check_addresses(entry, facts("MYAPP", 5, "00258847012345")), AddressVerdict::kBadDestination);
  EXPECT_EQ(check_addresses(entry, facts("MYAPP", 5, "112")), AddressVerdict::kBadDestination);
  EXPECT_EQ(static_cast<std::uint32_t>(AddressVerdict::kBadSource), 0x0AU);
  EXPECT_EQ(static_cast<std::uint32_t>(AddressVerdict::kBadDestination), 0x0BU);
}

TEST_F(Clients, BlockedWinsOverAllowed) {
  config::Client& one = client("a");
  one.destination_allowed = {glob("+258*")};
  one.destination_blocked = {glob("+25884*")};
  const auto registry = compile();
  ASSERT_TRUE(registry.has_value());
  const ClientEntry& entry = *(*registry)->find("a");
  EXPECT_EQ(check_addresses(entry, facts("x", 5, "25882")), AddressVerdict::kOk);
  EXPECT_EQ(check_addresses(entry, facts("x", 5, "25884")), AddressVerdict::kBadDestination);
  EXPECT_EQ(check_addresses(entry, facts("x", 5, "27")), AddressVerdict::kBadDestination);
}

TEST_F(Clients, EverythingWrongIsReportedAtOnceAndSecretsAreNot) {
  client("a").allowed_ips = {"10.0.0.0/99"};
  client("b").bind_types = {"sender"};
  config::Client& c = client("c");
  c.password.clear();
  c.password_hash = "$9$topsecret";
  client("d").upstream = "nowhere";
  client("e").source_allowed = {{Pattern::Kind::kRegex, "("}};
  client("e");
  const auto registry = compile();
  ASSERT_FALSE(registry.has_value());
  for (const char* part : {"'a': allowed_ips: '10.0.0.0/99'", "'b': bind_types: 'sender'", "'c': password_hash:",
                           "'d': the upstream 'nowhere'", "'e': source.allowed: the regular", "'e' is there twice"}) {
    EXPECT_NE(registry.error().find(part), std::string::npos) << part << "\nin\n" << registry.error();
  }
  EXPECT_EQ(registry.error().find("topsecret"), std::string::npos);
}

}  // namespace
}  // namespace smppd::accounts
