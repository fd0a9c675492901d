#include "flow/receipt_map.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

using message::ClientId;
using message::OwnId;
using message::UpstreamId;
using smpp::canonical_id;

constexpr UpstreamId kA{1};
constexpr UpstreamId kB{2};
const Instant kStart = Instant() + std::chrono::hours(1000);

ReceiptMap::Options small(std::uint32_t entries) {
  return {.max_entries = entries, .retention = std::chrono::hours(1), .seed = 7};
}

Submission of(UpstreamId upstream, std::string_view id, OwnId own, Instant at = kStart) {
  return {.upstream = upstream,
          .upstream_id = id,
          .own = own,
          .client = ClientId(3),
          .source_hash = address_hash("CLIENT"),
          .registered_delivery = 1,
          .at = at};
}

TEST(ReceiptMap, FindsWhatWasInsertedWithEveryField) {
  ReceiptMap map(small(100), kStart);
  const Instant at = kStart + std::chrono::milliseconds(12'345);
  ASSERT_TRUE(map.insert(of(kA, "abc-1", 42, at)));
  const auto found = map.find(kA, canonical_id("ABC-1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->own, 42U);
  EXPECT_EQ(found->client, ClientId(3));
  EXPECT_EQ(found->upstream, kA);
  EXPECT_EQ(found->source_hash, address_hash("CLIENT"));
  EXPECT_EQ(found->registered_delivery, 1);
  EXPECT_FALSE(found->final_seen);
  EXPECT_LE(std::chrono::abs(found->submitted - at), std::chrono::milliseconds(4));
}

// interop row 3: case changed, leading zeros lost.
TEST(ReceiptMap, InteropRow3ComparesCanonicalForms) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kA, "00ABCDEF", 1)));
  EXPECT_TRUE(map.find(kA, canonical_id("abcdef")));
  EXPECT_EQ(map.find_own(1)->id, "00ABCDEF") << "what the SMSC is asked with is its own spelling";
}

// interop row 4: opaque ids of any shape, long ones too.
TEST(ReceiptMap, InteropRow4HoldsIdsUpTo255Octets) {
  ReceiptMap map(small(1000), kStart);
  for (std::size_t size = 1; size <= ReceiptMap::kMaxId; ++size) {
    std::string id(size, 'x');
    id[0] = 'i';
    ASSERT_TRUE(map.insert(of(kA, id, size))) << size;
  }
  for (std::size_t size = 1; size <= ReceiptMap::kMaxId; ++size) {
    std::string id(size, 'x');
    id[0] = 'i';
    ASSERT_EQ(map.find_own(size)->id, id);
    ASSERT_EQ(map.find(kA, canonical_id(id))->own, size);
  }
  EXPECT_FALSE(map.insert(of(kA, std::string(ReceiptMap::kMaxId + 1, 'x'), 9999)));
  EXPECT_FALSE(map.insert(of(kA, "", 9999)));
  EXPECT_FALSE(map.insert(of(kA, "  ", 9999)));
  EXPECT_EQ(map.stats().refused, 3U);
}

TEST(ReceiptMap, RecyclesTheRoomOfLongIds) {
  ReceiptMap map(small(10), kStart);
  const std::string id = "SAR-0c5b9f6e-aaaa-bbbb-cccc-1234567890ab-2-1";
  for (OwnId own = 1; own <= 2000; ++own) ASSERT_TRUE(map.insert(of(kA, id + std::to_string(own), own)));
  const auto before = map.stats().memory_bytes;
  for (OwnId own = 2001; own <= 20'000; ++own) ASSERT_TRUE(map.insert(of(kA, id + std::to_string(own), own)));
  EXPECT_EQ(map.stats().memory_bytes, before);
}

// interop rows 5 and 6: the key is the upstream group and the id.
TEST(ReceiptMap, InteropRow5TwoUpstreamsMayGiveTheSameId) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kA, "1", 10)));
  ASSERT_TRUE(map.insert(of(kB, "1", 20)));
  EXPECT_EQ(map.find(kA, canonical_id("1"))->own, 10U);
  EXPECT_EQ(map.find(kB, canonical_id("1"))->own, 20U);
  EXPECT_FALSE(map.find(UpstreamId(3), canonical_id("1")));
}

