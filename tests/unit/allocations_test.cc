// A message costs no allocation once its shard is warm: from the octets of a client's session over the flow and a link
// to the SMSC's answer and back. Client and SMSC are sockets of this thread with buffers of their own.
#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "micro/allocation_count.h"
#include "road/rig.h"

namespace smppd::bench {
namespace {

constexpr unsigned kMessages = 10'000;
constexpr Rig::Talk kTen{.batch = 10};
constexpr Rig::Talk kTenWithReceipt{.batch = 10, .registered_delivery = 1};
constexpr const char* kLimitedClient =
    ", rate_limit: {messages_per_second: 1000000}, addresses: {source: {allowed: [SHOP]}}";

// Of the shard in kMessages messages, after half as many to warm up.
long allocations(RigOptions options, Rig::Talk talk) {
  options.client += kLimitedClient;
  options.sections += "receipts: {untracked_entries: 1024}\n";
  Rig rig(options);
  talk.rounds = kMessages / talk.batch / options.sessions;
  talk.measured = false;
  EXPECT_EQ(rig.converse(talk).accepted, kMessages);
  talk.measured = true;
  const Rig::Heard heard = rig.converse(talk);
  EXPECT_EQ(heard.accepted, kMessages);
  return heard.allocations;
}

TEST(Allocations, TheCounterCounts) {
  const AllocationCount count;
  ::operator delete(::operator new(1));  // unlike a new-expression, never optimised away
  EXPECT_EQ(count.made(), 1);
}

TEST(Allocations, AMessageWithoutAReceiptNeedsNone) { EXPECT_EQ(allocations({}, kTen), 0); }

TEST(Allocations, AMessageOfOneSessionAmongManyNeedsNone) {
  EXPECT_EQ(allocations({.sessions = 20, .links = 4}, kTen), 0);
}

TEST(Allocations, AMessageThatIsRewrittenForItsUpstreamNeedsNone) {
  EXPECT_EQ(allocations({.upstream = "    message: {default_service_type: OTP}\n"}, kTen), 0);
}

TEST(Allocations, AMessageThroughTheFiltersNeedsNone) {
  EXPECT_EQ(allocations({.sections = "middleware:\n"
                                     "  - {type: auth}\n"
                                     "  - {type: rate_limit}\n"
                                     "  - {type: address_filter}\n"
                                     "  - {type: metrics}\n"
                                     "  - {type: transform, rules: [{match: {destination_addr: \"+27*\"}, "
                                     "set: {service_type: OTP}}]}\n"},
                        kTen),
            0);
}

TEST(Allocations, AMessageAnsweredByAMockUpstreamNeedsNone) { EXPECT_EQ(allocations({.mock = true}, kTen), 0); }

// The ids of messages that expect a receipt are kept for days: memory grows, but by doubling, not by message.
TEST(Allocations, AMessageThatExpectsAReceiptNeedsLessThanOneInAHundred) {
  EXPECT_LT(allocations({}, kTenWithReceipt), kMessages / 100);
}

// The store has room for some hundred outcomes, so that it gives up as many as it takes. Its tables have 1,024 parts,
// each of which must have been used once; more than the six a part begins with never come together by chance.
TEST(Allocations, AMessageThatIsStoredInMemoryNeedsNone) {
  Rig rig({.store = "memory", .store_bytes = 96 * 1024});
  Rig::Talk talk{.rounds = 4 * kMessages / 10, .batch = 10};
  EXPECT_EQ(rig.converse(talk).accepted, 4 * kMessages);
  talk.rounds = kMessages / 10;
  talk.measured = true;
  const Rig::Heard heard = rig.converse(talk);
  EXPECT_EQ(heard.accepted, kMessages);
  EXPECT_EQ(heard.allocations, 0);
}

// Its threads decide how many messages and buffers are on their way at once, and memory grows until it has seen the
// most.
TEST(Allocations, AMessageThatIsStoredInTheJournalNeedsLessThanOneInAHundred) {
  Rig rig({.store = "rocksdb"});
  Rig::Talk talk{.rounds = 4 * kMessages / 10, .batch = 10};
  EXPECT_EQ(rig.converse(talk).accepted, 4 * kMessages);
  talk.rounds = kMessages / 10;
  talk.measured = true;
  long least = kMessages;
  for (int i = 0; i < 10 && least >= kMessages / 100; ++i) {
    const Rig::Heard heard = rig.converse(talk);
    EXPECT_EQ(heard.accepted, kMessages);
    least = std::min(least, heard.allocations);
  }
  EXPECT_LT(least, kMessages / 100);
}

}  // namespace
}  // namespace smppd::bench
