#include "upstream/group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/testing/crowd.h"
#include "upstream/internal/test_support.h"

namespace smppd::upstream {
namespace {

using message::Loss;
using smpp::CommandId;
using smpp::CommandStatus;
using ::testing::ElementsAre;
using testing::Smsc;
using ::testing::UnorderedElementsAre;
using Outcome = Group::Outcome;
using Lost = testing::Recorder::Lost;

struct GroupTest : testing::GroupFixture {
  Smsc smsc{loop};
};

TEST_F(GroupTest, IsDownUntilALinkIsBoundAndThenCarriesRequests) {
  add_host(smsc);
  start();
  EXPECT_FALSE(group->alive());
  EXPECT_EQ(submit(1).outcome, Outcome::kDown);
  ASSERT_TRUE(run_until_bound());
  EXPECT_TRUE(group->alive());
  EXPECT_THAT(events.lanes, ElementsAre(Lane{1, 10}));
  ASSERT_EQ(submit(1).outcome, Outcome::kSend);
  EXPECT_EQ(group->host(0).outstanding, 1U);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return !events.responses.empty(); }));
  EXPECT_EQ(events.responses[0].id, 1U);
  EXPECT_FALSE(events.responses[0].late);
  EXPECT_EQ(group->host(0).outstanding, 0U);
  EXPECT_EQ(group->probe().responses_ok, 1U);
}

TEST_F(GroupTest, AnswersInAnyOrderFindTheirRequests) {
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  for (message::OwnId id = 1; id <= 4; ++id) submit(id);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 4; }));
  std::ranges::reverse(smsc.requests);
  for (int i = 0; i < 4; ++i) smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 4; }));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(events.responses[i].id, 4 - i);
}

// Beside clients that stand in line with all they send, an answer would wait for a piece of each of them.
TEST_F(GroupTest, ALinkThatBringsManyAnswersGoesBeforeTheLine) {
  constexpr message::OwnId kMany = 1'000;  // some pieces
  options().window_size = kMany;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  for (message::OwnId id = 1; id <= kMany; ++id) submit(id);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == kMany; }));
  runtime::testing::Crowd crowd(loop, 8);
  while (!smsc.requests.empty()) smsc.answer();
  crowd.turn();  // the SMSC, which is on this loop too, sends them
  crowd.taken();
  std::size_t turns = 0;
  while (events.responses.size() < kMany && ++turns < 100) crowd.turn();
  EXPECT_EQ(events.responses.size(), kMany);
  EXPECT_LE(crowd.taken(), (turns / 2 + 1) * runtime::EventLoop::kPiece);
}

TEST_F(GroupTest, AFullWindowIsWaitedForAndRoomIsReported) {
  options().window_size = 2;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  EXPECT_EQ(group->free_slots(), 2U);
  EXPECT_EQ(submit(1).outcome, Outcome::kSend);
  EXPECT_EQ(submit(2).outcome, Outcome::kSend);
  EXPECT_EQ(submit(3).outcome, Outcome::kFull);
  EXPECT_TRUE(group->alive());
  group->want_room();
  run_for(60ms);
  ASSERT_EQ(smsc.requests.size(), 2U);
  const int rooms = events.rooms;
  group->want_room();
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.rooms > rooms && events.responses.size() == 1; }));
  EXPECT_EQ(submit(3).outcome, Outcome::kSend);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 2; }));
  smsc.answer();
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 3; }));
}

TEST_F(GroupTest, TheLowestPriorityNumberThatLivesGetsTheTraffic) {
  Smsc second(loop);
  options().window_size = 1;
  add_host(second, 2);
  add_host(smsc, 1);
  start();
  ASSERT_TRUE(run_until_bound(0) && run_until_bound(1));
  EXPECT_EQ(submit(1).host, 1);
  EXPECT_EQ(submit(2).outcome, Outcome::kFull) << "alive but busy is waited for, not skipped";
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.stop_listening();
  smsc.hang_up();
  ASSERT_TRUE(run_until([&] { return group->host(1).lane.links == 0; }));
  const auto pick = submit(3);
  EXPECT_EQ(pick.outcome, Outcome::kSend);
  EXPECT_EQ(pick.host, 0);
  ASSERT_TRUE(run_until([&] { return second.requests.size() == 1; }));
  second.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
}

