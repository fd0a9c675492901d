#include "upstream/quality.h"

#include <functional>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upstream/balancer.h"

namespace smppd::upstream {
namespace {

using message::UpstreamId;

constexpr UpstreamId kNorth(0), kSouth(1);
constexpr Duration kQuick = std::chrono::milliseconds(20);

// Carriers that do to each prefix what the script says, and a shard that sends them messages and learns.
class World : public testing::Test {
 protected:
  using Script = std::function<Ending(Party, const std::string& number)>;

  World() { start({}); }

  void start(const Quality::Options& options) {
    const Quality::Upstream upstreams[] = {{kNorth, 1, false}, {kSouth, 1, false}};
    quality.configure(nullptr, {});
    quality.configure(&options, upstreams);
  }

  PrefixCode prefix(const std::string& number) const { return quality.prefix_of(message::normalise(1, number)); }

  // Lets `seconds` pass with 200 messages to the number in each, and returns the share that the first choice got of
  // the last quarter.
  double send(const std::string& number, int seconds, const std::vector<Quality::Choice>& choices,
              const Script& script) {
    return run({number}, seconds, choices, script)[number];
  }
  std::map<std::string, double> run(const std::vector<std::string>& numbers, int seconds,
                                    const std::vector<Quality::Choice>& choices, const Script& script) {
    std::map<std::string, double> sent, first;
    for (int half = 0; half < 2 * seconds; ++half) {
      for (int i = 0; i < 100; ++i) {
        for (const std::string& number : numbers) {
          const std::size_t chosen = quality.choose(choices, prefix(number), static_cast<std::uint32_t>(random()));
          quality.note(choices[chosen].party, prefix(number), script(choices[chosen].party, number), kQuick);
          if (half < 2 * seconds * 3 / 4) continue;
          sent[number] += 1;
          if (chosen == 0) first[number] += 1;
        }
      }
      now += Quality::kFold;
      (void)quality.fold(now);
    }
    std::map<std::string, double> shares;
    for (const std::string& number : numbers) shares[number] = first[number] / sent[number];
    return shares;
  }
  static Ending good(Party, const std::string&) { return Ending::kAccepted; }

