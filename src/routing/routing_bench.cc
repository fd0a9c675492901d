// How long does a message take to find its route, by the number of routes? And how long does a configuration take to
// compile? Destinations are drawn at random from all prefixes, so that large tables do not sit in the cache.
#include <array>
#include <random>
#include <set>

#include <benchmark/benchmark.h>

#include "micro/reported_allocations.h"
#include "routing/route_table.h"

namespace smppd::routing {
namespace {

constexpr int kDestinations = 1 << 16;

std::string number(std::mt19937& random, int digits) {
  std::string text(1, static_cast<char>('1' + random() % 9));
  while (static_cast<int>(text.size()) < digits) text += static_cast<char>('0' + random() % 10);
  return text;
}

struct Plan {
  std::vector<std::string> prefixes;
  std::vector<std::string> destinations;
};

Plan plan(std::int64_t count) {
  std::mt19937 random(1);
  std::set<std::string> distinct;
  while (static_cast<std::int64_t>(distinct.size()) < count) {
    distinct.insert(number(random, count < 100 ? 3 : 5 + static_cast<int>(random() % 4)));
  }
  Plan made{{distinct.begin(), distinct.end()}, {}};
  for (int i = 0; i < kDestinations; ++i) {
    std::string destination = made.prefixes[random() % made.prefixes.size()];
    while (destination.size() < 12) destination += static_cast<char>('0' + random() % 10);
    made.destinations.push_back(std::move(destination));
  }
  return made;
}

struct Setup {
  config::Config config;
  message::Names names;
  std::vector<std::string> destinations;

  Setup(std::int64_t count, bool by_client) {
    config.upstreams.emplace_back().name = "a";
    config.upstreams.emplace_back().name = "b";
    for (int i = 0; i < 100; ++i) config.clients.emplace_back().system_id = "client" + std::to_string(i);
    Plan made = plan(count);
    destinations = std::move(made.destinations);
    config.routes.reserve(made.prefixes.size() + 1);
    std::size_t number = 0;
    for (const std::string& prefix : made.prefixes) {
      config::Route& route = config.routes.emplace_back();
      route.name = "route" + std::to_string(number);
      route.match.destination_addr = {{config::Pattern::Kind::kGlob, "+" + prefix + "*"}};
      if (by_client) route.match.client = {"client" + std::to_string(number % 100)};
      route.upstreams = {{number % 2 == 0 ? "a" : "b", 1}};
      ++number;
    }
    config::Route& fallback = config.routes.emplace_back();
    fallback.name = "default";
    fallback.upstreams = {{"a", 1}};
    intern_names(config, names);
  }
};

void decide(benchmark::State& state, bool by_client) {
  Setup setup(state.range(0), by_client);
  const auto table = *RouteTable::compile(setup.config, setup.names);
  message::MessageFacts facts;
  facts.dest_addr_ton = 1;
  facts.source_addr = "MYAPP";
  std::size_t at = 0;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    facts.destination_addr = setup.destinations[at++ % kDestinations];
    facts.client = message::ClientId(static_cast<std::uint32_t>(at % 100));
    benchmark::DoNotOptimize(table->decide(facts, WallTime{}, 0));
  }
}

// As the road does it: what a batch of messages will read is fetched before the first of them is decided.
void decide_foreseen(benchmark::State& state, bool by_client) {
  constexpr std::size_t kAhead = RouteTable::Foreseen::kMost;
  Setup setup(state.range(0), by_client);
  const auto table = *RouteTable::compile(setup.config, setup.names);
  message::MessageFacts facts;
  facts.dest_addr_ton = 1;
  facts.source_addr = "MYAPP";
  std::array<message::NormalAddress, kAhead> ahead;
  RouteTable::Foreseen foreseen;
  std::size_t at = 0;
  const bench::ReportedAllocations allocations(state);
  while (state.KeepRunningBatch(kAhead)) {
    for (std::size_t i = 0; i < kAhead; ++i) ahead[i] = {setup.destinations[(at + i) % kDestinations], true};
    benchmark::DoNotOptimize(table->foresee(ahead, foreseen));
    for (std::size_t i = 0; i < kAhead; ++i) {
      facts.destination_addr = setup.destinations[at++ % kDestinations];
      facts.client = message::ClientId(static_cast<std::uint32_t>(at % 100));
      Decision decision;
      table->decide(facts, WallTime{}, 0, &foreseen, decision);
      benchmark::DoNotOptimize(decision);
    }
  }
}

void DecideByPrefixForeseen(benchmark::State& state) { decide_foreseen(state, false); }
BENCHMARK(DecideByPrefixForeseen)->Arg(10)->Arg(1'000)->Arg(100'000);
void DecideByPrefixAndClientForeseen(benchmark::State& state) { decide_foreseen(state, true); }
BENCHMARK(DecideByPrefixAndClientForeseen)->Arg(10)->Arg(1'000)->Arg(100'000);

void DecideByPrefix(benchmark::State& state) { decide(state, false); }
BENCHMARK(DecideByPrefix)->Arg(10)->Arg(1'000)->Arg(100'000);

void DecideByPrefixAndClient(benchmark::State& state) { decide(state, true); }
BENCHMARK(DecideByPrefixAndClient)->Arg(10)->Arg(1'000)->Arg(100'000);

void CompileRoutes(benchmark::State& state) {
  Setup setup(state.range(0), false);
  for (auto _ : state) benchmark::DoNotOptimize(RouteTable::compile(setup.config, setup.names));
}
BENCHMARK(CompileRoutes)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

std::string csv(const Plan& made) {
  std::string text = "prefix,upstream,cost\n";
  for (const std::string& prefix : made.prefixes)
    text += "+" + prefix + (prefix.back() % 2 ? ",a,0.01\n" : ",b,0.02\n");
  return text;
}

// Whole numbers of one country, as those that have been ported are listed.
Plan ported(std::int64_t count) {
  std::mt19937 random(2);
  Plan made;
  for (std::int64_t i = 0; i < count; ++i)
    made.prefixes.push_back(std::to_string(258'840'000'000 + i * 7'919'117 % 10'000'000));
  for (int i = 0; i < kDestinations; ++i) made.destinations.push_back(made.prefixes[random() % made.prefixes.size()]);
  return made;
}

void look_up(benchmark::State& state, const Plan& made) {
  Setup setup(1, false);
  const auto table = PrefixTable::parse(csv(made), "plan.csv", setup.names);
  std::size_t at = 0;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(table->find({made.destinations[at++ % kDestinations], true}));
  }
}
void LookUpInTable(benchmark::State& state) { look_up(state, plan(state.range(0))); }
void LookUpPorted(benchmark::State& state) { look_up(state, ported(state.range(0))); }
BENCHMARK(LookUpInTable)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(LookUpPorted)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

void LoadTable(benchmark::State& state) {
  Setup setup(1, false);
  const std::string text = csv(plan(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(PrefixTable::parse(text, "plan.csv", setup.names));
}
BENCHMARK(LoadTable)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace smppd::routing