TEST_F(GroupTest, RefusedCredentialsStopTheLink) {
  smsc.bind_status = CommandStatus::ESME_RINVPASWD;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until([&] { return link().state() == LinkState::kRefused; }));
  run_for(300ms);
  EXPECT_EQ(smsc.binds.size(), 1U) << "asking again may lock the account";
  EXPECT_EQ(link().state(), LinkState::kRefused);
  EXPECT_EQ(link().last_error(), "bind refused: ESME_RINVPASWD");
}

TEST_F(GroupTest, AFailedBindIsTriedAgainLaterAndLater) {
  smsc.bind_status = CommandStatus::ESME_RBINDFAIL;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until([&] { return smsc.binds.size() == 5; }));
  for (std::size_t i = 1; i < 5; ++i) {
    const Duration wait = std::min<Duration>(options().reconnect.initial * (1 << (i - 1)), options().reconnect.max);
    EXPECT_GE(smsc.binds[i] - smsc.binds[i - 1], wait * 8 / 10) << i;
  }
  smsc.bind_status = CommandStatus::ESME_ROK;
  EXPECT_TRUE(run_until_bound());
}

TEST_F(GroupTest, ALostLinkReportsEachRequestOnce) {
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  for (message::OwnId id = 1; id <= 5; ++id) submit(id);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 5; }));
  smsc.answer();
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 2; }));
  smsc.hang_up();
  ASSERT_TRUE(run_until([&] { return events.losses.size() == 3; }));
  EXPECT_THAT(events.losses, ElementsAre(Lost{3, Loss::kLinkLost}, Lost{4, Loss::kLinkLost}, Lost{5, Loss::kLinkLost}));
  ASSERT_TRUE(run_until_bound());
  run_for(60ms);
  EXPECT_EQ(events.losses.size(), 3U);
  EXPECT_EQ(events.responses.size(), 2U);
}

TEST_F(GroupTest, ATimeoutIsALossAndTheLateAnswerIsToldAsLate) {
  options().timeouts.response = config::Millis(60);
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  ASSERT_TRUE(run_until([&] { return events.losses.size() == 1; }));
  EXPECT_THAT(events.losses, ElementsAre(Lost{1, Loss::kTimeout}));
  EXPECT_EQ(group->host(0).outstanding, 0U);
  ASSERT_EQ(smsc.requests.size(), 1U);
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
  EXPECT_TRUE(events.responses[0].late);
  EXPECT_EQ(link().probe().late, 1U);
  smsc.hang_up();
  run_for(60ms);
  EXPECT_EQ(events.losses.size(), 1U) << "the link's end loses nothing twice";
}

TEST_F(GroupTest, DrainWaitsForTheAnswersAndThenUnbinds) {
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  group->drain(loop.now() + 30s);
  EXPECT_EQ(submit(2).outcome, Outcome::kDown);
  EXPECT_FALSE(group->alive());
  run_for(80ms);
  EXPECT_TRUE(smsc.others.empty()) << "an answer is still due";
  EXPECT_FALSE(group->finished());
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return group->finished(); }));
  ASSERT_EQ(smsc.others.size(), 1U);
  EXPECT_EQ(smsc.others[0].command_id, CommandId::unbind);
  EXPECT_EQ(events.responses.size(), 1U);
  EXPECT_TRUE(events.losses.empty());
  run_for(60ms);
  EXPECT_EQ(smsc.binds.size(), 1U) << "it does not come back";
}

TEST_F(GroupTest, DrainEndsAtItsDeadlineAndReportsWhatIsUncertain) {
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  group->drain(loop.now() + 80ms);
  ASSERT_TRUE(run_until([&] { return group->finished(); }));
  EXPECT_THAT(events.losses, ElementsAre(Lost{1, Loss::kLinkLost}));
}

