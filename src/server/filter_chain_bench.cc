// What the middleware costs a message: each filter that can be configured, and all of them.
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include "config/loader.h"
#include "micro/reported_allocations.h"
#include "server/snapshot_builder.h"

namespace smppd::server {
namespace {

constexpr const char* kHead =
    "listeners: [{address: \"127.0.0.1:2775\"}]\n"
    "upstreams: [{name: carrier, mock: {}}]\n"
    "routes: [{name: all, upstream: carrier}]\n"
    "clients: [{system_id: shop, password: secret, rate_limit: {messages_per_second: 100000000}, "
    "addresses: {source: {allowed: [SHOP]}}}]\n"
    "middleware:\n";
constexpr const char* kAuth = "  - {type: auth}\n";
constexpr const char* kRate = "  - {type: rate_limit}\n";
constexpr const char* kAddress = "  - {type: address_filter}\n";
constexpr const char* kMetrics = "  - {type: metrics}\n";
constexpr const char* kProtocol = "  - {type: protocol, version_mapping: {\"5.0\": \"3.4\"}}\n";
constexpr const char* kOther =
    "  - {type: transform, rules: [{match: {destination_addr: \"+27*\"}, set: {service_type: OTP}}]}\n";
constexpr const char* kEach =
    "  - {type: transform, rules: [{match: {destination_addr: \"+258*\"}, set: {service_type: OTP}}]}\n";

std::vector<std::uint8_t> message() {
  std::vector<std::uint8_t> bytes;
  smpp::PduBuilder builder(smpp::CommandId::submit_sm, smpp::Version::v34);
  builder.set(smpp::Field::source_addr, "SHOP")
      .set(smpp::Field::dest_addr_ton, 1)
      .set(smpp::Field::destination_addr, "258841234567")
      .set(smpp::Field::short_message, std::string_view("Your code is 123456"));
  if (!builder.encode(bytes, smpp::CommandStatus::ESME_ROK, 1)) std::abort();
  return bytes;
}

void Judge(benchmark::State& state, const std::string& middleware) {
  const auto loaded = config::load_text(kHead + middleware, config::Format::kYaml, "bench.yaml");
  Lasting lasting;
  auto made = loaded.config ? build_publication(loaded.config, nullptr, 1, lasting) : failure("refused");
  if (!made) {
    state.SkipWithError("the configuration is refused");
    return;
  }
  const Instant now = Instant() + std::chrono::hours(1);
  made->snapshot->clients->publish(now);
  const accounts::ClientEntry* client = made->snapshot->clients->find("shop");
  const auto bytes = message();
  smpp::PduView view;
  if (!view.decode(bytes)) std::abort();
  smpp::PduBuilder scratch;
  message::MessageFacts facts;
  facts.client = client->id;
  facts.source_addr = "SHOP";
  facts.destination_addr = "258841234567";
  facts.dest_addr_ton = 1;
  const bench::ReportedAllocations allocations(state);
  for (auto _ : state) {
    flow::Draft draft(view, scratch, smpp::Version::v34);
    flow::MessageContext context{facts, draft, client, smpp::Version::v34, {}, now, {}};
    for (flow::Filter* filter : made->chains[0]->on_message) benchmark::DoNotOptimize(filter->on_message(context));
  }
}
BENCHMARK_CAPTURE(Judge, auth, kAuth);
BENCHMARK_CAPTURE(Judge, rate_limit, kRate);
BENCHMARK_CAPTURE(Judge, address_filter, kAddress);
BENCHMARK_CAPTURE(Judge, metrics, kMetrics);
BENCHMARK_CAPTURE(Judge, protocol, kProtocol);
BENCHMARK_CAPTURE(Judge, transform_of_others, kOther);
BENCHMARK_CAPTURE(Judge, transform, kEach);
BENCHMARK_CAPTURE(Judge, all, std::string(kAuth) + kRate + kAddress + kMetrics + kProtocol + kOther);

}  // namespace
}  // namespace smppd::server
