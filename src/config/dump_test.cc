#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "config/internal/options.h"
#include "config/internal/test_support.h"
#include "config/internal/write.h"

namespace smppd::config {
namespace {

using namespace smppd::config::testing;
using ::testing::HasSubstr;
using ::testing::Not;

// Texts that a careless writer or reader would change.
rc::Gen<std::string> nasty(std::size_t max) {
  const auto piece = rc::gen::element<std::string>("a", "Z", "0", "1", "7", " ", ":", "#", "-", "'", "\"", "\\", "{",
                                                   "}", "[", "]", ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "$",
                                                   "${", "$${", "}", "=", "\n", "\t", "é", "€", "😀", "\x7F", "~", "<<",
                                                   ".", "e", "x", "null", "true", "yes", "---");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [max](const std::vector<std::string>& pieces) {
                        std::string text;
                        for (const std::string& one : pieces) {
                          if (text.size() + one.size() <= max) text += one;
                        }
                        return text == kHidden ? std::string("*") : text;
                      });
}

std::string not_empty(const std::string& text) { return text.empty() ? "x" : text; }
Millis millis() { return Millis(*rc::gen::inRange(1, 3'600'000)); }
double share() { return *rc::gen::inRange(0, 1'000'000) / 1e6; }

Pattern pattern() {
  Pattern one;
  one.kind =
      *rc::gen::element(Pattern::Kind::kExact, Pattern::Kind::kGlob, Pattern::Kind::kPrefix, Pattern::Kind::kRegex);
  one.text = one.kind == Pattern::Kind::kRegex ? *rc::gen::element<std::string>("^a.*$", "[0-9]+", "x{2}", "\\d\\$")
                                               : not_empty(*nasty(20));
  return one;
}

std::vector<Pattern> patterns() {
  std::vector<Pattern> result;
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) result.push_back(pattern());
  return result;
}

std::map<std::string, std::string> tags() {
  std::map<std::string, std::string> result;
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) result[not_empty(*nasty(10))] = *nasty(10);
  return result;
}