// A question left open by a link that died while warming used to count as the next link's first answer.
TEST_F(GroupTest, ALinkThatFailedProvesItselfBeforeItGetsTraffic) {
  options().health.recovery_threshold = 3;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  EXPECT_EQ(smsc.enquiries, 0) << "nothing to prove at the first bind";
  smsc.answer_enquire = false;
  smsc.hang_up();
  ASSERT_TRUE(run_until([&] { return smsc.enquiries == 1; }));
  EXPECT_EQ(link().state(), LinkState::kWarming);
  EXPECT_EQ(submit(1).outcome, Outcome::kDown);
  smsc.answer_enquire = true;
  smsc.hang_up();
  ASSERT_TRUE(run_until_bound());
  EXPECT_EQ(smsc.enquiries, 3) << "two more, answered";
}

TEST_F(GroupTest, ASilentSmscLosesItsLink) {
  options().enquire_link_interval = config::Millis(40);
  options().enquire_link_timeout = config::Millis(40);
  options().health.threshold = 2;
  smsc.answer_enquire = false;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  ASSERT_TRUE(run_until([&] { return events.losses.size() == 1; }));
  EXPECT_GE(smsc.enquiries, 2);
  EXPECT_EQ(link().last_error(), "enquire_link was not answered");
}

TEST_F(GroupTest, TooManyFailuresInARowTakeTheHostOutForAWhile) {
  options().failover.threshold = 2;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  for (message::OwnId id = 1; id <= 2; ++id) {
    submit(id);
    ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
    smsc.answer(CommandStatus::ESME_RSYSERR);
    ASSERT_TRUE(run_until([&] { return events.responses.size() == id; }));
  }
  EXPECT_EQ(group->host(0).breaker, Breaker::State::kOpen);
  EXPECT_EQ(submit(3).outcome, Outcome::kDown);
  ASSERT_TRUE(run_until([&] { return group->alive(); }));
  EXPECT_EQ(submit(3).outcome, Outcome::kSend);
  EXPECT_EQ(submit(4).outcome, Outcome::kDown) << "one probe at a time";
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 3; }));
  EXPECT_EQ(group->host(0).breaker, Breaker::State::kClosed);
}

TEST_F(GroupTest, AThrottlingAnswerPausesTheLink) {
  options().throttling.pause = config::Millis(150);
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer(CommandStatus::ESME_RTHROTTLED);
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
  EXPECT_EQ(submit(2).outcome, Outcome::kFull);
  EXPECT_EQ(group->probe().throttled, 1U);
  EXPECT_TRUE(run_until([&] { return link().has_room(loop.now()); }));
}

TEST_F(GroupTest, TheRateLimitSaysWhenToAskAgainAndAnUnusedPermitGoesBack) {
  limit = std::make_shared<SharedLimit>(0.001, 1);
  add_host(smsc);
  start();
  EXPECT_EQ(submit(1).outcome, Outcome::kDown);
  ASSERT_TRUE(run_until_bound());
  EXPECT_EQ(group->permits(), 1U);
  const auto first = submit(1);
  ASSERT_EQ(first.outcome, Outcome::kSend) << "the permit of the refused pick was given back";
  const auto second = submit(2);
  EXPECT_EQ(second.outcome, Outcome::kFull);
  EXPECT_GT(second.retry_at, loop.now());
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
}

TEST_F(GroupTest, AbandonedUndoesLaunched) {
  limit = std::make_shared<SharedLimit>(0.001, 1);
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  const auto pick = group->pick({});
  ASSERT_EQ(pick.outcome, Outcome::kSend);
  group->launched(pick.host, pick.shard);
  group->abandoned(pick.host, pick.shard);
  EXPECT_EQ(group->host(0).outstanding, 0U);
  EXPECT_EQ(group->probe().requests, 0U);
  EXPECT_EQ(group->pick({}).outcome, Outcome::kSend) << "the permit is back";
}

TEST_F(GroupTest, ARequestOfAnotherShardWaitsForRoomAndIsSent) {
  options().window_size = 1;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  message::Flight flight;
  flight.id = 2;
  group->launched(0, 0);
  group->send_for_other_shard(flight, testing::bare(CommandId::submit_sm, 1), loop.now() + 5s);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 2; }));
  EXPECT_EQ(events.responses[1].id, 2U);
}

