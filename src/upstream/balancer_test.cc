#include "upstream/balancer.h"

#include <map>
#include <random>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

constexpr std::uint64_t kThree = 0b111;
constexpr int kPicks = 6000;

constexpr Algorithm kAll[] = {Algorithm::kRoundRobin, Algorithm::kWeightedRoundRobin, Algorithm::kLeastConnections,
                              Algorithm::kRandom,     Algorithm::kPowerOfTwo,         Algorithm::kIpHash,
                              Algorithm::kLatency,    Algorithm::kCostBased,          Algorithm::kAdaptive};

std::vector<HostLoad> three_hosts() { return std::vector<HostLoad>(3); }

// How many of kPicks picks each host gets, with facts drawn from a fixed seed.
std::map<std::size_t, int> spread(Algorithm algorithm, const std::vector<HostLoad>& hosts, std::uint64_t candidates) {
  Balancer balancer(algorithm, hosts.size());
  std::mt19937_64 random(7);
  std::map<std::size_t, int> counts;
  for (int i = 0; i < kPicks; ++i) {
    PickFacts facts;
    facts.random = static_cast<std::uint32_t>(random());
    facts.client_hash = random();
    ++counts[balancer.pick(hosts, candidates, facts)];
  }
  return counts;
}

TEST(Balancer, EveryAlgorithmHasItsNameAndNothingElseIsOne) {
  std::set<Algorithm> seen;
  for (const char* name : {"round_robin", "weighted_round_robin", "least_connections", "random", "p2c", "ip_hash",
                           "latency", "cost_based", "adaptive"}) {
    const auto algorithm = parse_algorithm(name);
    ASSERT_TRUE(algorithm) << name;
    seen.insert(*algorithm);
  }
  EXPECT_EQ(seen.size(), std::size(kAll));
  ASSERT_FALSE(parse_algorithm("fastest"));
  EXPECT_THAT(parse_algorithm("fastest").error(), testing::HasSubstr("\"fastest\""));
}

TEST(Balancer, NoAlgorithmPicksWhatIsNoCandidate) {
  for (const Algorithm algorithm : kAll) {
    const std::vector<HostLoad> hosts(64);
    Balancer balancer(algorithm, hosts.size());
    std::mt19937_64 random(3);
    for (int i = 0; i < 5000; ++i) {
      PickFacts facts;
      facts.random = static_cast<std::uint32_t>(random());
      facts.client_hash = random();
      const std::uint64_t candidates = (random() & random() & random()) | std::uint64_t{1} << (random() % 64);
      const std::size_t host = balancer.pick(hosts, candidates, facts);
      ASSERT_LT(host, 64U);
      ASSERT_NE(candidates >> host & 1, 0U) << "algorithm " << static_cast<int>(algorithm);
    }
  }
}

TEST(Balancer, EveryAlgorithmSpreadsEqualHostsEvenly) {
  for (const Algorithm algorithm : kAll) {
    const auto counts = spread(algorithm, three_hosts(), kThree);
    for (std::size_t host = 0; host < 3; ++host) {
      EXPECT_NEAR(counts.at(host), kPicks / 3, kPicks / 20) << "algorithm " << static_cast<int>(algorithm);
    }
  }
}

TEST(Balancer, RoundRobinGoesRoundAndSkipsTheExcluded) {
  Balancer balancer(Algorithm::kRoundRobin, 4);
  const std::vector<HostLoad> hosts(4);
  std::vector<std::size_t> order;
  for (int i = 0; i < 6; ++i) order.push_back(balancer.pick(hosts, 0b1111, {}));
  for (int i = 0; i < 4; ++i) order.push_back(balancer.pick(hosts, 0b1010, {}));
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 0, 1, 3, 1, 3, 1));
}

TEST(Balancer, WeightsGiveTheirShares) {
  auto hosts = three_hosts();
  hosts[0].weight = 10;
  hosts[1].weight = 20;
  hosts[2].weight = 70;
  for (const Algorithm algorithm : {Algorithm::kWeightedRoundRobin, Algorithm::kIpHash}) {
    const auto counts = spread(algorithm, hosts, kThree);
    EXPECT_NEAR(counts.at(0), kPicks * 0.1, kPicks * 0.02) << static_cast<int>(algorithm);
    EXPECT_NEAR(counts.at(1), kPicks * 0.2, kPicks * 0.02) << static_cast<int>(algorithm);
    EXPECT_NEAR(counts.at(2), kPicks * 0.7, kPicks * 0.02) << static_cast<int>(algorithm);
  }
}

TEST(Balancer, WeightedRoundRobinIsSmooth) {
  auto hosts = three_hosts();
  hosts[0].weight = 5;
  hosts[1].weight = hosts[2].weight = 1;
  Balancer balancer(Algorithm::kWeightedRoundRobin, 3);
  std::vector<std::size_t> order;
  for (int i = 0; i < 7; ++i) order.push_back(balancer.pick(hosts, kThree, {}));
  EXPECT_THAT(order, testing::ElementsAre(0, 0, 1, 0, 2, 0, 0));
}

