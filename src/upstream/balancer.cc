#include "upstream/balancer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace smppd::upstream {

namespace {

// Visits the hosts of a set in order of their number.
template <typename Visit>
void for_each_host(std::uint64_t set, Visit&& visit) {
  while (set != 0) {
    visit(static_cast<std::size_t>(std::countr_zero(set)));
    set &= set - 1;
  }
}

std::size_t nth_host(std::uint64_t set, unsigned n) noexcept {
  for (; n > 0; --n) set &= set - 1;
  return static_cast<std::size_t>(std::countr_zero(set));
}

template <typename Score>
std::size_t lowest(std::uint64_t candidates, std::size_t first, Score&& score) {
  // Starting behind the last pick spreads hosts that score the same.
  const std::uint64_t rotated = std::rotr(candidates, static_cast<int>(first));
  std::size_t best = 0;
  double best_score = std::numeric_limits<double>::infinity();
  bool found = false;
  for_each_host(rotated, [&](std::size_t i) {
    const std::size_t host = (i + first) % 64;
    const double value = score(host);
    if (!found || value < best_score) {
      found = true;
      best = host;
      best_score = value;
    }
  });
  return best;
}

std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

double load_of(const HostLoad& host) noexcept { return (host.outstanding + 1.0) / std::max(host.weight, 1); }

// The host that a draw of 32 bits falls on, each with the chance its weight gives it.
std::size_t drawn_by_weight(const std::vector<HostLoad>& hosts, std::uint64_t set, std::uint32_t draw) noexcept {
  std::uint64_t total = 0;
  for_each_host(set, [&](std::size_t host) { total += static_cast<unsigned>(std::max(hosts[host].weight, 1)); });
  std::uint64_t left = total * draw >> 32U;
  std::size_t found = static_cast<std::size_t>(std::countr_zero(set));
  bool passed = false;
  for_each_host(set, [&](std::size_t host) {
    const auto weight = static_cast<unsigned>(std::max(hosts[host].weight, 1));
    if (!passed) found = host;
    passed = passed || left < weight;
    if (!passed) left -= weight;
  });
  return found;
}

}  // namespace

Fallible<Algorithm> parse_algorithm(std::string_view name) {
  static constexpr std::pair<std::string_view, Algorithm> kNames[] = {
      {"round_robin", Algorithm::kRoundRobin},
      {"weighted_round_robin", Algorithm::kWeightedRoundRobin},
      {"least_connections", Algorithm::kLeastConnections},
      {"random", Algorithm::kRandom},
      {"p2c", Algorithm::kPowerOfTwo},
      {"ip_hash", Algorithm::kIpHash},
      {"latency", Algorithm::kLatency},
      {"cost_based", Algorithm::kCostBased},
      {"adaptive", Algorithm::kAdaptive},
  };
  for (const auto& [known, algorithm] : kNames) {
    if (known == name) return algorithm;
  }
  return failure("\"" + std::string(name) + "\" is not a load balancing algorithm");
}

std::size_t Balancer::round_robin(std::uint64_t candidates) noexcept {
  const std::uint64_t rotated = std::rotr(candidates, static_cast<int>(next_));
  const std::size_t host = (next_ + static_cast<std::size_t>(std::countr_zero(rotated))) % 64;
  next_ = (host + 1) % 64;
  return host;
}

// Smooth weighted round robin: every host earns its weight each time, the richest pays the round and is picked.
std::size_t Balancer::weighted(const std::vector<HostLoad>& hosts, std::uint64_t candidates) noexcept {
  std::int64_t total = 0;
  std::size_t best = static_cast<std::size_t>(std::countr_zero(candidates));
  for_each_host(candidates, [&](std::size_t host) {
    total += hosts[host].weight;
    credit_[host] += hosts[host].weight;
    if (credit_[host] > credit_[best]) best = host;
  });
  credit_[best] -= total;
  return best;
}

std::size_t Balancer::cheapest(const std::vector<HostLoad>& hosts, std::uint64_t candidates,
                               const PickFacts& facts) noexcept {
  std::uint64_t best = 0;
  double best_price = std::numeric_limits<double>::infinity();
  for_each_host(candidates, [&](std::size_t host) {
    const double price = hosts[host].cost.price(facts.destination);
    if (best == 0 || price < best_price) {
      best_price = price;
      best = 0;
    }
    if (price == best_price) best |= std::uint64_t{1} << host;
  });
  return round_robin(best);
}

std::size_t Balancer::best(const std::vector<HostLoad>& hosts, std::uint64_t candidates,
                           const PickFacts& facts) const noexcept {
  if (facts.quality == nullptr || !facts.quality->on()) return drawn_by_weight(hosts, candidates, facts.random);
  std::array<Quality::Choice, kMaxHosts> choices;
  std::size_t count = 0;
  for_each_host(candidates, [&](std::size_t host) {
    choices[count++] = {{upstream_, static_cast<std::uint8_t>(host)},
                        static_cast<std::uint32_t>(std::max(hosts[host].weight, 1))};
  });
  return choices[facts.quality->choose({choices.data(), count}, facts.quality->prefix_of(facts.destination),
                                       facts.random)]
      .party.host;
}

std::size_t Balancer::pick(const std::vector<HostLoad>& hosts, std::uint64_t candidates,
                           const PickFacts& facts) noexcept {
  const auto count = static_cast<unsigned>(std::popcount(candidates));
  if (count == 1) return static_cast<std::size_t>(std::countr_zero(candidates));
  const auto turn = [&] {
    next_ = (next_ + 1) % hosts.size();
    return next_;
  };
  switch (algorithm_) {
    case Algorithm::kRoundRobin: return round_robin(candidates);
    case Algorithm::kWeightedRoundRobin: return weighted(hosts, candidates);
    case Algorithm::kLeastConnections:
      return lowest(candidates, turn(), [&](std::size_t h) { return load_of(hosts[h]); });
    case Algorithm::kRandom: return nth_host(candidates, facts.random % count);
    case Algorithm::kPowerOfTwo: {
      // Both are drawn by weight and the first wins a tie, so that idle hosts get their shares too.
      const std::size_t one = drawn_by_weight(hosts, candidates, facts.random);
      const std::size_t two = drawn_by_weight(hosts, candidates & ~(std::uint64_t{1} << one),
                                              static_cast<std::uint32_t>(mix(facts.random)));
      const auto used = [&](std::size_t h) {
        return hosts[h].outstanding / static_cast<double>(std::max(hosts[h].weight, 1));
      };
      return used(one) <= used(two) ? one : two;
    }
    case Algorithm::kIpHash:
      return lowest(candidates, 0, [&](std::size_t h) {
        // An exponential variate per host: the chance of the lowest is its share of the weights.
        const double uniform = (static_cast<double>(mix(facts.client_hash ^ mix(h + 1)) >> 11) + 0.5) * 0x1p-53;
        return -std::log(uniform) / std::max(hosts[h].weight, 1);
      });
    case Algorithm::kLatency:
      // One pick in 64 goes elsewhere, so that a host that has recovered is noticed.
      if (facts.random % 64 == 0) return nth_host(candidates, (facts.random >> 8) % count);
      return lowest(candidates, turn(),
                    [&](std::size_t h) { return hosts[h].latency_ns * (hosts[h].outstanding + 1.0); });
    case Algorithm::kCostBased: return cheapest(hosts, candidates, facts);
    case Algorithm::kAdaptive: return best(hosts, candidates, facts);
  }
  return round_robin(candidates);
}

}  // namespace smppd::upstream