TEST_F(GroupTest, ARequestOfAnotherShardIsGivenUpWhenItsOwnPatienceEndsWhoeverIsBeforeIt) {
  options().window_size = 1;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  message::Flight flight;
  const auto hand_over = [&](message::OwnId id, Duration patience) {
    flight.id = id;
    group->launched(0, 0);
    group->send_for_other_shard(flight, testing::bare(CommandId::submit_sm, 1), loop.now() + patience);
  };
  hand_over(2, 5s);
  hand_over(3, 30ms);
  EXPECT_TRUE(events.losses.empty());
  hand_over(4, 0s);
  EXPECT_THAT(events.losses, ElementsAre(Lost{4, Loss::kNoRoom})) << "its client is not to wait at all";
  ASSERT_TRUE(run_until([&] { return events.losses.size() == 2; }));
  EXPECT_EQ(events.losses[1], (Lost{3, Loss::kNoRoom}));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 2; }));
  EXPECT_EQ(events.responses[1].id, 2U);
}

TEST_F(GroupTest, ARequestOfAnotherShardIsCertainlyUnsentWhenTheLinkGoes) {
  options().window_size = 1;
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  submit(1);
  message::Flight flight;
  flight.id = 2;
  group->launched(0, 0);
  group->send_for_other_shard(flight, testing::bare(CommandId::submit_sm, 1), loop.now() + 5s);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.hang_up();
  ASSERT_TRUE(run_until([&] { return events.losses.size() == 2; }));
  EXPECT_THAT(events.losses, UnorderedElementsAre(Lost{1, Loss::kLinkLost}, Lost{2, Loss::kNeverSent}));
}

TEST_F(GroupTest, AnotherShardsLaneIsUsedWhenThereIsNoLinkHere) {
  shards = 2;
  options().window_size = 2;
  smsc.bind_status = CommandStatus::ESME_RINVPASWD;
  add_host(smsc);
  start();
  EXPECT_EQ(group->pick({}).outcome, Outcome::kDown);
  group->set_lane(0, 1, {1, 1});
  const auto pick = group->pick({});
  EXPECT_EQ(pick.outcome, Outcome::kSend);
  EXPECT_EQ(pick.shard, 1);
  group->launched(0, 1);
  EXPECT_EQ(group->pick({}).outcome, Outcome::kFull) << "its window is what it offered";
  group->want_room();
  group->settled({0, 1, true, CommandStatus::ESME_ROK, 1ms});
  EXPECT_EQ(events.rooms, 1);
  group->set_lane(0, 1, {});
  EXPECT_EQ(group->pick({}).outcome, Outcome::kDown);
}

TEST_F(GroupTest, ADeliveryIsAnsweredWithItsNumberAndAnEmptyId) {
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  smsc.peers.back()->write(CommandId::deliver_sm, 77);
  ASSERT_TRUE(run_until([&] { return events.tickets.size() == 1; }));
  EXPECT_EQ(events.tickets[0].sequence_number, 77U);
  links.get(events.tickets[0].link)->answer(events.tickets[0], CommandStatus::ESME_RX_T_APPN);
  ASSERT_TRUE(run_until([&] { return smsc.others.size() == 1; }));
  EXPECT_EQ(smsc.others[0], (smpp::Header{17, CommandId::deliver_sm_resp, CommandStatus::ESME_RX_T_APPN, 77}));
}

// An idle upstream lost all its links for ever: stopped links counted as open ones, and a pair as one too many. Found
// by seed 75 of sim_test.
TEST_F(GroupTest, IdleLinksGoUntilThoseThatAreKeptAreLeft) {
  options().bind.type = "pair";
  options().pool = {1, 2, config::Millis(30), {}};
  add_host(smsc);
  start();
  const auto bound = [&] {
    const auto host = group->host(0);
    return std::count_if(host.links.begin(), host.links.end(),
                         [](const Link* link) { return link->state() == LinkState::kBound; });
  };
  ASSERT_TRUE(run_until([&] { return bound() == 2; })) << "a pool does not grow while a link is on its way";
  group->grow();
  group->grow();
  ASSERT_TRUE(run_until([&] { return bound() > 2; }));
  ASSERT_TRUE(run_until([&] { return bound() == 2; }));
  run_for(200ms);
  EXPECT_EQ(bound(), 2) << "one pair is kept";
  EXPECT_TRUE(group->alive());
}