TEST(Balancer, LeastConnectionsTakesTheLeastLoadedForItsWeight) {
  auto hosts = three_hosts();
  hosts[0].outstanding = 9;
  hosts[1].outstanding = 4;
  hosts[2].outstanding = 6;
  Balancer balancer(Algorithm::kLeastConnections, 3);
  EXPECT_EQ(balancer.pick(hosts, kThree, {}), 1U);
  EXPECT_EQ(balancer.pick(hosts, 0b101, {}), 2U) << "next best";
  hosts[0].weight = 1000;
  EXPECT_EQ(balancer.pick(hosts, kThree, {}), 0U) << "ten times as strong";
}

TEST(Balancer, PowerOfTwoNeverPicksTheBusiestOfThree) {
  auto hosts = three_hosts();
  hosts[1].outstanding = 100;
  const auto counts = spread(Algorithm::kPowerOfTwo, hosts, kThree);
  EXPECT_FALSE(counts.contains(1)) << "whichever it is compared with is less busy";
  EXPECT_EQ(spread(Algorithm::kPowerOfTwo, hosts, 0b010).at(1), kPicks) << "the only one";
}

// One request at a time used to go to the heavier host always.
TEST(Balancer, PowerOfTwoSharesIdleHostsByTheirWeights) {
  std::vector<HostLoad> hosts(2);
  hosts[0].weight = 100;
  hosts[1].weight = 300;
  const auto counts = spread(Algorithm::kPowerOfTwo, hosts, 0b11);
  EXPECT_NEAR(counts.at(0), kPicks / 4, kPicks / 40);
  EXPECT_NEAR(counts.at(1), kPicks * 3 / 4, kPicks / 40);
  hosts[0].outstanding = 1;
  EXPECT_EQ(spread(Algorithm::kPowerOfTwo, hosts, 0b11).at(1), kPicks) << "idle before busy";
  hosts[1].outstanding = 4;
  EXPECT_EQ(spread(Algorithm::kPowerOfTwo, hosts, 0b11).at(0), kPicks) << "less busy for its weight";
}

TEST(Balancer, IpHashKeepsAClientOnItsHostAndMovesOnlyTheClientsOfALostOne) {
  const std::vector<HostLoad> hosts(5);
  Balancer balancer(Algorithm::kIpHash, 5);
  int moved = 0;
  for (std::uint64_t client = 1; client <= 1000; ++client) {
    PickFacts facts;
    facts.client_hash = client * 0x9E3779B97F4A7C15U;
    const std::size_t before = balancer.pick(hosts, 0b11111, facts);
    EXPECT_EQ(balancer.pick(hosts, 0b11111, facts), before);
    const std::size_t without_two = balancer.pick(hosts, 0b11011, facts);
    if (before != 2) {
      EXPECT_EQ(without_two, before);
    } else {
      ++moved;
      EXPECT_NE(without_two, 2U);
    }
  }
  EXPECT_NEAR(moved, 200, 60);
}

TEST(Balancer, LatencyPrefersTheFastAndStillLooksAtTheSlow) {
  auto hosts = three_hosts();
  hosts[0].latency_ns = 5e6;
  hosts[1].latency_ns = 1e6;
  hosts[2].latency_ns = 9e6;
  const auto counts = spread(Algorithm::kLatency, hosts, kThree);
  EXPECT_GT(counts.at(1), kPicks * 9 / 10);
  EXPECT_GT(counts.at(2), 0) << "or its recovery would never be seen";
  hosts[1].outstanding = 20;
  EXPECT_GT(spread(Algorithm::kLatency, hosts, kThree).at(0), kPicks * 9 / 10) << "fast but with a queue";
}

TEST(Balancer, CostBasedTakesTheCheapestForTheDestination) {
  auto hosts = three_hosts();
  hosts[0].cost = *message::CostTable::compile({{"+258", 0.02}, {"*", 0.01}});
  hosts[1].cost = *message::CostTable::compile({{"+258", 0.01}, {"*", 0.05}});
  Balancer balancer(Algorithm::kCostBased, 3);
  const auto to = [](std::string_view number) {
    PickFacts facts;
    facts.destination = message::normalise(message::ton::kUnknown, number);
    return facts;
  };
  EXPECT_EQ(balancer.pick(hosts, kThree, to("258841234567")), 1U);
  EXPECT_EQ(balancer.pick(hosts, kThree, to("4915112345678")), 0U);
  EXPECT_EQ(balancer.pick(hosts, 0b101, to("258841234567")), 0U) << "a host without a price is the dearest";
}

}  // namespace
}  // namespace smppd::upstream
