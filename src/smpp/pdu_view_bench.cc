// What does it cost to take a PDU apart, to put one together, to cut a stream? The target for decoding submit_sm is 60
// ns.
#include <vector>

#include <benchmark/benchmark.h>

#include "micro/reported_allocations.h"
#include "smpp/framer.h"
#include "smpp/internal/samples.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"

namespace smppd::smpp {
namespace {

// As an ESME sends it: 13-digit addresses, 100 octets of text, one TLV.
std::vector<std::uint8_t> typical(CommandId id) {
  PduBuilder builder(id, Version::v34);
  if (id == CommandId::submit_sm || id == CommandId::deliver_sm) {
    builder.set(Field::source_addr_ton, 5)
        .set(Field::source_addr, "MyBrand")
        .set(Field::dest_addr_ton, 1)
        .set(Field::dest_addr_npi, 1)
        .set(Field::destination_addr, "258841234567")
        .set(Field::registered_delivery, 1)
        .set(Field::short_message, std::string(100, 'x'))
        .add_tlv_u16(TlvTag::user_message_reference, 7);
  } else {
    builder.set(Field::message_id, "0192f0c4a5b67c8d9e0f");
  }
  std::vector<std::uint8_t> bytes;
  benchmark::DoNotOptimize(builder.encode(bytes, CommandStatus::ESME_ROK, 1));
  return bytes;
}

void decode(benchmark::State& state, CommandId id) {
  const auto bytes = typical(id);
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    PduView view;
    benchmark::DoNotOptimize(view.decode(bytes));
    benchmark::DoNotOptimize(view);
  }
}
BENCHMARK_CAPTURE(decode, submit_sm, CommandId::submit_sm);
BENCHMARK_CAPTURE(decode, deliver_sm, CommandId::deliver_sm);
BENCHMARK_CAPTURE(decode, submit_sm_resp, CommandId::submit_sm_resp);

// Decode plus the five fields routing wants.
void decode_and_read(benchmark::State& state) {
  const auto bytes = typical(CommandId::submit_sm);
  for (auto _ : state) {
    PduView view;
    benchmark::DoNotOptimize(view.decode(bytes));
    benchmark::DoNotOptimize(view.text(Field::source_addr));
    benchmark::DoNotOptimize(view.text(Field::destination_addr));
    benchmark::DoNotOptimize(view.u8(Field::data_coding));
    benchmark::DoNotOptimize(view.octets(Field::short_message));
    benchmark::DoNotOptimize(view.tlv(TlvTag::message_payload));
  }
}
BENCHMARK(decode_and_read);

void decode_submit_multi(benchmark::State& state) {
  const auto bytes = samples::sample_bytes(*spec_of(CommandId::submit_multi), Version::v34);
  for (auto _ : state) {
    PduView view;
    benchmark::DoNotOptimize(view.decode(bytes));
  }
}
BENCHMARK(decode_submit_multi);

void build_submit_sm(benchmark::State& state) {
  PduBuilder builder;
  std::vector<std::uint8_t> out;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    out.clear();
    builder.reset(CommandId::submit_sm, Version::v34)
        .set(Field::source_addr_ton, 5)
        .set(Field::source_addr, "MyBrand")
        .set(Field::destination_addr, "258841234567")
        .set(Field::registered_delivery, 1)
        .set(Field::short_message, "a text of the usual length for a notification");
    benchmark::DoNotOptimize(builder.encode(out, CommandStatus::ESME_ROK, 1));
  }
}
BENCHMARK(build_submit_sm);

void edit_a_copy(benchmark::State& state) {
  const auto bytes = typical(CommandId::submit_sm);
  PduView view;
  benchmark::DoNotOptimize(view.decode(bytes));
  PduBuilder builder;
  std::vector<std::uint8_t> out;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    out.clear();
    builder.from(view, Version::v34).set(Field::source_addr, "Other");
    benchmark::DoNotOptimize(builder.encode(out, CommandStatus::ESME_ROK, 1));
  }
}
BENCHMARK(edit_a_copy);

void write_submit_sm_resp(benchmark::State& state) {
  std::uint8_t out[64];
  std::uint32_t sequence = 0;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_response_with_id(out, CommandId::submit_sm_resp, CommandStatus::ESME_ROK, ++sequence,
                                                    "0192f0c4a5b67c8d9e0f"));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_submit_sm_resp);

// Per PDU of a stream of 100.
void frame_stream(benchmark::State& state) {
  std::vector<std::uint8_t> stream;
  for (int i = 0; i < 100; ++i) {
    const auto bytes = typical(CommandId::submit_sm);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  std::int64_t pdus = 0;
  for (auto _ : state) {
    ByteSpan rest = stream;
    for (Frame frame = next_frame(rest); frame.state == FrameState::pdu; frame = next_frame(rest)) {
      benchmark::DoNotOptimize(frame.pdu.data());
      rest = rest.subspan(frame.pdu.size());
      ++pdus;
    }
  }
  state.SetItemsProcessed(pdus);
}
BENCHMARK(frame_stream);

}  // namespace
}  // namespace smppd::smpp
