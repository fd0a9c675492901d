#include "flow/internal/strays.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

using message::UpstreamId;

constexpr UpstreamId kOne(1), kTwo(2);
const WallTime kWhen{std::chrono::seconds(1'700'000'000)};

void keep(StrayRing& ring, UpstreamId upstream, std::string_view pdu) {
  ring.keep({upstream, kWhen, {pdu.begin(), pdu.end()}, 0});
}

std::vector<std::string> pdus(const Strays& strays, UpstreamId upstream = {}, std::uint64_t after = 0) {
  std::vector<std::string> found;
  strays.visit(upstream, after, [&](std::uint64_t, const Stray& stray) {
    EXPECT_EQ(stray.received, kWhen);
    found.emplace_back(as_text(stray.pdu));
    return true;
  });
  return found;
}

using Pdus = std::vector<std::string>;

TEST(StrayRing, KeepsThemInOrderAndByUpstream) {
  StrayRing ring(10, 100);
  keep(ring, kOne, "a");
  keep(ring, kTwo, "b");
  keep(ring, kOne, "c");
  EXPECT_EQ(pdus(ring), (Pdus{"a", "b", "c"}));
  EXPECT_EQ(pdus(ring, kOne), (Pdus{"a", "c"}));
  EXPECT_EQ(pdus(ring, kOne, 1), (Pdus{"c"}));
  EXPECT_EQ(pdus(ring, UpstreamId(3)), Pdus{});
}

TEST(StrayRing, TheOldestMakesRoomByNumberAndByOctets) {
  StrayRing by_number(2, 100);
  for (const char* pdu : {"a", "b", "c"}) keep(by_number, kOne, pdu);
  EXPECT_EQ(pdus(by_number), (Pdus{"b", "c"}));
  EXPECT_EQ(by_number.stats().dropped, 1U);
  EXPECT_EQ(by_number.stats().total, 3U);

  StrayRing by_octets(100, 10);
  for (const char* pdu : {"aaaa", "bbbb", "cc", "ddddd"}) keep(by_octets, kOne, pdu);
  EXPECT_EQ(pdus(by_octets), (Pdus{"cc", "ddddd"}));
  EXPECT_EQ(by_octets.stats().bytes, 7U);
  keep(by_octets, kOne, "longer than all the room");
  EXPECT_EQ(pdus(by_octets), (Pdus{"cc", "ddddd"}));
  EXPECT_EQ(by_octets.stats().dropped, 3U);
}

TEST(StrayRing, WhatMatchesIsGoneAndCounted) {
  StrayRing ring(10, 100);
  for (const char* pdu : {"a", "bb", "c"}) keep(ring, kOne, pdu);
  ring.matched(2);
  ring.matched(2);
  EXPECT_EQ(pdus(ring), (Pdus{"a", "c"}));
  EXPECT_EQ(ring.stats().matched, 1U);
  EXPECT_EQ(ring.stats().kept, 2U);
  EXPECT_EQ(ring.stats().bytes, 2U);
}

TEST(StrayRing, OfNoSizeKeepsNothing) {
  StrayRing ring(0, 100);
  keep(ring, kOne, "a");
  EXPECT_EQ(pdus(ring), Pdus{});
  EXPECT_EQ(ring.stats().dropped, 1U);
}

TEST(StrayRing, AVisitorMayStop) {
  StrayRing ring(10, 100);
  for (const char* pdu : {"a", "b", "c"}) keep(ring, kOne, pdu);
  int seen = 0;
  ring.visit({}, 0, [&](std::uint64_t number, const Stray&) { return ++seen, number < 2; });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace smppd::flow
