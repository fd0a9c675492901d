#include "road/cases.h"

#include <vector>

namespace smppd::bench {

namespace {

constexpr const char* kFilters =
    "middleware:\n"
    "  - {type: auth}\n"
    "  - {type: rate_limit}\n"
    "  - {type: address_filter}\n"
    "  - {type: metrics}\n"
    "  - {type: protocol, version_mapping: {\"5.0\": \"3.4\"}}\n"
    "  - {type: transform, rules: [{match: {destination_addr: \"+27*\"}, set: {service_type: OTP}}]}\n";

constexpr const char* kTransform =
    "middleware:\n"
    "  - {type: transform, rules: [{match: {source_addr: \"*\"}, set: {source_addr: \"SHOP-$${source_addr}\","
    " source_addr_ton: 5}}]}\n";

constexpr const char* kClient =
    ", rate_limit: {messages_per_second: 100000000}, addresses: {source: {allowed: [SHOP]}}";

// So that messages that were told are forgotten while they are counted, as they are in the long run.
constexpr const char* kFewFinished = "receipts: {untracked_entries: 1000}\n";

// The store's tables have 1,024 parts that grow one by one: with fewer messages before, their growth is what is
// counted.
constexpr unsigned kUntilTablesAreGrown = 16;

std::string many_routes(unsigned count) {
  std::string text = "routes:\n";
  for (unsigned i = 0; i < count; ++i) {
    text += "  - {name: r" + std::to_string(i) + ", match: {destination_addr: \"+" +
            std::to_string(258'840'000 + i * 7) + "*\"}, upstream: carrier}\n";
  }
  return text + "  - {name: all, upstream: carrier}\n";
}

std::vector<Case> make_cases() {
  const Rig::Talk one{.batch = 1};
  const Rig::Talk ten{.batch = 10};
  const Rig::Talk hundred{.batch = 100};
  const Rig::Talk registered{.batch = 10, .registered_delivery = 1};
  return {
      {"submit-1", "one message a turn", {}, one},
      {"submit-10", "ten messages a turn", {}, ten},
      {"submit-100", "a hundred messages a turn", {}, hundred},
      {"sessions-20x10", "20 sessions with ten messages each, 4 links", {.sessions = 20, .links = 4}, ten},
      {"receipt-10",
       "the full loop: submit, response, receipt, its response",
       {.receipts = true, .sections = kFewFinished},
       registered},
      {"rewritten-10",
       "the upstream's default_service_type changes each PDU",
       {.upstream = "    message: {default_service_type: OTP}\n"},
       ten},
      {"filters-10", "every filter but the logger", {.client = kClient, .sections = kFilters}, ten},
      {"transformed-10", "a transform rule changes the source of each", {.sections = kTransform}, ten},
      {"routes-1000", "a thousand routes by prefix", {.routes = many_routes(1'000)}, ten},
      {"routes-10000", "ten thousand, which are looked up ahead", {.routes = many_routes(10'000)}, ten},
      {"version-5.0", "clients of SMPP 5.0, an upstream of 3.4", {.version = smpp::Version::v50}, ten},
      {"mock-10", "answered by a mock upstream", {.mock = true}, ten},
      {"stored-10", "kept in memory, then sent", {.store = "memory"}, ten, kUntilTablesAreGrown},
      {"stored-100", "a hundred of them a turn", {.store = "memory"}, hundred, kUntilTablesAreGrown},
      {"stored-receipt-10",
       "the same full loop: receipts wait in the client's inbox",
       {.receipts = true, .sections = kFewFinished, .store = "memory"},
       registered,
       kUntilTablesAreGrown},
  };
}

}  // namespace

std::span<const Case> cases() {
  static const std::vector<Case> all = make_cases();
  return all;
}

}  // namespace smppd::bench
