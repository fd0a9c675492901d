// What a receipt costs on the message path.
#include <array>

#include <benchmark/benchmark.h>

#include "micro/reported_allocations.h"
#include "smpp/text/canonical_id.h"
#include "smpp/text/receipt.h"
#include "smpp/text/receipt_pattern.h"

namespace smppd::smpp {
namespace {

constexpr std::string_view kText =
    "id:0123456789 sub:001 dlvrd:001 submit date:2401311200 done date:2401311201 stat:DELIVRD err:000 text:Hello world";

void BM_ParseReceipt(benchmark::State& state) {
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) benchmark::DoNotOptimize(parse_receipt(kText));
}
BENCHMARK(BM_ParseReceipt);

void BM_ReadReceiptOfTlvsAlone(benchmark::State& state) {
  const ReceiptTlvs tlvs{"0123456789", std::uint8_t{2}, {}};
  for (auto _ : state) benchmark::DoNotOptimize(read_receipt({}, tlvs));
}
BENCHMARK(BM_ReadReceiptOfTlvsAlone);

void BM_RewriteReceiptId(benchmark::State& state) {
  std::array<char, 256> out{};
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) benchmark::DoNotOptimize(rewrite_receipt_id(kText, "018c7f3ea1b2c3d4", out));
}
BENCHMARK(BM_RewriteReceiptId);

void BM_WriteReceipt(benchmark::State& state) {
  std::array<char, kMaxReceipt> out{};
  ReceiptFields fields;
  fields.id = "0123456789";
  fields.state = MessageState::delivered;
  fields.text = "Hello world";
  for (auto _ : state) benchmark::DoNotOptimize(write_receipt(fields, out));
}
BENCHMARK(BM_WriteReceipt);

void BM_MatchReceiptPattern(benchmark::State& state) {
  const auto pattern = ReceiptPattern::compile(R"((?P<stat>\w+),(?P<done>\d{14}),(?P<id>[^,]*),(?P<err>\d*))", {});
  for (auto _ : state) benchmark::DoNotOptimize(pattern->match("DELIVRD,20240131120507,0123456789,000"));
}
BENCHMARK(BM_MatchReceiptPattern);

void BM_CanonicalId(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(canonical_id("018C7F3EA1B2C3D4"));
}
BENCHMARK(BM_CanonicalId);

void BM_CandidatesAutomatic(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(candidates("1234567890123", IdFormat::automatic));
}
BENCHMARK(BM_CandidatesAutomatic);

}  // namespace
}  // namespace smppd::smpp
