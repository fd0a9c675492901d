// What a record costs on its way to another shard: written, shown with its batch, read. Both ends on one thread, so
// this is the work and not the time that a cache line needs from core to core.
#include <cstring>

#include <benchmark/benchmark.h>

#include "micro/reported_allocations.h"
#include "runtime/mailbox.h"

namespace smppd::runtime {
namespace {

constexpr std::size_t kRecord = 200;  // a submit_sm with its fact sheet

void Hop(benchmark::State& state) {
  Mailbox mailbox(1 << 20);
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::uint64_t read = 0;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i) {
      std::uint8_t* record = mailbox.try_begin(kRecord);
      std::memset(record, static_cast<int>(i & 0xFF), kRecord);
      mailbox.commit();
    }
    benchmark::DoNotOptimize(mailbox.publish());
    mailbox.drain([&](ByteSpan record) { read += record[kRecord - 1]; });
  }
  benchmark::DoNotOptimize(read);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Hop)->Arg(1)->Arg(32);

}  // namespace
}  // namespace smppd::runtime