Upstream upstream(int number) {
  Upstream one;
  one.name = "upstream-" + std::to_string(number);
  if (number == 0) {
    one.mock.emplace().outcomes = {{2.5, 0x58, "EXPIRED", "00A"}, {}};
    one.mock->message_id = "${counter}-x";
    one.mock->latency_max = millis();
    one.mock->chaos.late_receipts = share();
  } else {
    one.hosts.resize(2);
    one.hosts[0].address = {"host", 1};
    one.hosts[1].address = {"::1", *rc::gen::inRange<std::uint16_t>(1, 65'535)};
    one.hosts[1].cost = {{"+258", share()}, {"*", 1e9 * share()}};
    one.hosts[1].password = not_empty(*nasty(20));
  }
  one.bind.system_id = *nasty(15);
  one.bind.password = *nasty(20);
  one.bind.interface_version = *rc::gen::element<std::uint8_t>(0x33, 0x34, 0x50);
  one.algorithm = *rc::gen::element<std::string>("p2c", "latency", "cost_based");
  one.rate_limit = {share() * 1000, share()};
  one.timeouts.response = millis();
  one.health.enabled = *rc::gen::arbitrary<bool>();
  one.throttling.increase_per_second = 0.001 + share() / 2;
  one.receipts.states = {{not_empty(*nasty(8)), "DELIVRD"}};
  one.receipts.map = {{not_empty(*nasty(8)), {2, 0}}, {"007/UNDELIV", {5, {}}}};
  one.receipts.pattern = *rc::gen::element<std::string>("", "(?P<id>[^\\s]+) \"x\"", "${1}$");
  one.retry.max_attempts = *rc::gen::inRange<std::uint32_t>(0, 20);
  one.retry.max_delay = one.retry.delay + millis();
  one.retry.backoff = *rc::gen::element(Backoff::kFixed, Backoff::kLinear, Backoff::kExponential);
  one.retry.backoff_factor = 1 + share();
  one.retry.jitter = share();
  one.retry.retryable_errors = {0x58, *rc::gen::arbitrary<std::uint32_t>()};
  one.retry.uncertain = *rc::gen::element(Uncertain::kFail, Uncertain::kHold, Uncertain::kResend);
  one.retry.order = *rc::gen::element(RetryOrder::kNone, RetryOrder::kDestination);
  one.retry.after_hold = *rc::gen::element(Uncertain::kFail, Uncertain::kResend);
  if (*rc::gen::arbitrary<bool>()) one.message.registered_delivery = *rc::gen::arbitrary<std::uint8_t>();
  one.tags = tags();
  return one;
}

Route route(int number) {
  Route one;
  one.name = "route-" + std::to_string(number);
  one.priority = *rc::gen::inRange(0, 200);
  one.match.destination_addr = patterns();
  one.match.text = patterns();
  one.match.client_tier = {*nasty(10), "gold"};
  one.match.data_coding = {0, 8, *rc::gen::arbitrary<std::uint8_t>()};
  if (*rc::gen::arbitrary<bool>()) one.match.schedule = Schedule{"Africa/Maputo", "22:00-06:00", {"mon", "sun"}};
  switch (*rc::gen::inRange(0, 3)) {
    case 0: one.upstreams = {{"upstream-0", 1}}; break;
    case 1: one.upstreams = {{"upstream-0", 0.5}, {"upstream-1", share()}}; break;
    default: one.response = CannedResponse{*rc::gen::arbitrary<std::uint32_t>(), "${id}"};
  }
  if (!one.response && *rc::gen::arbitrary<bool>()) one.mode = MessageMode::kTransaction;
  return one;
}

Client client(int number) {
  Client one;
  one.system_id = "client-" + std::to_string(number);
  one.password = not_empty(*nasty(20));
  one.allowed_ips = {"10.0.0.0/8", "::1"};
  one.rate_limit = {share() * 100, 0};
  one.source_allowed = patterns();
  one.tags = tags();
  one.tier = *nasty(20);
  if (*rc::gen::arbitrary<bool>()) one.mode = MessageMode::kTransaction;
  if (*rc::gen::arbitrary<bool>()) one.uncertain_status = *rc::gen::arbitrary<std::uint32_t>();
  one.message_id_format = *rc::gen::element(MessageIdFormat::kHex, MessageIdFormat::kDecimal, MessageIdFormat::kUuid);
  one.receipts = {*rc::gen::element<std::string>("", "id:${id} \"x\""), *rc::gen::arbitrary<bool>(), false};
  return one;
}

Storage storage() {
  Storage one;
  one.backend = *rc::gen::element(StoreBackend::kMemory, StoreBackend::kRocksdb);
  one.path = *rc::gen::element<std::string>("", "/var/lib/smppd", "/a b/ü");
  one.durability = *rc::gen::element(StoreDurability::kFsync, StoreDurability::kOs, StoreDurability::kNone);
  one.max_messages = *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000);
  one.max_bytes = *rc::gen::inRange<std::uint64_t>(1'000'000, 1'000'000'000'000'000);
  one.keep_outcomes = *rc::gen::arbitrary<bool>();
  one.outcome_retention = Millis(1'000) + millis();
  one.validity_default = Millis(1'000) + millis();
  one.inbox_delay = millis();
  return one;
}

Config arbitrary_config() {
  Config config;
  config.runtime.shards = *rc::gen::inRange(0, 4);
  config.runtime.drain_timeout = millis();
  Listener listener;
  listener.name = "smpp";
  listener.address = {*rc::gen::element<std::string>("", "127.0.0.1", "::1"), 2775};
  listener.smpp.overload = *rc::gen::element(Overload::kWait, Overload::kThrottle, Overload::kQueueFull);
  listener.smpp.versions = {0x34, 0x50};
  listener.smpp.system_id = *nasty(15);
  config.listeners = {listener};
  for (int i = 0; i < 2; ++i) {
    config.upstreams.push_back(upstream(i));
    config.routes.push_back(route(i));
    config.clients.push_back(client(i));
  }
  config.mo_routes = {{{}, "mo", {}, {"client-0", "client-1"}}};
  config.mo_routes[0].match.source_addr = patterns();
  Filter transform;
  transform.type = "transform";
  transform.rules.resize(1);
  transform.rules[0].set = {{"short_message", *nasty(40)}};
  transform.rules[0].transform = {{"destination_addr", "+258${1}${source_addr}"}};
  config.middleware = {transform};
  config.logging.levels = {{"upstream", "debug"}};
  config.logging.file_rotation_size = *rc::gen::inRange<std::uint64_t>(1'000, 9'000'000'000);
  config.management.auth_type = "basic";
  config.management.username = "x";
  config.management.password = not_empty(*nasty(30));
  config.storage = storage();
  config.tlvs = {{"vendor", 0x1400, "text", 1, 2}};
  return config;
}

void check_round_trip(Format format, std::string (*write)(const Node&)) {
  EXPECT_TRUE(rc::check([&] {
    const Config config = arbitrary_config();
    const std::string text = write(write_options(root_options(), &config, Secrets::kShow));
    const Loaded loaded = load_text(text, format, "", options_with({}));
    if (loaded.config == nullptr) RC_FAIL(to_text(loaded.diagnostics) + text);
    Config again = *loaded.config;
    again.warnings.clear();
    if (!(again == config)) RC_FAIL(text + write(write_options(root_options(), &again, Secrets::kShow)));
  }));
}

TEST(Dump, LoadsAgainToTheSameConfigurationFromYaml) { check_round_trip(Format::kYaml, to_yaml); }
TEST(Dump, LoadsAgainToTheSameConfigurationFromJson) { check_round_trip(Format::kJson, to_json); }
TEST(Dump, LoadsAgainToTheSameConfigurationFromToml) { check_round_trip(Format::kToml, to_toml); }

TEST(Dump, ShowsNoSecretAndIsRefusedWhereOneIsMissing) {
  const ConfigPtr config = load_yaml(std::string(kRouted) +
                                     "clients: [{system_id: x, password: hush-1}]\n"
                                     "management: {auth: {type: basic, username: u, password: hush-2}}\n")
                               .config;
  ASSERT_NE(config, nullptr);
  for (const Format format : {Format::kYaml, Format::kJson, Format::kToml}) {
    const std::string text = dump(*config, format);
    EXPECT_THAT(text, Not(HasSubstr("hush")));
    const Loaded again = load_text(text, format, "dump", options_with({}));
    EXPECT_EQ(again.config, nullptr);
    EXPECT_THAT(to_text(again.diagnostics), HasSubstr("clients[0].password: `***` stands for a secret"));
    EXPECT_THAT(to_text(again.diagnostics), HasSubstr("management.auth.password: `***` stands for a secret"));
  }
}

TEST(Dump, WithoutSecretsLoadsAgain) {
  const ConfigPtr config = load_yaml(kRouted).config;
  ASSERT_NE(config, nullptr);
  const std::string text = dump(*config, Format::kYaml);
  const ConfigPtr again = load_yaml(text).config;
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(dump(*again, Format::kYaml), text);
}

TEST(Config, ThatOnlyMovedInItsFileIsEqual) {
  const ConfigPtr one = load_yaml(kRouted).config;
  const ConfigPtr two = load_yaml("# a line\n\n" + std::string(kRouted)).config;
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->upstreams[0].mark.line, two->upstreams[0].mark.line);
  EXPECT_EQ(one->upstreams, two->upstreams);
  EXPECT_EQ(one->listeners, two->listeners);
}

}  // namespace
}  // namespace smppd::config
