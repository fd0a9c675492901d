// Any routes: the index finds what reading them one by one finds, looked at ahead or not.
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "routing/explain.h"
#include "routing/internal/route_table_test_support.h"

namespace smppd::routing {
namespace {

// The index against the literal reading of the configuration: same route for every message.
class RandomRoutes : public Routes, public testing::WithParamInterface<unsigned> {
 protected:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  bool one_in(unsigned n) { return below(n) == 0; }
  std::string digits(unsigned at_most) {
    std::string text;
    for (unsigned i = below(at_most + 1); i > 0; --i) text += static_cast<char>('1' + below(3));
    return text;
  }
  Pattern pattern() {
    std::string text = digits(5);
    if (one_in(4)) text = "+" + text;
    if (one_in(8)) text = "00" + text;
    switch (below(8)) {
      case 0: return {Pattern::Kind::kPrefix, text + "1"};
      case 1: return exact(text.empty() ? "1" : text);
      case 2: return glob("*" + digits(2));
      case 3: return glob(text + "?" + digits(2) + "*");
      case 4: return regex("^" + digits(3));
      case 5: return one_in(4) ? glob("AB*") : exact("ABC");
      default: return glob(text + "*");
    }
  }
  std::vector<Pattern> patterns() {
    std::vector<Pattern> list;
    for (unsigned i = 1 + below(3); i > 0; --i) list.push_back(pattern());
    return list;
  }
  void fill(config::Match& match) {
    if (!one_in(8)) match.destination_addr = patterns();
    if (one_in(4)) match.source_addr = patterns();
    if (one_in(3)) match.client = {config.clients[below(3)].system_id};
    if (one_in(6)) match.client_tier = {one_in(2) ? "gold" : "free"};
    if (one_in(8)) match.client_tags["zone"] = {"a"};
    if (one_in(6)) match.source_addr_ton = {static_cast<std::uint8_t>(below(3))};
    if (one_in(8)) match.data_coding = {0, 8};
    if (one_in(8)) match.service_type = {exact("WAP")};
    if (one_in(8)) match.text = {glob("stop*")};
    if (one_in(8)) match.schedule = config::Schedule{"Africa/Maputo", "22:00-06:00", {}};
  }
  std::string address(std::uint8_t& ton) {
    ton = static_cast<std::uint8_t>(below(3));
    if (one_in(10)) {
      ton = 5;
      return "ABC";
    }
    std::string text = digits(8);
    if (one_in(3)) return "+" + text;
    return one_in(4) ? "00" + text : text;
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(RandomRoutes, TheIndexFindsWhatReadingTheRoutesOneByOneFinds) {
  config.clients[0].tier = "gold";
  config.clients[1].tier = "free";
  config.clients[1].tags["zone"] = "a";
  const unsigned count = 1 + below(60);
  for (unsigned i = 0; i < count; ++i) {
    config::Route& one = route("r" + std::to_string(i), "alpha");
    one.priority = static_cast<int>(below(3));
    fill(one.match);
  }
  const auto table = compile();
  ASSERT_NE(table, nullptr);
  unsigned matched = 0;
  for (int i = 0; i < 300; ++i) {
    MessageFacts facts;
    const std::string destination = address(facts.dest_addr_ton);
    const std::string source = address(facts.source_addr_ton);
    facts.destination_addr = destination;
    facts.source_addr = source;
    if (!one_in(5)) facts.client = message::ClientId(below(3));
    facts.data_coding = one_in(2) ? 0 : 4;
    facts.service_type = one_in(2) ? "WAP" : "";
    FixedText text(one_in(2) ? "STOP it" : "go on");
    if (!one_in(4)) facts.text = &text;
    const WallTime now = WallTime{} + std::chrono::hours(below(24));
    const Explanation expected = explain(config, *table, names, facts, now, 0);
    ASSERT_EQ(decide(*table, facts, 0, now), expected.route) << expected.to_text();
    matched += expected.route.empty() ? 0 : 1;
  }
  EXPECT_GT(matched, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRoutes, testing::Range(1U, 121U));

class ManyRandomRoutes : public RandomRoutes {
 protected:
  // Among as many plain prefixes as make a table large.
  std::shared_ptr<const RouteTable> large_table() {
    constexpr unsigned kPlain = 7'000;
    for (unsigned i = 0; i < kPlain; ++i) {
      config::Route& plain = route("p" + std::to_string(i), "beta");
      plain.priority = static_cast<int>(below(3));
      plain.match.destination_addr = {glob("+" + std::to_string(1'000 + i * 7) + "*")};
    }
    for (unsigned i = 0; i < 60; ++i) {
      config::Route& one = route("r" + std::to_string(i), "alpha");
      one.priority = static_cast<int>(below(3));
      fill(one.match);
    }
    return compile();
  }
};

TEST_P(ManyRandomRoutes, WhatWasForeseenChangesNothing) {
  const auto table = large_table();
  ASSERT_NE(table, nullptr);
  ASSERT_TRUE(table->is_large());
  unsigned matched = 0;
  for (int round = 0; round < 200; ++round) {
    RouteTable::Foreseen foreseen;
    std::vector<std::string> texts;
    std::vector<MessageFacts> messages;
    for (unsigned i = below(20); i > 0; --i) {
      MessageFacts& facts = messages.emplace_back();
      facts.source_addr = "SHOP";
      texts.push_back(one_in(2) ? address(facts.dest_addr_ton) : std::to_string(random_()));
      if (one_in(20)) texts.back() += "1231231231231231";
      if (!one_in(5)) facts.client = message::ClientId(below(3));
    }
    std::vector<message::NormalAddress> destinations;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      messages[i].destination_addr = texts[i];
      if (!one_in(10)) destinations.push_back(message::normalised_destination(messages[i]));
    }
    (void)table->foresee(destinations, foreseen);
    for (const MessageFacts& facts : messages) {
      if (one_in(10)) continue;  // something else became of it
      Decision decision;
      table->decide(facts, WallTime{}, 0, &foreseen, decision);
      ASSERT_EQ(names.routes.name(decision.route), decide(*table, facts)) << facts.destination_addr;
      matched += decision.route.valid() ? 1 : 0;
    }
  }
  EXPECT_GT(matched, 100U);
}

// Prefixes of prefixes, for all or for international numbers only, and sometimes a route without a prefix between them.
TEST_P(ManyRandomRoutes, WhatTheLookAheadDecidesIsWhatTheRoutesSay) {
  for (unsigned i = 0; i < 7'000; ++i) {
    config::Route& one = route("p" + std::to_string(i), "beta");
    one.priority = static_cast<int>(below(4));
    one.match.destination_addr = {glob((one_in(2) ? "+" : "") + std::to_string(1'000 + below(90'000)) + "*")};
    if (one_in(10))
      one.match.destination_addr = {glob((one_in(2) ? "+" : "") + std::to_string(100 + below(900)) + "*")};
    if (one_in(200)) one.match.destination_addr = {glob("+" + std::to_string(1 + below(99)) + "*")};
  }
  if (one_in(2)) route("all", "alpha").priority = static_cast<int>(below(5));
  if (one_in(2)) route("shop", "alpha").match.source_addr = {exact("SHOP")};
  const auto number = [this] { return std::to_string(1'000'000 + below(99'000'000)); };
  const std::string whole = number();
  if (one_in(4)) {
    config::Route& exactly = route("whole", "alpha");
    exactly.priority = -1;
    exactly.match.destination_addr = {exact(whole)};
  }
  const auto table = compile();
  ASSERT_NE(table, nullptr);
  ASSERT_TRUE(table->is_large());
  for (int i = 0; i < 3'000; ++i) {
    const std::string text = one_in(20) ? whole : number();
    MessageFacts facts = to(text);
    if (one_in(2)) facts.source_addr = "SHOP";
    facts.dest_addr_ton = static_cast<std::uint8_t>(below(3));
    const message::NormalAddress destination = message::normalised_destination(facts);
    RouteTable::Foreseen foreseen;
    (void)table->foresee(std::span(&destination, 1), foreseen);
    if (one_in(4)) facts.dest_addr_ton = static_cast<std::uint8_t>(below(3));  // a filter's work
    Decision decision;
    table->decide(facts, WallTime{}, 0, &foreseen, decision);
    ASSERT_EQ(names.routes.name(decision.route), decide(*table, facts)) << facts.destination_addr;
  }
}

TEST_P(ManyRandomRoutes, AnotherTablesForesightIsNotBelieved) {
  const auto before = large_table();
  const std::string text = "1007123";
  const message::NormalAddress destination{text, true};
  RouteTable::Foreseen foreseen;
  (void)before->foresee(std::span(&destination, 1), foreseen);
  config.routes.insert(config.routes.begin(), config::Route{});
  config.routes.front().upstreams = {{"gamma", 1}};
  config.routes.front().priority = -1;
  const auto now = compile();
  MessageFacts facts = to(text);
  facts.source_addr = "SHOP";
  Decision decision;
  now->decide(facts, WallTime{}, 0, &foreseen, decision);
  EXPECT_EQ(names.routes.name(decision.route), decide(*now, facts));
}

INSTANTIATE_TEST_SUITE_P(Seeds, ManyRandomRoutes, testing::Range(1U, 9U));

}  // namespace
}  // namespace smppd::routing