TEST(ReceiptMap, TheNewestMessageKeepsAnIdThatIsGivenTwice) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kA, "1", 10)));
  ASSERT_TRUE(map.insert(of(kA, "01", 20)));
  EXPECT_EQ(map.find(kA, canonical_id("1"))->own, 20U);
  EXPECT_FALSE(map.find_own(10));
  EXPECT_EQ(map.stats().replaced, 1U);
  EXPECT_EQ(map.size(), 1U);
}

TEST(ReceiptMap, ReplacingAnIdAtTheBoundEvictsNobodyElse) {
  ReceiptMap map(small(2), kStart);
  ASSERT_TRUE(map.insert(of(kA, "1", 10)));
  ASSERT_TRUE(map.insert(of(kA, "2", 20)));
  ASSERT_TRUE(map.insert(of(kA, "2", 30)));
  EXPECT_TRUE(map.find_own(10));
  EXPECT_EQ(map.stats().evicted, 0U);
}

TEST(ReceiptMap, AnEntryIsFoundAtOnceAndTheNewestOfTwoThatWaitForTheIndex) {
  ReceiptMap map(small(1'000), kStart);
  for (OwnId own = 1; own <= 200; ++own) {
    ASSERT_TRUE(map.insert(of(kA, std::to_string(own % 5), own)));
    const auto found = map.find(kA, canonical_id(std::to_string(own % 5)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->own, own);
    EXPECT_FALSE(map.find(kB, canonical_id(std::to_string(own % 5))));
    map.finish(found->ref, kStart);
    EXPECT_TRUE(map.find(kA, canonical_id(std::to_string(own % 5)))->final_seen);
  }
  EXPECT_EQ(map.size(), 5U);
  EXPECT_EQ(map.stats().replaced, 195U);
}

TEST(ReceiptMap, WhatIsErasedBeforeItIsIndexedIsGone) {
  ReceiptMap map(small(1'000), kStart);
  ASSERT_TRUE(map.insert(of(kA, "1", 10)));
  const auto first = map.find(kA, canonical_id("1"));
  ASSERT_TRUE(map.insert(of(kA, "1", 20)));
  map.erase(first->ref);  // the other took its id
  EXPECT_EQ(map.find(kA, canonical_id("1"))->own, 20U);
  map.erase(map.find(kA, canonical_id("1"))->ref);
  EXPECT_FALSE(map.find(kA, canonical_id("1")));
  EXPECT_FALSE(map.find_own(20));
  EXPECT_EQ(map.size(), 0U);
}

TEST(ReceiptMap, FindsTheUpstreamOfOurOwnId) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kB, "77", 10)));
  EXPECT_EQ(map.find_own(10)->upstream, kB);
  EXPECT_EQ(map.find_own(10)->id, "77");
  EXPECT_FALSE(map.find_own(11));
}

TEST(ReceiptMap, APartOfTheSameMessageIsFoundByItsIdAndTheLastByTheMessage) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kA, "p1", 10)));
  ASSERT_TRUE(map.insert(of(kA, "p2", 10)));
  EXPECT_EQ(map.find(kA, canonical_id("p1"))->own, 10U);
  EXPECT_EQ(map.find(kA, canonical_id("p2"))->own, 10U);
  EXPECT_EQ(map.find_own(10)->id, "p2");
}

TEST(ReceiptMap, EvictsTheOldestAtItsBoundAndCountsIt) {
  ReceiptMap map(small(3), kStart);
  for (OwnId own = 1; own <= 5; ++own) {
    ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own, kStart + std::chrono::minutes(own))));
  }
  EXPECT_EQ(map.size(), 3U);
  EXPECT_EQ(map.stats().evicted, 2U);
  EXPECT_FALSE(map.find_own(1));
  EXPECT_FALSE(map.find_own(2));
  EXPECT_TRUE(map.find_own(3));
}

