#include <benchmark/benchmark.h>

#include "telemetry/histogram.h"

namespace smppd::telemetry {
namespace {

// What a latency costs the message path.
void record(benchmark::State& state) {
  Histogram h;
  std::uint64_t value = 12'345;
  for (auto _ : state) {
    h.record(value);
    value = value * 6364136223846793005ULL + 1442695040888963407ULL;
    value >>= 24;
  }
  benchmark::DoNotOptimize(h.count());
}
BENCHMARK(record);

// What one scrape costs for each histogram and shard.
void merge(benchmark::State& state) {
  Histogram from, to;
  for (std::uint64_t v = 1; v < 1'000'000'000; v = v * 3 / 2 + 1) from.record(v);
  for (auto _ : state) to.merge(from);
  benchmark::DoNotOptimize(to.count());
}
BENCHMARK(merge);

void percentile(benchmark::State& state) {
  Histogram h;
  for (std::uint64_t v = 1; v < 1'000'000'000; v = v * 3 / 2 + 1) h.record(v);
  for (auto _ : state) benchmark::DoNotOptimize(h.percentile(99.9));
}
BENCHMARK(percentile);

}  // namespace
}  // namespace smppd::telemetry
