#include "flow/internal/directory.h"

#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace smppd::flow {
namespace {

using message::ClientId;

Receiver receiver(std::uint32_t session, std::uint8_t shard, std::uint32_t client) {
  return {{session, 1}, shard, ClientId(client), {}};
}

std::vector<Receiver> all_of(Candidates candidates) {
  std::vector<Receiver> found;
  while (const Receiver* next = candidates.next()) found.push_back(*next);
  return found;
}

TEST(Directory, OffersTheSessionsOfTheNearShardFirstAndTakesTurns) {
  Directory directory;
  for (std::uint32_t i = 0; i < 4; ++i) directory.add(receiver(i, i < 2 ? 0 : 1, 7), "");
  directory.add(receiver(9, 1, 8), "");
  std::set<std::uint32_t> first;
  for (int i = 0; i < 8; ++i) {
    const auto found = all_of(directory.of(ClientId(7), 1));
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].shard, 1);
    EXPECT_EQ(found[1].shard, 1);
    EXPECT_EQ(found[2].shard, 0);
    EXPECT_EQ(found[3].shard, 0);
    std::set<std::uint32_t> each;
    for (const Receiver& one : found) each.insert(one.session.index);
    EXPECT_EQ(each.size(), 4U) << "every session once";
    first.insert(found[0].session.index);
  }
  EXPECT_EQ(first, (std::set<std::uint32_t>{2, 3}));
}

TEST(Directory, ForgetsASessionThatGoesAndOnlyThatOne) {
  Directory directory;
  directory.add(receiver(1, 0, 7), "258");
  directory.add(receiver(1, 1, 7), "258");
  directory.remove(receiver(1, 0, 7));
  ASSERT_EQ(directory.of(ClientId(7), 0).size(), 1U);
  EXPECT_EQ(all_of(directory.of(ClientId(7), 0))[0].shard, 1);
  EXPECT_EQ(directory.covering("25884").size(), 1U);
  Receiver later = receiver(1, 1, 7);
  later.session.generation = 2;
  directory.remove(later);
  EXPECT_EQ(directory.size(), 1U) << "another generation is another session";
  directory.remove(receiver(1, 1, 7));
  EXPECT_EQ(directory.size(), 0U);
  EXPECT_TRUE(directory.of(ClientId(7), 0).empty());
  EXPECT_TRUE(directory.covering("25884").empty());
}

// Both shards count slots and generations alike, as they do; one that is gone, or never was a receiver, may be said to
// go.
TEST(Directory, WhateverComesAndGoesItKnowsWhoIsThere) {
  EXPECT_TRUE(rc::check([] {
    using Name = std::tuple<unsigned, std::uint32_t, std::uint32_t>;  // shard, slot, generation
    const auto names = [](const std::vector<Receiver>& receivers) {
      std::multiset<Name> found;
      for (const Receiver& one : receivers) found.emplace(one.shard, one.session.index, one.session.generation);
      return found;
    };
    struct Bound {
      Receiver receiver;
      bool ranged;
    };
    Directory directory;
    std::map<std::pair<std::uint8_t, std::uint32_t>, Bound> there;               // by shard and slot
    std::map<std::pair<std::uint8_t, std::uint32_t>, std::uint32_t> generation;  // of its next session
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1 << 16))) {
      const auto shard = static_cast<std::uint8_t>(step & 1);
      const auto slot = static_cast<std::uint32_t>((step >> 1) & 3);
      const ClientId client(static_cast<std::uint32_t>((step >> 4) % 3));
      const auto found = there.find({shard, slot});
      if (found != there.end()) {
        directory.remove(found->second.receiver);
        directory.remove(found->second.receiver);
        there.erase(found);
      } else {
        const Receiver one{{slot, ++generation[{shard, slot}]}, shard, client, {}};
        if ((step >> 8) % 3 == 0) {
          directory.remove(one);
        } else {
          const bool ranged = (step >> 8) % 3 == 1;
          directory.add(one, ranged ? "258" : "");
          there[{shard, slot}] = {one, ranged};
        }
      }
      std::vector<Receiver> ranged;
      std::vector<Receiver> of_client[3];
      for (const auto& [_, one] : there) {
        if (one.ranged) ranged.push_back(one.receiver);
        of_client[one.receiver.client.value()].push_back(one.receiver);
      }
      RC_ASSERT(directory.size() == there.size());
      RC_ASSERT(names(all_of(directory.covering("258841234567"))) == names(ranged));
      for (std::uint32_t i = 0; i < 3; ++i) {
        RC_ASSERT(names(all_of(directory.of(ClientId(i), 0))) == names(of_client[i]));
      }
    }
  }));
}

TEST(Directory, AnAddressRangeIsAPrefixOrARegularExpression) {
  Directory directory;
  directory.add(receiver(1, 0, 1), "+258");
  directory.add(receiver(2, 0, 2), "^1[0-9]{3}$");
  directory.add(receiver(3, 0, 3), "");
  directory.add(receiver(4, 0, 4), "((");
  const auto taker = [&](std::string_view destination) {
    const auto found = all_of(directory.covering(destination));
    return found.size() == 1 ? found[0].session.index : 0;
  };
  EXPECT_EQ(taker("258841234567"), 1U);
  EXPECT_EQ(taker("+258841234567"), 1U);
  EXPECT_EQ(taker("1234"), 2U);
  EXPECT_TRUE(directory.covering("12345").empty()) << "the whole address must match";
  EXPECT_TRUE(directory.covering("27110000000").empty()) << "no range is no claim, a broken one neither";
}

}  // namespace
}  // namespace smppd::flow