// interop row 60: receipts come days later; the entry outlives validity plus retention, then goes.
TEST(ReceiptMap, InteropRow60ExpiresAfterValidityAndRetention) {
  ReceiptMap map(small(100), kStart);
  Submission with_validity = of(kA, "1", 1);
  with_validity.validity = std::chrono::hours(30);  // beyond the wheel's horizon
  ASSERT_TRUE(map.insert(with_validity));
  ASSERT_TRUE(map.insert(of(kA, "2", 2)));
  ASSERT_TRUE(map.insert(of(kA, "3", 3)));
  EXPECT_FALSE(map.expire(kStart + std::chrono::minutes(59), 1000));
  EXPECT_EQ(map.size(), 3U);
  EXPECT_FALSE(map.expire(kStart + std::chrono::minutes(61), 1000));
  EXPECT_TRUE(map.find_own(1));
  EXPECT_FALSE(map.find_own(2));
  EXPECT_FALSE(map.find_own(3));
  for (int hour = 2; hour < 31; ++hour) EXPECT_FALSE(map.expire(kStart + std::chrono::hours(hour), 1000));
  EXPECT_TRUE(map.find_own(1));
  EXPECT_FALSE(map.expire(kStart + std::chrono::hours(31) + std::chrono::minutes(1), 1000));
  EXPECT_EQ(map.size(), 0U);
  EXPECT_EQ(map.stats().expired, 3U);
}

TEST(ReceiptMap, ExpiryStopsAtItsBudgetAndGoesOnLater) {
  ReceiptMap map(small(100), kStart);
  for (OwnId own = 1; own <= 100; ++own) ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own)));
  const Instant later = kStart + std::chrono::hours(2);
  EXPECT_TRUE(map.expire(later, 30));
  EXPECT_EQ(map.size(), 70U);
  EXPECT_TRUE(map.expire(later, 30));
  EXPECT_FALSE(map.expire(later, 1000));
  EXPECT_EQ(map.size(), 0U);
}

TEST(ReceiptMap, AFinishedEntryStaysForRepeatedReceiptsAndThenGoes) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kA, "1", 1)));
  map.finish(map.find(kA, canonical_id("1"))->ref, kStart + std::chrono::minutes(5));
  EXPECT_TRUE(map.find(kA, canonical_id("1"))->final_seen);
  EXPECT_FALSE(map.expire(kStart + std::chrono::minutes(64), 1000));
  EXPECT_TRUE(map.find_own(1));
  EXPECT_FALSE(map.expire(kStart + std::chrono::minutes(66), 1000));
  EXPECT_FALSE(map.find_own(1));
}

ReceiptMap::Options finishing(std::uint32_t entries, std::uint32_t finished) {
  auto options = small(entries);
  options.max_finished = finished;
  return options;
}

bool was_told(const ReceiptMap& map, UpstreamId upstream, std::string_view id) {
  return map.was_told(upstream, id, {}) == ReceiptMap::Told::kYes;
}

// Each is told of as soon as it is there, when the index has not heard of it yet.
void tell(ReceiptMap& map, OwnId from, OwnId to, Instant now = kStart) {
  for (OwnId own = from; own <= to; ++own) {
    ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own)));
    map.finish(map.find(kA, std::to_string(own))->ref, now);
  }
}

