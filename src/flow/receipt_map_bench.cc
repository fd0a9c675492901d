// How long an insert takes, and one with a receipt found, at a thousand to ten million entries; and what an entry
// weighs.
#include <array>
#include <charconv>
#include <vector>

#include <benchmark/benchmark.h>

#include "flow/receipt_map.h"
#include "micro/reported_allocations.h"

namespace smppd::flow {
namespace {

constexpr message::UpstreamId kUpstream{1};

// A 20-digit id as carriers give them.
class Id {
 public:
  explicit Id(std::uint64_t number) noexcept {
    std::to_chars(text_, text_ + sizeof(text_), 10'000'000'000'000'000'000U + number * 7'919);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_, sizeof(text_)}; }

 private:
  char text_[20];
};

// Ids of ours as they are given in one turn.
message::OwnId own_id(std::uint64_t number) noexcept { return (std::uint64_t{1} << 62U) + (number << 12U); }

Submission submission(std::uint64_t number, const Id& id, Instant now) {
  return {.upstream = kUpstream,
          .upstream_id = id.view(),
          .own = own_id(number),
          .client = message::ClientId(1),
          .source_hash = 1,
          .registered_delivery = 1,
          .at = now};
}

// The steady state: one in, an older one's receipt comes if `finds`, one out.
void steady(benchmark::State& state, bool finds) {
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  const Instant now = Instant() + std::chrono::hours(1);
  ReceiptMap map({.max_entries = static_cast<std::uint32_t>(entries), .seed = 5}, now);
  std::uint64_t number = 0;
  const auto insert = [&] {
    ++number;
    map.insert(submission(number, Id(number), now));
  };
  while (number < entries) insert();
  std::uint64_t scatter = 1;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    insert();
    if (!finds) continue;
    scatter = scatter * 6'364'136'223'846'793'005U + 1;
    const Id id(number - (scatter >> 33U) % entries);
    benchmark::DoNotOptimize(map.find(kUpstream, id.view()));
  }
  state.counters["bytes/entry"] = static_cast<double>(map.stats().memory_bytes) / static_cast<double>(entries);
  state.SetItemsProcessed(state.iterations());
}
// As the road does it: what the receipts of one read will find is fetched before the first of them is matched.
void InsertMatchEvictForeseen(benchmark::State& state) {
  constexpr std::size_t kAhead = 16;
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  const Instant now = Instant() + std::chrono::hours(1);
  ReceiptMap map({.max_entries = static_cast<std::uint32_t>(entries), .seed = 5}, now);
  std::uint64_t number = 0;
  const auto insert = [&] {
    ++number;
    map.insert(submission(number, Id(number), now));
  };
  while (number < entries) insert();
  std::uint64_t scatter = 1;
  std::vector<Id> ids(kAhead, Id(0));
  std::array<std::uint32_t, kAhead> seen{};
  const bench::ReportedAllocations allocations(state);
  while (state.KeepRunningBatch(kAhead)) {
    for (std::size_t i = 0; i < kAhead; ++i) insert();
    for (Id& id : ids) {
      scatter = scatter * 6'364'136'223'846'793'005U + 1;
      id = Id(number - (scatter >> 33U) % entries);
    }
    if (map.is_large()) {
      for (std::size_t i = 0; i < kAhead; ++i) seen[i] = map.foresee(kUpstream, ids[i].view());
      for (const std::uint32_t hash : seen) benchmark::DoNotOptimize(map.foresee_record(hash));
    }
    for (const Id& id : ids) benchmark::DoNotOptimize(map.find(kUpstream, id.view()));
  }
  state.counters["bytes/entry"] = static_cast<double>(map.stats().memory_bytes) / static_cast<double>(entries);
  state.SetItemsProcessed(state.iterations());
}
void InsertMatchEvict(benchmark::State& state) { steady(state, true); }
void InsertEvict(benchmark::State& state) { steady(state, false); }
// A fixed number of iterations, for the map is filled anew each time the library looks for a better one.
BENCHMARK(InsertMatchEvict)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Iterations(1'000'000);
BENCHMARK(InsertMatchEvictForeseen)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Iterations(1'000'000);
BENCHMARK(InsertEvict)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Iterations(1'000'000);

void Grow(benchmark::State& state) {
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  const Instant now = Instant() + std::chrono::hours(1);
  for (auto _ : state) {
    ReceiptMap map({.max_entries = 10'000'000, .seed = 5}, now);
    for (std::uint64_t number = 1; number <= entries; ++number) map.insert(submission(number, Id(number), now));
    state.counters["bytes/entry"] = static_cast<double>(map.stats().memory_bytes) / static_cast<double>(entries);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Grow)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace smppd::flow
