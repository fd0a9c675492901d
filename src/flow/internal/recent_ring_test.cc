#include "flow/internal/recent_ring.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::flow::internal {
namespace {

using message::ClientId;
using message::UpstreamId;
using smpp::canonical_id;

constexpr UpstreamId kUpstream(2);

bool push(RecentRing& ring, message::OwnId own, std::string_view id, UpstreamId upstream = kUpstream) {
  return ring.push({own, ClientId(7), upstream, 99, 0, id}, Instant{1s});
}

TEST(RecentRing, KeepsTheLastTwoDigitsOfADestination) {
  std::set<std::uint8_t> tails{destination_tail("")};
  for (unsigned i = 0; i < 100; ++i) {
    const std::string digits = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    EXPECT_EQ(destination_tail("+2588412345" + digits), destination_tail("8412345" + digits));
    tails.insert(destination_tail("2588412345" + digits));
  }
  EXPECT_EQ(tails.size(), 101U);
  EXPECT_EQ(destination_tail("7"), 0);
  RecentRing ring(10);
  ASSERT_TRUE(ring.push({1, ClientId(7), kUpstream, 99, destination_tail("258841234567"), "a1"}, Instant{1s}));
  ASSERT_NE(ring.find(1), nullptr);
  EXPECT_EQ(ring.find(1)->destination_tail, destination_tail("67"));
}

TEST(RecentRing, FindsAMessageByOurIdAndByTheirs) {
  RecentRing ring(1000);
  for (message::OwnId own = 1; own <= 700; ++own) ASSERT_TRUE(push(ring, own, "id-" + std::to_string(own * 7)));
  for (message::OwnId own = 1; own <= 700; ++own) {
    const auto* record = ring.find(own);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->upstream_id(), "id-" + std::to_string(own * 7));
    const auto* same = ring.find(kUpstream, canonical_id(record->upstream_id()));
    ASSERT_EQ(same, record);
    EXPECT_EQ(same->client, 7U);
    EXPECT_EQ(same->source_hash, 99U);
  }
  EXPECT_EQ(ring.find(701), nullptr);
  EXPECT_EQ(ring.find(kUpstream, canonical_id("id-1")), nullptr);
  EXPECT_EQ(ring.find(UpstreamId(3), canonical_id("id-7")), nullptr);
}

TEST(RecentRing, FindsTheirIdInEveryFormThatIsTheSame) {
  RecentRing ring(200);
  ASSERT_TRUE(push(ring, 1, "00012AB "));
  ASSERT_TRUE(push(ring, 2, "0"));
  ASSERT_TRUE(push(ring, 3, " 0099"));
  for (int i = 0; i < 100; ++i) push(ring, 100, "other");
  for (const char* form : {"12ab", "12AB", "00012AB ", "0000000000000012aB"}) {
    ASSERT_NE(ring.find(kUpstream, canonical_id(form)), nullptr) << form;
    EXPECT_EQ(ring.find(kUpstream, canonical_id(form))->own, 1U);
  }
  ASSERT_NE(ring.find(kUpstream, canonical_id("0000")), nullptr);
  EXPECT_EQ(ring.find(kUpstream, canonical_id("0000"))->own, 2U);
  ASSERT_NE(ring.find(kUpstream, canonical_id("99")), nullptr);
  EXPECT_EQ(ring.find(kUpstream, canonical_id("99"))->own, 3U);
}

TEST(RecentRing, TheOldestMakesRoomAndTheNewestOfEqualIdsIsFound) {
  for (const std::uint32_t capacity : {1U, 63U, 64U, 65U, 200U}) {
    RecentRing ring(capacity);
    for (message::OwnId own = 1; own <= 3 * capacity; ++own) push(ring, own, std::to_string(own));
    EXPECT_EQ(ring.size(), capacity);
    EXPECT_EQ(ring.find(2 * capacity), nullptr);
    for (message::OwnId own = 2 * capacity + 1; own <= 3 * capacity; ++own) ASSERT_NE(ring.find(own), nullptr) << own;
    push(ring, 9'999, std::to_string(3 * capacity));
    EXPECT_EQ(ring.find(kUpstream, canonical_id(std::to_string(3 * capacity)))->own, 9'999U);
  }
}

// Ids of one bucket and ids that were written over: against a list of what is there.
TEST(RecentRing, FindsByTheirIdWhatAListWouldFind) {
  for (const std::uint32_t capacity : {1U, 3U, 8U, 100U}) {
    RecentRing ring(capacity);
    std::vector<std::string> written;
    std::minstd_rand random(capacity);
    for (message::OwnId own = 1; own <= 2'000; ++own) {
      written.push_back(std::to_string(random() % (2 * capacity)));
      push(ring, own, written.back());
      const std::string asked = std::to_string(random() % (2 * capacity));
      message::OwnId expected = own;
      while (expected > 0 && own - expected < capacity && written[expected - 1] != asked) --expected;
      if (own - expected >= capacity) expected = 0;
      const auto* found = ring.find(kUpstream, canonical_id(asked));
      ASSERT_EQ(found == nullptr ? 0 : found->own, expected) << asked << " of " << capacity << " after " << own;
    }
  }
}

TEST(RecentRing, RefusesWhatItCannotKeep) {
  RecentRing ring(10);
  EXPECT_FALSE(push(ring, 1, ""));
  EXPECT_FALSE(push(ring, 1, std::string(RecentRing::kMaxId + 1, 'x')));
  EXPECT_EQ(ring.refused(), 2U);
  EXPECT_TRUE(push(ring, 1, std::string(RecentRing::kMaxId, 'x')));
  EXPECT_NE(ring.find(kUpstream, canonical_id(std::string(RecentRing::kMaxId, 'X'))), nullptr);
  RecentRing off(0);
  EXPECT_FALSE(push(off, 1, "a"));
  EXPECT_EQ(off.find(1), nullptr);
  EXPECT_EQ(off.memory_bytes(), 0U);
}

}  // namespace
}  // namespace smppd::flow::internal