TEST(ReceiptMap, TheLastThatWereToldStayEntriesAndOfTheOthersItIsKnownThatTheyWere) {
  for (const std::uint32_t kept : {0U, 1U, 10U, 40U}) {
    ReceiptMap map(finishing(10'000, kept), kStart);
    for (OwnId own = 2001; own <= 2100; ++own) ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own)));
    tell(map, 1, 1000);
    for (OwnId own = 1; own <= 1000; ++own) {
      const bool stays = own > 1000 - kept;
      EXPECT_EQ(map.find(kA, std::to_string(own)).has_value(), stays) << own;
      EXPECT_EQ(map.find_own(own).has_value(), stays) << own;
      EXPECT_EQ(was_told(map, kA, std::to_string(own)), !stays) << own;
      EXPECT_FALSE(was_told(map, kB, std::to_string(own)));
    }
    for (OwnId own = 2001; own <= 2100; ++own) {
      EXPECT_EQ(map.find(kA, std::to_string(own))->own, own);
      EXPECT_FALSE(was_told(map, kA, std::to_string(own)));
    }
    EXPECT_EQ(map.size(), 100 + kept);
    EXPECT_EQ(map.stats().marks, 1000 - kept);
    EXPECT_EQ(map.stats().evicted, 0U);
  }
}

TEST(ReceiptMap, WhatWasToldIsKnownHoweverItsIdIsWrittenAndForAsLongAsAnEntryIs) {
  ReceiptMap map(finishing(100, 0), kStart);
  const std::string long_id(100, 'F');
  OwnId own = 0;
  for (const std::string_view id : {std::string_view("00aB12"), std::string_view(long_id)}) {
    ASSERT_TRUE(map.insert(of(kA, id, ++own)));
    map.finish(map.find(kA, id)->ref, kStart);
  }
  for (const std::string_view id : {"00aB12", "ab12", "AB12", "0AB12"}) EXPECT_TRUE(was_told(map, kA, id)) << id;
  EXPECT_TRUE(was_told(map, kA, long_id));
  EXPECT_FALSE(was_told(map, kA, "ab1"));
  EXPECT_FALSE(map.expire(kStart + std::chrono::minutes(60), 1000));
  EXPECT_TRUE(was_told(map, kA, "ab12"));
  EXPECT_FALSE(map.expire(kStart + std::chrono::minutes(61), 1000));
  EXPECT_FALSE(was_told(map, kA, "ab12"));
}

TEST(ReceiptMap, OfAMessageThatIsNoEntryAnyMoreTheNumberItWasToIsKnown) {
  ReceiptMap map(finishing(100, 0), kStart);
  Submission submission = of(kA, "ab12", 1);
  submission.destination_hash = 7;
  ASSERT_TRUE(map.insert(submission));
  map.finish(map.find(kA, "ab12")->ref, kStart);
  using Told = ReceiptMap::Told;
  EXPECT_EQ(map.was_told(kA, "ab12", {7, 8}), Told::kYes);
  EXPECT_EQ(map.was_told(kA, "ab12", {8, 9}), Told::kOfAnother);
  EXPECT_EQ(map.was_told(kA, "ab13", {7, 8}), Told::kNot);
}

TEST(ReceiptMap, AnIdThatWasToldOfMayBeGivenAgain) {
  ReceiptMap map(finishing(100, 0), kStart);
  tell(map, 1, 50);
  ASSERT_TRUE(map.insert(of(kA, "7", 77)));
  EXPECT_EQ(map.find(kA, "7")->own, 77U);
  EXPECT_FALSE(map.find(kA, "7")->final_seen);
}

TEST(ReceiptMap, OneThatIsToldOfAgainIsAmongTheLast) {
  ReceiptMap map(finishing(100, 2), kStart);
  tell(map, 1, 2);
  map.finish(map.find(kA, "1")->ref, kStart);
  tell(map, 3, 3);
  EXPECT_TRUE(map.find(kA, "1"));
  EXPECT_FALSE(map.find(kA, "2"));
  EXPECT_TRUE(was_told(map, kA, "2"));
}

TEST(ReceiptMap, WhoeverWasToldMakesRoomForThoseThatWait) {
  ReceiptMap map(finishing(100, 1'000), kStart);
  for (OwnId own = 1001; own <= 1050; ++own) ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own)));
  tell(map, 1, 200);
  EXPECT_EQ(map.size(), 100U);
  EXPECT_EQ(map.stats().evicted, 0U);
  for (OwnId own = 1001; own <= 1050; ++own) EXPECT_TRUE(map.find_own(own)) << own;
  for (OwnId own = 1; own <= 150; ++own) EXPECT_TRUE(was_told(map, kA, std::to_string(own))) << own;
  for (OwnId own = 1; own <= 100; ++own) ASSERT_TRUE(map.insert(of(kB, std::to_string(own), 5000 + own)));
  EXPECT_EQ(map.size(), 100U);
  EXPECT_EQ(map.stats().evicted, 50U) << "when nobody was left that had been told of";
}

