// How long an insert, and an insert with its receipt found, takes at 1k, 1M and 10M entries; and what an entry weighs.
#include <charconv>

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

Submission submission(const Id& id, message::OwnId own, Instant now) {
  return {.upstream = kUpstream,
          .upstream_id = id.view(),
          .own = own,
          .client = message::ClientId(1),
          .source_hash = 1,
          .registered_delivery = 1,
          .at = now};
}

// The steady state: one in, an older one's receipt comes, one out.
void InsertMatchEvict(benchmark::State& state) {
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  const Instant now = Instant() + std::chrono::hours(1);
  ReceiptMap map({.max_entries = static_cast<std::uint32_t>(entries), .seed = 5}, now);
  std::uint64_t own = 0;
  while (own < entries) {
    ++own;
    map.insert(submission(Id(own), own, now));
  }
  std::uint64_t scatter = 1;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    ++own;
    map.insert(submission(Id(own), own, now));
    scatter = scatter * 6'364'136'223'846'793'005U + 1;
    const Id id(own - (scatter >> 33U) % entries);
    benchmark::DoNotOptimize(map.find(kUpstream, id.view()));
  }
  state.counters["bytes/entry"] = static_cast<double>(map.stats().memory_bytes) / static_cast<double>(entries);
  state.SetItemsProcessed(state.iterations());
}
// A fixed number of iterations, for the map is filled anew each time the library looks for a better one.
BENCHMARK(InsertMatchEvict)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000)->Iterations(1'000'000);

void Grow(benchmark::State& state) {
  const auto entries = static_cast<std::uint64_t>(state.range(0));
  const Instant now = Instant() + std::chrono::hours(1);
  for (auto _ : state) {
    ReceiptMap map({.max_entries = 10'000'000, .seed = 5}, now);
    for (std::uint64_t own = 1; own <= entries; ++own) map.insert(submission(Id(own), own, now));
    state.counters["bytes/entry"] = static_cast<double>(map.stats().memory_bytes) / static_cast<double>(entries);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Grow)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace smppd::flow