  const std::vector<Quality::Choice> both{{{kNorth}, 1}, {{kSouth}, 1}};
  Quality quality;
  Instant now{std::chrono::seconds(1)};
  std::mt19937 random{5};
};

TEST_F(World, ColdChoicesAreFairAndFollowTheWeights) {
  EXPECT_NEAR(send("258841234567", 20, both, good), 0.5, 0.03);
  EXPECT_NEAR(send("258841234567", 20, {{{kNorth}, 3}, {{kSouth}, 1}}, good), 0.75, 0.03);
}

TEST_F(World, TrafficOfABadPrefixMovesAndOtherPrefixesStay) {
  const Script north_fails_84 = [](Party party, const std::string& number) {
    return party.upstream == kNorth && number.starts_with("25884") ? Ending::kRefused : Ending::kAccepted;
  };
  const std::vector<std::string> numbers{"258841111111", "258821111111", "27110000000"};
  (void)run(numbers, 20, both, good);
  auto shares = run(numbers, 60, both, north_fails_84);
  EXPECT_LT(shares["258841111111"], 0.03) << "only exploration goes to the carrier that refuses";
  EXPECT_GT(shares["258841111111"], 0.0) << "some goes there, to see when it recovers";
  EXPECT_NEAR(shares["258821111111"], 0.5, 0.04);
  EXPECT_NEAR(shares["27110000000"], 0.5, 0.04);
}

TEST_F(World, TrafficMovesWithinSecondsHoweverLongAllWasWell) {
  (void)send("258841111111", 60, both, good);
  const Script refuses = [](Party party, const std::string&) {
    return party.upstream == kNorth ? Ending::kRefused : Ending::kAccepted;
  };
  (void)send("258841111111", 8, both, refuses);
  EXPECT_LT(send("258841111111", 2, both, refuses), 0.1);
}

TEST_F(World, TrafficReturnsWhenTheCarrierHasRecovered) {
  const Script refuses = [](Party party, const std::string&) {
    return party.upstream == kNorth ? Ending::kRefused : Ending::kAccepted;
  };
  EXPECT_LT(send("258841111111", 120, both, refuses), 0.03);
  EXPECT_NEAR(send("258841111111", 480, both, good), 0.5, 0.05);
}

TEST_F(World, EveryKindOfFailureCostsTraffic) {
  for (const Ending ending :
       {Ending::kRefused, Ending::kBusy, Ending::kUncertain, Ending::kUndelivered, Ending::kExpired}) {
    start({});
    const Script fails = [ending](Party party, const std::string&) {
      return party.upstream == kNorth ? ending : Ending::kAccepted;
    };
    EXPECT_LT(send("258841111111", 60, both, fails), 0.05) << name_of(ending);
  }
}

TEST_F(World, ASlowCarrierGetsLessAndASlightlySlowerOneTheSame) {
  for (const auto& [slow, low, high] : {std::tuple{Duration(std::chrono::seconds(4)), 0.01, 0.35},
                                        std::tuple{Duration(std::chrono::milliseconds(60)), 0.46, 0.54}}) {
    start({});
    int first = 0;
    for (int half = 0; half < 200; ++half) {
      for (int i = 0; i < 100; ++i) {
        const std::size_t chosen = quality.choose(both, prefix("258841111111"), static_cast<std::uint32_t>(random()));
        quality.note(both[chosen].party, prefix("258841111111"), Ending::kAccepted, chosen == 0 ? slow : kQuick);
        if (half >= 100 && chosen == 0) ++first;
      }
      (void)quality.fold(now += Quality::kFold);
    }
    EXPECT_GT(first / 10'000.0, low);
    EXPECT_LT(first / 10'000.0, high);
  }
}

// Two carriers that lose one message in five, drawn anew each time: neither is ever seen as much the better one.
TEST_F(World, EqualQualityDoesNotFlap) {
  const Script alike = [this](Party, const std::string&) {
    return random() % 5 == 0 ? Ending::kRefused : Ending::kAccepted;
  };
  (void)send("258841111111", 60, both, alike);
  for (int minute = 0; minute < 20; ++minute) {
    EXPECT_NEAR(send("258841111111", 20, both, alike), 0.5, 0.06) << "in span " << minute;
  }
}

TEST_F(World, ANewCarrierGetsItsShareAtOnce) {
  const Script south_is_fair = [this](Party party, const std::string&) {
    return party.upstream == kSouth && random() % 20 == 0 ? Ending::kRefused : Ending::kAccepted;
  };
  (void)send("258841111111", 60, {{{kSouth}, 1}}, south_is_fair);
  EXPECT_NEAR(send("258841111111", 4, both, south_is_fair), 0.5, 0.1);
}

TEST_F(World, WithoutExplorationABadCarrierIsForgivenAsItsPastDecays) {
  Quality::Options options;
  options.explore = 0;
  options.half_life = std::chrono::seconds(5);
  start(options);
  const Script refuses = [](Party party, const std::string&) {
    return party.upstream == kNorth ? Ending::kRefused : Ending::kAccepted;
  };
  EXPECT_LT(send("258841111111", 20, both, refuses), 0.05);
  EXPECT_NEAR(send("258841111111", 120, both, good), 0.5, 0.05);
}

TEST_F(World, TheSameDrawsMakeTheSameChoices) {
  std::vector<std::size_t> once, again;
  for (std::vector<std::size_t>* chosen : {&once, &again}) {
    start({});
    std::mt19937 draws(9);
    for (int i = 0; i < 2000; ++i) {
      chosen->push_back(quality.choose(both, prefix("25884"), static_cast<std::uint32_t>(draws())));
      quality.note(both[chosen->back()].party, prefix("25884"),
                   chosen->back() == 0 && i > 500 ? Ending::kBusy : Ending::kAccepted, kQuick);
      if (i % 50 == 0) (void)quality.fold(now += Quality::kFold);
    }
    now = Instant{std::chrono::seconds(1)};
  }
  EXPECT_EQ(once, again);
}

TEST_F(World, WhatOneShardSawAnotherKnows) {
  Quality other;
  const Quality::Upstream upstreams[] = {{kNorth, 1, false}, {kSouth, 1, false}};
  const Quality::Options options;
  other.configure(&options, upstreams);
  for (int i = 0; i < 200; ++i) quality.note({kNorth}, prefix("258841111111"), Ending::kRefused, kQuick);
  for (const Quality::Delta& delta : quality.fold(now)) other.absorb(delta);
  EXPECT_EQ(other.fold(now).size(), 0U) << "what is heard is not told on";
  EXPECT_LT(other.score({kNorth}, prefix("258841111111")), 0.1);
  EXPECT_EQ(other.score({kNorth}, prefix("258841111111")), quality.score({kNorth}, prefix("258841111111")));
  EXPECT_EQ(quality.totals({kNorth})[static_cast<std::size_t>(Ending::kRefused)], 200U);
  EXPECT_EQ(other.totals({kNorth})[static_cast<std::size_t>(Ending::kRefused)], 0U) << "totals are added up elsewhere";
}

TEST_F(World, AnUnknownPrefixIsJudgedByItsCountryAndThatByTheWhole) {
  for (int i = 0; i < 300; ++i) quality.note({kNorth}, prefix("258841111111"), Ending::kRefused, kQuick);
  for (int i = 0; i < 300; ++i) quality.note({kNorth}, prefix("27110000000"), Ending::kAccepted, kQuick);
  (void)quality.fold(now);
  EXPECT_LT(quality.score({kNorth}, prefix("258869999999")), 0.1) << "as the rest of 258";
  EXPECT_GT(quality.score({kNorth}, prefix("27119999999")), 0.9);
  EXPECT_NEAR(quality.score({kNorth}, prefix("49151111111")), 0.5, 0.05) << "as all together";
}

TEST_F(World, MemoryIsBoundedAndTheLeastUsedGo) {
  Quality::Options options;
  options.max_entries = 64;
  start(options);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 500; ++i) quality.note({kNorth}, prefix("25884"), Ending::kAccepted, kQuick);
    for (int i = 10'000; i < 12'000; ++i) quality.note({kSouth}, prefix(std::to_string(i)), Ending::kAccepted, kQuick);
    (void)quality.fold(now += Quality::kFold);
  }
  EXPECT_LE(quality.entries(), 64U);
  EXPECT_GT(quality.evicted(), 0U);
  const auto rows = quality.rows(1000);
  EXPECT_THAT(rows, testing::Contains(testing::AllOf(testing::Field(&Quality::Row::prefix, prefix("25884")),
                                                     testing::Field(&Quality::Row::party, Party{kNorth}))));
  EXPECT_EQ(quality.totals({kSouth})[0], 40'000U) << "totals do not depend on what is remembered by prefix";
}

TEST_F(World, WhatIsNotUsedIsLetGo) {
  quality.note({kNorth}, prefix("25884"), Ending::kAccepted, kQuick);
  (void)quality.fold(now);
  EXPECT_EQ(quality.entries(), 2U) << "the country and the operator";
  (void)quality.fold(now += std::chrono::minutes(20));
  EXPECT_EQ(quality.entries(), 0U);
}

TEST_F(World, HostsAreFollowedAndTheirUpstreamAsAWhole) {
  const Quality::Upstream upstreams[] = {{kNorth, 2, false}};
  const Quality::Options options;
  quality.configure(nullptr, {});
  quality.configure(&options, upstreams);
  Balancer balancer(Algorithm::kAdaptive, 2, kNorth);
  const std::vector<HostLoad> hosts(2);
  int first = 0;
  for (int i = 0; i < 20'000; ++i) {
    PickFacts facts{message::normalise(1, "258841111111"), 0, static_cast<std::uint32_t>(random()), &quality, {}, 0};
    const auto host = static_cast<std::uint8_t>(balancer.pick(hosts, 0b11, facts));
    quality.note({kNorth, host}, prefix("25884"), host == 0 ? Ending::kBusy : Ending::kAccepted, kQuick);
    if (i >= 10'000 && host == 0) ++first;
    if (i % 100 == 0) (void)quality.fold(now += Quality::kFold);
  }
  EXPECT_LT(first / 10'000.0, 0.03);
  EXPECT_LT(quality.score({kNorth, 0}, prefix("25884")), 0.3);
  EXPECT_GT(quality.score({kNorth, 1}, prefix("25884")), 0.9);
  EXPECT_GT(quality.score({kNorth}, prefix("25884")), 0.8) << "most of its messages go well by now";
  quality.note({kNorth}, prefix("25884"), Ending::kDelivered, std::chrono::seconds(3));
  (void)quality.fold(now += Quality::kFold);
  const auto rows = quality.rows(10);
  const auto whole = std::ranges::find_if(
      rows, [&](const Quality::Row& row) { return row.party == Party{kNorth} && row.prefix == prefix("25884"); });
  ASSERT_NE(whole, rows.end());
  EXPECT_NEAR(whole->delay, 3, 0.01);
}

TEST_F(World, AReloadKeepsWhatIsKnownUnlessTheHostsChange) {
  const Quality::Upstream two[] = {{kNorth, 2, false}, {kSouth, 1, false}};
  const Quality::Options options;
  quality.configure(nullptr, {});
  quality.configure(&options, two);
  for (int i = 0; i < 300; ++i) quality.note({kNorth, 1}, prefix("25884"), Ending::kRefused, kQuick);
  for (int i = 0; i < 300; ++i) quality.note({kSouth}, prefix("25884"), Ending::kRefused, kQuick);
  (void)quality.fold(now);
  const Quality::Upstream same[] = {{kNorth, 2, true}, {kSouth, 1, true}};
  quality.configure(&options, same);
  EXPECT_LT(quality.score({kNorth, 1}, prefix("25884")), 0.1);
  const Quality::Upstream changed[] = {{kNorth, 3, false}, {kSouth, 1, true}};
  quality.configure(&options, changed);
  EXPECT_EQ(quality.score({kNorth, 1}, prefix("25884")), 1.0) << "number 1 may be another host";
  EXPECT_LT(quality.score({kNorth}, prefix("25884")), 0.1) << "the upstream is the same";
  EXPECT_LT(quality.score({kSouth}, prefix("25884")), 0.1);
  const Quality::Upstream gone[] = {{kSouth, 1, true}};
  quality.configure(&options, gone);
  quality.note({kNorth, 1}, prefix("25884"), Ending::kAccepted, kQuick);  // an answer that was still on its way
  EXPECT_EQ(quality.score({kNorth}, prefix("25884")), 1.0);
  quality.configure(nullptr, {});
  EXPECT_FALSE(quality.on());
}

TEST(Prefix, IsTheLeadingDigitsOfANumber) {
  Quality quality;
  const Quality::Options options;
  const Quality::Upstream upstreams[] = {{kNorth, 1, false}};
  quality.configure(&options, upstreams);
  const auto code = [&](std::uint8_t ton, std::string_view text) {
    return quality.prefix_of(message::normalise(ton, text));
  };
  EXPECT_EQ(code(1, "+258841234567"), 125884U);
  EXPECT_EQ(code(0, "00258841234567"), 125884U);
  EXPECT_EQ(code(0, "1234"), 11234U);
  EXPECT_EQ(code(2, "0841"), 10841U) << "a leading zero counts";
  EXPECT_EQ(code(5, "SHOP"), kNoDigits);
  EXPECT_EQ(code(1, ""), kNoDigits);
  EXPECT_EQ(text_of(125884), "25884");
  EXPECT_EQ(text_of(10841), "0841");
  EXPECT_EQ(text_of(kNoDigits), "*");
}

TEST(Ending, SaysWhoseFaultAnAnswerIs) {
  EXPECT_EQ(ending_of(smpp::CommandStatus::ESME_ROK), Ending::kAccepted);
  EXPECT_EQ(ending_of(smpp::CommandStatus::ESME_RTHROTTLED), Ending::kBusy);
  EXPECT_EQ(ending_of(smpp::CommandStatus::ESME_RMSGQFUL), Ending::kBusy);
  EXPECT_EQ(ending_of(smpp::CommandStatus::ESME_RINVDSTADR), Ending::kRefused);
  EXPECT_EQ(ending_of(smpp::MessageState::expired), Ending::kExpired);
  EXPECT_EQ(ending_of(smpp::MessageState::enroute), std::nullopt);
  EXPECT_EQ(ending_of(smpp::MessageState::unknown), std::nullopt) << "says nothing";
}

}  // namespace
}  // namespace smppd::upstream