TEST(ReceiptMap, WhoeverGoesAfterItWasToldLeavesNothingBehind) {
  ReceiptMap map(finishing(100, 5), kStart);
  tell(map, 1, 5);
  map.erase(map.find(kA, "3")->ref);
  ASSERT_TRUE(map.insert(of(kA, "4", 44)));  // the message that has this id now
  EXPECT_EQ(map.size(), 4U);
  tell(map, 6, 7);
  for (const OwnId own : {1U, 2U, 5U, 6U, 7U}) EXPECT_TRUE(map.find_own(own)) << own;
  tell(map, 8, 8);
  EXPECT_FALSE(map.find_own(1));
  EXPECT_EQ(map.stats().marks, 1U);
}

TEST(ReceiptMap, AReferenceToAnEntryThatIsGoneDoesNothing) {
  ReceiptMap map(small(100), kStart);
  ASSERT_TRUE(map.insert(of(kA, "1", 1)));
  const auto ref = map.find(kA, canonical_id("1"))->ref;
  map.erase(ref);
  ASSERT_TRUE(map.insert(of(kA, "2", 2)));
  map.erase(ref);
  map.finish(ref, kStart);
  EXPECT_EQ(map.upstream_id(ref), "");
  EXPECT_EQ(map.find_own(2)->id, "2");
  map.erase({});
  EXPECT_EQ(map.size(), 1U);
}

// interop row 58: "10" in hexadecimal is "16", which is another message's id.
TEST(ReceiptMap, InteropRow58AddressesDecideBetweenTwoMessagesThatAnIdMayMean) {
  ReceiptMap map(small(100), kStart);
  Submission first = of(kA, "10", 1);
  first.source_hash = address_hash("FIRST");
  Submission second = of(kA, "16", 2);
  second.source_hash = address_hash("SECOND");
  ASSERT_TRUE(map.insert(first));
  ASSERT_TRUE(map.insert(second));
  const auto candidates = smpp::candidates("16", smpp::IdFormat::automatic);
  const auto to_first = map.match(kA, candidates, {{address_hash("258841234567"), address_hash("FIRST")}, {}});
  ASSERT_TRUE(to_first);
  EXPECT_EQ(to_first->entry.own, 1U);
  EXPECT_TRUE(to_first->address_agrees);
  const auto unknown = map.match(kA, candidates, {});
  EXPECT_EQ(unknown->entry.own, 2U) << "without help the id as it is";
  EXPECT_FALSE(unknown->address_agrees);
  EXPECT_FALSE(unknown->only_hit);
}

TEST(ReceiptMap, TheDestinationSpeaksLouderThanTheSourceAndTheOrder) {
  using Destination = ReceiptMap::Destination;
  ReceiptMap map(small(100), kStart);
  Submission sixteen = of(kA, "16", 1);
  sixteen.destination_hash = destination_hash("258841000016");
  Submission ten = of(kA, "10", 2);
  ten.destination_hash = destination_hash("258841000010");
  ASSERT_TRUE(map.insert(sixteen));
  ASSERT_TRUE(map.insert(ten));
  EXPECT_EQ(map.find(kA, canonical_id("10"))->destination_hash, ten.destination_hash);
  const auto candidates = smpp::candidates("16", smpp::IdFormat::automatic);
  const auto about = [&](std::string_view source, std::string_view destination) {
    return *map.match(
        kA, candidates,
        {{address_hash(source), address_hash(destination)}, {destination_hash(source), destination_hash(destination)}});
  };
  const auto usual = about("258841000010", "CLIENT");
  EXPECT_EQ(usual.entry.own, 2U);
  EXPECT_EQ(usual.destination, Destination::kConfirmed);
  EXPECT_TRUE(usual.sure);
  EXPECT_FALSE(usual.first_candidate);
  EXPECT_EQ(about("CLIENT", "258841000010").entry.own, 2U) << "interop row 18: the addresses as they were sent";
  EXPECT_EQ(about("841000010", "").entry.own, 2U) << "without its country";
  EXPECT_EQ(about("258841000016", "CLIENT").entry.own, 1U);
  const auto other = about("4915112345678", "CLIENT");
  EXPECT_EQ(other.destination, Destination::kContradicted);
  EXPECT_FALSE(other.sure);
  EXPECT_EQ(about("", "").destination, Destination::kUnknown);
}