TEST_F(GroupTest, AnIdleTimeoutOfZeroKeepsEveryLink) {
  options().pool = {1, 2, config::Millis(0), {}};
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  group->grow();
  ASSERT_TRUE(run_until([&] { return group->host(0).lane.links == 2; }));
  run_for(200ms);
  EXPECT_EQ(group->host(0).lane.links, 2U);
}

// A receipt that a client accepted after its link had been lost and bound again was answered on the new connection,
// where its sequence_number meant another receipt: that one was lost. Found by seed 3 of sim_test.
TEST_F(GroupTest, ADeliveryOfALostConnectionIsNotAnsweredOnTheNextOne) {
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  smsc.peers.back()->write(CommandId::deliver_sm, 77);
  ASSERT_TRUE(run_until([&] { return events.tickets.size() == 1; }));
  const std::size_t connections = smsc.peers.size();
  smsc.peers.back()->connection.close();
  ASSERT_TRUE(run_until([&] { return smsc.peers.size() > connections && group->alive(); }));
  smsc.peers.back()->write(CommandId::deliver_sm, 78);
  ASSERT_TRUE(run_until([&] { return events.tickets.size() == 2; }));
  Link* link = links.get(events.tickets[0].link);
  link->answer(events.tickets[0], CommandStatus::ESME_ROK);
  link->answer(events.tickets[1], CommandStatus::ESME_ROK);
  ASSERT_TRUE(run_until([&] { return !smsc.others.empty(); }));
  ASSERT_EQ(smsc.others.size(), 1U);
  EXPECT_EQ(smsc.others[0].sequence_number, 78U);
}

// An upstream that a reload had removed came back: its SMSC said unbind while it drained, which made it leave like any
// link, and links that left bind again. Found by seed 1244 of sim_test.
TEST_F(GroupTest, ADrainingLinkWhoseSmscSaysUnbindDoesNotComeBack) {
  add_host(smsc);
  options().reconnect.initial = 10ms;
  start();
  ASSERT_TRUE(run_until_bound());
  ASSERT_EQ(submit(1).outcome, Outcome::kSend);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  group->drain(loop.now() + 5s);
  smsc.peers.back()->write(CommandId::unbind, 5);
  ASSERT_TRUE(run_until([&] { return !smsc.others.empty(); }));
  smsc.peers.back()->connection.close();
  ASSERT_TRUE(run_until([&] { return events.losses.size() == 1; }));
  EXPECT_TRUE(run_until([&] { return group->finished(); }));
  EXPECT_EQ(smsc.peers.size(), 1U);
}

TEST_F(GroupTest, APairSendsOnItsTransmitterOnly) {
  options().bind.type = "pair";
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until([&] { return smsc.binds.size() == 2; }));
  ASSERT_TRUE(run_until_bound());
  EXPECT_THAT(smsc.kinds, UnorderedElementsAre(CommandId::bind_transmitter, CommandId::bind_receiver));
  run_for(40ms);
  EXPECT_EQ(group->host(0).lane, (Lane{1, 10}));
  submit(1);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
  EXPECT_TRUE(links.get(group->host(0).links[0]->handle())->use() == LinkUse::kTransmitter);
}

TEST_F(GroupTest, ABusyPoolOpensItsNextLinkAndAnIdleOneClosesIt) {
  options().window_size = 1;
  options().pool = {1, 2, config::Millis(120), config::Millis(0)};
  add_host(smsc);
  start();
  ASSERT_TRUE(run_until_bound());
  EXPECT_EQ(submit(1).outcome, Outcome::kSend);
  EXPECT_EQ(submit(2).outcome, Outcome::kFull);
  ASSERT_TRUE(run_until([&] { return group->host(0).lane.links == 2; }));
  EXPECT_EQ(submit(2).outcome, Outcome::kSend);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 2; }));
  smsc.answer();
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 2; }));
  ASSERT_TRUE(run_until([&] { return group->host(0).lane.links == 1; }));
}

}  // namespace
}  // namespace smppd::upstream
