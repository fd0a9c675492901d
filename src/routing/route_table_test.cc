#include "routing/route_table.h"

#include <cstdio>
#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "routing/explain.h"
#include "routing/internal/route_table_test_support.h"

namespace smppd::routing {
namespace {

using message::UpstreamId;

TEST_F(Routes, FirstMatchWinsInDeclarationOrderEvenOverALongerPrefix) {
  route("country", "alpha").match.destination_addr = {glob("+258*")};
  route("operator", "beta").match.destination_addr = {glob("+25884*")};
  route("default", "gamma").match.destination_addr = {glob("*")};
  const auto table = compile();
  EXPECT_EQ(decide(*table, to("258841234567")), "country");
  EXPECT_EQ(decide(*table, to("27821234567")), "default");
}

TEST_F(Routes, LowerPriorityIsTriedFirst) {
  route("default", "gamma").match.destination_addr = {glob("*")};
  route("operator", "beta").match.destination_addr = {glob("+25884*")};
  config.routes[1].priority = 10;
  const auto table = compile();
  EXPECT_EQ(decide(*table, to("+258841234567")), "operator");
  EXPECT_EQ(decide(*table, to("+258821234567")), "default");
}

TEST_F(Routes, SpellingsOfAnInternationalNumberAreOneNumber) {
  route("mozambique", "alpha").match.destination_addr = {glob("+258*")};
  route("bare", "beta").match.destination_addr = {glob("258*")};
  const auto table = compile();
  for (const char* spelling : {"258841234567", "+258841234567", "00258841234567"}) {
    EXPECT_EQ(decide(*table, to(spelling, 1)), "mozambique") << spelling;
    EXPECT_EQ(decide(*table, to(spelling, 0)), "mozambique") << spelling;
  }
  EXPECT_EQ(decide(*table, to("258841", 2)), "bare") << "a national number is not international";
}

TEST_F(Routes, GlobsMatchAnywhere) {
  route("ends", "alpha").match.destination_addr = {glob("*99")};
  route("middle", "beta").match.destination_addr = {glob("+2588?1*")};
  const auto table = compile();
  EXPECT_EQ(decide(*table, to("258841000099")), "ends");
  EXPECT_EQ(decide(*table, to("258841000098")), "middle");
  EXPECT_EQ(decide(*table, to("258801")), "middle");
  EXPECT_EQ(decide(*table, to("258810000098")), "") << "the sixth digit is not 1";
  EXPECT_EQ(decide(*table, to("258851")), "middle");
  EXPECT_EQ(decide(*table, to("25881")), "") << "? stands for exactly one digit";
}

TEST_F(Routes, RegexSeesEverySpelling) {
  route("with plus", "alpha").match.destination_addr = {regex(R"(^\+258(84|85))")};
  route("bare", "beta").match.destination_addr = {regex(R"(^27\d+$)")};
  const auto table = compile();
  EXPECT_EQ(decide(*table, to("258841234567")), "with plus");
  EXPECT_EQ(decide(*table, to("00258851234567", 0)), "with plus");
  EXPECT_EQ(decide(*table, to("+27821234567")), "bare");
  EXPECT_EQ(decide(*table, to("258861234567")), "");
}

TEST_F(Routes, ConditionsAreAndedAndListsAreOred) {
  config::Match& match = route("complex", "alpha").match;
  match.destination_addr = {glob("+258*"), glob("+27*")};
  match.source_addr_ton = {5};
  match.client = {"shop", "bank"};
  const auto table = compile();
  MessageFacts facts = to("27821234567");
  facts.source_addr_ton = 5;
  facts.client = names.clients.find("bank");
  EXPECT_EQ(decide(*table, facts), "complex");
  facts.client = names.clients.find("game");
  EXPECT_EQ(decide(*table, facts), "");
  facts.client = names.clients.find("shop");
  facts.source_addr_ton = 1;
  EXPECT_EQ(decide(*table, facts), "");
}

TEST_F(Routes, TierAndTagsSelectClients) {
  config.clients[0].tier = "gold";
  config.clients[1].tier = "gold";
  config.clients[1].tags["country"] = "mz";
  config::Match& match = route("gold in mz", "alpha").match;
  match.client_tier = {"gold", "platinum"};
  match.client_tags["country"] = {"mz", "za"};
  route("nobody", "beta").match.client_tier = {"lead"};
  const auto table = compile();
  MessageFacts facts = to("1");
  for (const auto& [client, expected] : {std::pair{"bank", "gold in mz"}, {"shop", ""}, {"game", ""}}) {
    facts.client = names.clients.find(client);
    EXPECT_EQ(decide(*table, facts), expected) << client;
  }
}

TEST_F(Routes, TextIsComparedWithoutCaseUnlessByRegex) {
  route("keyword", "alpha").match.text = {glob("stop*")};
  route("otp", "beta").match.text = {regex(R"(\b\d{6}\b)")};
  const auto table = compile();
  MessageFacts facts = to("1");
  FixedText stop("STOP please");
  facts.text = &stop;
  EXPECT_EQ(decide(*table, facts), "keyword");
  FixedText code("Your code is 123456.");
  facts.text = &code;
  EXPECT_EQ(decide(*table, facts), "otp");
  facts.text = nullptr;
  EXPECT_EQ(decide(*table, facts), "");
}

TEST_F(Routes, SplitFollowsTheWeightsOverTheWholeRangeOfTheRandomNumber) {
  config::Route& split = route("split", "");
  split.upstreams = {{"alpha", 70}, {"beta", 0}, {"gamma", 30}};
  const auto table = compile();
  std::mt19937 random(7);
  int alpha = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Decision decision = table->decide(to("1"), WallTime{}, static_cast<std::uint32_t>(random()));
    ASSERT_EQ(decision.upstream_count, 1);
    ASSERT_NE(decision.upstreams[0], names.upstreams.find("beta"));
    alpha += decision.upstreams[0] == names.upstreams.find("alpha");
  }
  EXPECT_NEAR(alpha, 70'000, 700);
  EXPECT_EQ(table->decide(to("1"), WallTime{}, 0).upstreams[0], names.upstreams.find("alpha"));
  EXPECT_EQ(table->decide(to("1"), WallTime{}, 0xFFFF'FFFF).upstreams[0], names.upstreams.find("gamma"));
}

TEST_F(Routes, FailoverChainFollowsThePickAndNamesEachUpstreamOnce) {
  config::Route& split = route("split", "");
  split.upstreams = {{"alpha", 1}, {"beta", 1}};
  split.failover = {"beta", "gamma", "alpha"};
  const auto table = compile();
  const auto ids = [&](std::uint32_t random) {
    std::vector<std::string> found;
    for (const UpstreamId id : table->decide(to("1"), WallTime{}, random).to_try()) {
      found.emplace_back(names.upstreams.name(id));
    }
    return found;
  };
  EXPECT_EQ(ids(0), (std::vector<std::string>{"alpha", "beta", "gamma"}));
  EXPECT_EQ(ids(0xFFFF'FFFF), (std::vector<std::string>{"beta", "gamma", "alpha"}));
}

TEST_F(Routes, ResponseRouteCarriesItsStatusAndTemplate) {
  route("blackhole", "").response = config::CannedResponse{0x45, "${id}"};
  const auto table = compile();
  const Decision decision = table->decide(to("1"), WallTime{}, 0);
  EXPECT_EQ(decision.kind, Decision::Kind::kResponse);
  ASSERT_NE(decision.response, nullptr);
  EXPECT_EQ(decision.response->status, 0x45U);
  EXPECT_EQ(decision.response_id, nullptr);
  EXPECT_EQ(decision.upstream_count, 0);
}

TEST_F(Routes, ResponseRouteWithATemplateSaysHowItsIdsLook) {
  route("sandbox", "").response = config::CannedResponse{0, "test-${counter}"};
  const auto table = compile();
  const Decision decision = table->decide(to("1"), WallTime{}, 0);
  ASSERT_NE(decision.response_id, nullptr);
  message::IdText id;
  const message::MessageFacts facts;
  decision.response_id->write({.facts = facts, .id = 1, .counter = 12}, id);
  EXPECT_EQ(id.view(), "test-12");
}

TEST_F(Routes, RouteNumbersSurviveAReloadThatReordersThem) {
  route("one", "alpha").match.destination_addr = {glob("1*")};
  route("two", "beta").match.destination_addr = {glob("2*")};
  const message::RouteId before = compile()->decide(to("2"), WallTime{}, 0).route;
  std::swap(config.routes[0], config.routes[1]);
  config.routes.insert(config.routes.begin(), config.routes[0]);
  config.routes[0].name = "zero";
  config.routes[0].match.destination_addr = {glob("3*")};
  EXPECT_EQ(compile()->decide(to("2"), WallTime{}, 0).route, before);
}

TEST_F(Routes, EverythingWrongIsReportedAtOnce) {
  route("a", "nowhere");
  route("b", "alpha").match.destination_addr = {regex("(")};
  route("c", "alpha").match.client = {"stranger"};
  route("d", "");
  route("e", "alpha").match.upstream = {"beta"};
  route("f", "alpha").match.schedule = config::Schedule{"Mars/Olympus", "", {}};
  route("g", "alpha").failover = {"elsewhere"};
  route("h", "").upstreams = {{"alpha", 0}};
  route("i", "alpha").response = config::CannedResponse{};
  const std::string text = errors();
  for (const char* part : {"'a': the upstream 'nowhere'", "'b': destination_addr: the regular expression", "'stranger'",
                           "'d': a route needs", "'e': upstream can only", "'f': schedule: the time zone",
                           "'elsewhere'", "'h': one of the weights", "'i': a route has either"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

// Writes a number plan for the time of a test.
class TemporaryTable {
 public:
  explicit TemporaryTable(const std::string& text)
      : path_(testing::TempDir() + "smppd_route_table_test_" + std::to_string(getpid()) + "_" +
              std::to_string(count_++) + ".csv") {
    std::ofstream(path_) << text;
  }
  ~TemporaryTable() { std::remove(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static inline int count_ = 0;
  std::string path_;
};

TEST_F(Routes, ATableRouteOnlyMatchesWhatItsTableCovers) {
  const TemporaryTable plan("258,beta,2\n258,alpha,1\n25884,gamma\n");
  config::Route& table_route = route("plan", "");
  table_route.table = plan.path();
  table_route.failover = {"delta", "alpha"};
  route("default", "delta");
  const auto table = compile();
  const auto decided = [&](std::string_view number) {
    std::string text;
    const MessageFacts facts = to(number);
    const Decision decision = table->decide(facts, WallTime{}, 0);
    for (const UpstreamId id : decision.to_try()) text += std::string(names.upstreams.name(id)) + " ";
    EXPECT_EQ(explain(config, *table, names, facts, WallTime{}, 0).route, names.routes.name(decision.route));
    return text + std::string(names.routes.name(decision.route));
  };
  EXPECT_EQ(decided("25882"), "alpha beta delta plan");
  EXPECT_EQ(decided("25884"), "gamma delta alpha plan");
  EXPECT_EQ(decided("27"), "delta default");
}

TEST_F(Routes, AWinningTableKeepsItsAnswerWhenAnEarlierRouteRefusesAfterIt) {
  const TemporaryTable refusing("27,alpha\n");
  const TemporaryTable winning("258,beta\n");
  route("refuses", "").table = refusing.path();  // looked at last, as it is for every destination
  config::Route& wins = route("wins", "");
  wins.match.destination_addr = {glob("258*")};
  wins.table = winning.path();
  wins.upstreams = {{"gamma", 1}};  // for what the table does not cover
  const auto table = compile();
  const auto upstream = [&](std::string_view number) {
    return names.upstreams.name(table->decide(to(number), WallTime{}, 0).upstreams[0]);
  };
  EXPECT_EQ(upstream("258"), "beta");
  EXPECT_EQ(upstream("27"), "alpha");
}

TEST_F(Routes, UpstreamsBesideATableTakeWhatItDoesNotCover) {
  const TemporaryTable plan("25884,beta\n");
  config::Route& one = route("plan", "gamma");
  one.match.destination_addr = {glob("258*")};
  one.table = plan.path();
  const auto table = compile();
  EXPECT_EQ(names.upstreams.name(table->decide(to("25884"), WallTime{}, 0).upstreams[0]), "beta");
  EXPECT_EQ(names.upstreams.name(table->decide(to("25882"), WallTime{}, 0).upstreams[0]), "gamma");
  EXPECT_EQ(table->decide(to("27"), WallTime{}, 0).kind, Decision::Kind::kNoRoute);
}

TEST_F(Routes, AWrongTableIsReportedWithFileAndLine) {
  const TemporaryTable plan("258,nobody\n");
  route("plan", "").table = plan.path();
  EXPECT_NE(errors().find(plan.path() + ":1: the upstream 'nobody' does not exist"), std::string::npos);
}

TEST_F(Routes, NoRouteIsNoRoute) {
  const auto table = compile();
  EXPECT_EQ(table->decide(to("1"), WallTime{}, 0).kind, Decision::Kind::kNoRoute);
}

TEST_F(Routes, MoRoutesChooseByUpstreamDestinationAndKeyword) {
  config::MoRoute& keyword = config.mo_routes.emplace_back();
  keyword.name = "keyword";
  keyword.match.destination_addr = {exact("1234")};
  keyword.match.text = {glob("WIN*")};
  keyword.clients = {"game", "shop"};
  config::MoRoute& by_upstream = config.mo_routes.emplace_back();
  by_upstream.match.upstream = {"beta"};
  by_upstream.clients = {"bank"};
  intern_names(config, names);
  const auto table = MoTable::compile(config, names);
  ASSERT_TRUE(table.has_value()) << table.error();
  MessageFacts facts = to("1234", 3);
  FixedText win("win a car");
  facts.text = &win;
  facts.upstream = names.upstreams.find("beta");
  auto takers = (*table)->decide(facts, WallTime{});
  ASSERT_EQ(takers.clients.size(), 2U);
  EXPECT_EQ(takers.clients[0], names.clients.find("game"));
  facts.text = nullptr;
  takers = (*table)->decide(facts, WallTime{});
  ASSERT_EQ(takers.clients.size(), 1U);
  EXPECT_EQ(names.routes.name(takers.route), "mo_routes[1]");
  facts.upstream = names.upstreams.find("alpha");
  EXPECT_FALSE((*table)->decide(facts, WallTime{}).route.valid());
}

TEST_F(Routes, ExplainNamesTheFirstConditionThatFailsAndTheUpstreamsInOrder) {
  route("south africa", "alpha").match.destination_addr = {glob("+27*"), glob("+268*")};
  config::Match& night = route("night", "alpha").match;
  night.schedule = config::Schedule{"Africa/Maputo", "22:00-06:00", {}};
  route("vip", "alpha").match.client = {"bank"};
  route("default", "beta").failover = {"gamma"};
  route("never reached", "delta");
  const auto table = compile();
  MessageFacts facts = to("+258841234567");
  facts.client = names.clients.find("shop");
  const WallTime noon = WallTime{} + 10h;  // 1970-01-01 12:00 in Maputo
  const Explanation explanation = explain(config, *table, names, facts, noon, 0);
  EXPECT_EQ(explanation.to_text(),
            "destination compared as 258841234567\n"
            "  south africa: destination_addr: '258841234567' matches none of +27*, +268*\n"
            "  night: schedule: 1970-01-01 Thu 12:00 Africa/Maputo is not in 22:00-06:00\n"
            "  vip: client: it is 'shop', not bank\n"
            "  default: matches\n"
            "route default: upstream beta, then gamma\n");
  EXPECT_NE(explanation.to_json().find(R"({"route":"vip","priority":100,"matches":false,"condition":"client",)"
                                       R"("why":"it is 'shop', not bank"})"),
            std::string::npos);
  EXPECT_NE(explanation.to_json().find(R"("route":"default","upstreams":["beta","gamma"]})"), std::string::npos);
}

TEST_F(Routes, AnAdaptiveSplitNamesAllItsUpstreamsAndTheirWeights) {
  config::Route& adaptive = route("adaptive", "alpha");
  adaptive.upstreams = {{"alpha", 3}, {"beta", 1}, {"gamma", 0}};
  adaptive.balance = "adaptive";
  adaptive.failover = {"delta", "beta"};
  const auto table = compile();
  ASSERT_NE(table, nullptr);
  MessageFacts facts;
  facts.destination_addr = "258841234567";
  const Decision decision = table->decide(facts, WallTime{}, 0xFFFF'FFFF);
  ASSERT_EQ(decision.upstream_count, 3U) << "alpha, beta, then delta; gamma has no weight";
  EXPECT_EQ(decision.equals, 2U);
  EXPECT_EQ(decision.upstreams[0], names.upstreams.find("alpha"));
  EXPECT_EQ(decision.upstreams[1], names.upstreams.find("beta"));
  EXPECT_EQ(decision.upstreams[2], names.upstreams.find("delta"));
  EXPECT_NEAR(static_cast<double>(decision.weights[0]) / decision.weights[1], 3, 0.001);
  const auto explanation = explain(config, *table, names, facts, WallTime{}, 0);
  EXPECT_NE(explanation.to_text().find("(the first 2 in the order of their quality)"), std::string::npos);
  EXPECT_NE(explanation.to_json().find("\"by_quality\":2"), std::string::npos);
}

TEST_F(Routes, ASplitByWeightLeavesNothingToPutInOrder) {
  route("plain", "alpha").upstreams = {{"alpha", 3}, {"beta", 1}};
  const auto table = compile();
  ASSERT_NE(table, nullptr);
  const Decision decision = table->decide({}, WallTime{}, 0);
  EXPECT_EQ(decision.equals, 0U);
  EXPECT_EQ(decision.weights, nullptr);
}

TEST_F(Routes, AnAdaptiveSplitWithAnUpstreamTwiceIsRefused) {
  config::Route& adaptive = route("adaptive", "alpha");
  adaptive.upstreams = {{"alpha", 3}, {"beta", 1}, {"alpha", 1}};
  adaptive.balance = "adaptive";
  EXPECT_NE(errors().find("balance: adaptive wants each upstream once"), std::string::npos) << errors();
}

}  // namespace
}  // namespace smppd::routing