TEST(DestinationHash, IsThatOfANumberHoweverItsCountryIsWritten) {
  const auto number = destination_hash("258841234567");
  for (const auto* same : {"+258841234567", "00258841234567", "0841234567", "+258 84 123 4567"}) {
    EXPECT_EQ(destination_hash(same), number) << same;
  }
  EXPECT_NE(destination_hash("258841234568"), number);
  EXPECT_EQ(destination_hash(""), 0U);
  EXPECT_NE(destination_hash("SHOP"), 0U);
  EXPECT_NE(destination_hash("SHOP"), destination_hash("BANK"));
}

// Random operations against two std::maps that do the same slowly.
class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      switch (pick(8)) {
        case 0:
        case 1:
        case 2: insert(); break;
        case 3: erase(); break;
        case 4: look_up(); break;
        case 5: look_up_own(); break;
        case 7: finish(); break;
        case 6: now_ += std::chrono::seconds(pick(20)); break;
        default: expire(); break;
      }
      // Not at every step: size() puts what waits into the index.
      if (pick(20) == 0) {
        for (std::uint64_t id = 0; id < kIds; ++id) {
          forget_if_told(std::string(1, 'k') + std::to_string(id));
          forget_if_told(std::string(30, 'k') + std::to_string(id));
        }
        ASSERT_EQ(map_.size(), by_id_.size()) << "step " << i;
      }
    }
  }

 private:
  struct Known {
    OwnId own;
    Instant expires;
    bool told = false;
  };

  std::uint64_t pick(std::uint64_t bound) { return random_() % bound; }
  std::string some_id() {
    auto id = std::string(pick(3) == 0 ? 30 : 1, 'k') + std::to_string(pick(kIds));
    forget_if_told(id);
    return id;
  }

  void insert() {
    const auto id = some_id();
    Submission submission = of(kA, id, ++own_, now_);
    submission.validity = std::chrono::minutes(pick(300));
    ASSERT_TRUE(map_.insert(submission));
    if (const auto old = by_id_.find(id); old != by_id_.end()) by_own_.erase(old->second.own);
    by_id_[id] = {own_, now_ + submission.validity + std::chrono::hours(1)};
    by_own_[own_] = id;
  }
  void erase() {
    const auto id = some_id();
    const auto found = map_.find(kA, canonical_id(id));
    const auto known = by_id_.find(id);
    ASSERT_EQ(found.has_value(), known != by_id_.end());
    if (!found) return;
    map_.erase(found->ref);
    by_own_.erase(known->second.own);
    by_id_.erase(known);
  }
  void finish() {
    const auto id = some_id();
    const auto found = map_.find(kA, canonical_id(id));
    if (!found) return;
    map_.finish(found->ref, now_);
    Known& known = by_id_.find(id)->second;
    known.expires = now_ + std::chrono::hours(1);
    known.told = true;
  }
  // One that was told of may be no entry any more, but that it was told is known.
  void forget_if_told(const std::string& id) {
    const auto known = by_id_.find(id);
    if (known == by_id_.end() || !known->second.told || map_.find(kA, canonical_id(id))) return;
    if (now_ < known->second.expires) {
      ASSERT_TRUE(was_told(map_, kA, id));
    }
    by_own_.erase(known->second.own);
    by_id_.erase(known);
  }
  void look_up() {
    const auto id = some_id();
    const auto found = map_.find(kA, canonical_id(id));
    const auto known = by_id_.find(id);
    ASSERT_EQ(found.has_value(), known != by_id_.end());
    if (!found) return;
    ASSERT_EQ(found->own, known->second.own);
  }
  void look_up_own() {
    const OwnId own = 1 + pick(own_ + 1);
    if (const auto of_it = by_own_.find(own); of_it != by_own_.end()) forget_if_told(std::string(of_it->second));
    const auto found = map_.find_own(own);
    const auto known = by_own_.find(own);
    ASSERT_EQ(found.has_value(), known != by_own_.end());
    if (!found) return;
    ASSERT_EQ(found->id, known->second);
  }
  // Whatever the map has expired must have been due, and nothing may be overdue by more than a tick.
  void expire() {
    while (map_.expire(now_, 7)) {
    }
    for (auto at = by_id_.begin(); at != by_id_.end();) {
      const std::string id = at->first;
      ++at;
      forget_if_told(id);
      at = by_id_.lower_bound(id);
      if (at == by_id_.end() || at->first != id) continue;
      const bool there = map_.find(kA, canonical_id(at->first)).has_value();
      if (there) {
        ASSERT_GT(at->second.expires + std::chrono::seconds(15), now_);
      } else {
        ASSERT_LE(at->second.expires, now_);
        by_own_.erase(at->second.own);
      }
      at = there ? std::next(at) : by_id_.erase(at);
    }
  }

  static constexpr std::uint64_t kIds = 6000;
  std::mt19937_64 random_;
  Instant now_ = kStart;
  OwnId own_ = 0;
  ReceiptMap map_{finishing(100'000, 5), kStart};
  std::map<std::string, Known> by_id_;
  std::map<OwnId, std::string> by_own_;
};

TEST(ReceiptMap, AgreesWithAMapUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Model(seed).run(4'000);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

std::int64_t cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Grows a map to costs.size() entries and lowers each element to the nanoseconds of CPU its insert took.
void grow(std::vector<std::int64_t>& costs) {
  ReceiptMap map({.max_entries = 10'000'000, .seed = 3}, kStart);
  for (OwnId own = 1; own <= costs.size(); ++own) {
    std::string id = std::to_string(10'000'000'000'000'000'000U - own * 7'919);
    id.resize(20, 'f');
    const auto submission = of(kA, id, own);
    const auto before = cpu_nanoseconds();
    ASSERT_TRUE(map.insert(submission));
    costs[own - 1] = std::min(costs[own - 1], cpu_nanoseconds() - before);
    if (own >= 20'000 && own % 5'000 == 0) {
      ASSERT_LE(map.stats().memory_bytes, own * 100) << own;
    }
  }
}

// An entry of a 20-octet id costs at most 100 octets at any size (below 20,000 the first blocks weigh more), and no
// insert waits for the table to grow. The same growth is run three times: what is slow each time is the map's doing,
// not the machine's.
TEST(ReceiptMap, CostsAtMost100BytesAnEntryAndNeverStallsWhileItGrows) {
  std::vector<std::int64_t> costs(150'000, std::numeric_limits<std::int64_t>::max());
  for (int run = 0; run < 3; ++run) grow(costs);
  EXPECT_LT(*std::ranges::max_element(costs), 1'000'000);
}

TEST(ReceiptMap, MemoryStaysTheSameInSteadyState) {
  ReceiptMap map(small(20'000), kStart);
  for (OwnId own = 1; own <= 60'000; ++own) ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own)));
  const auto before = map.stats().memory_bytes;
  for (OwnId own = 60'001; own <= 200'000; ++own) ASSERT_TRUE(map.insert(of(kA, std::to_string(own), own)));
  EXPECT_EQ(map.stats().memory_bytes, before);
  EXPECT_EQ(map.size(), 20'000U);
}

}  // namespace
}  // namespace smppd::flow
