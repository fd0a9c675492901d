// Store-and-forward over a store whose disk is the test's hand: what is told when, and in which order things go.
#include <algorithm>
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/depot_parts.h"
#include "flow/internal/hand_partition.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

using depot::ItemState;
using testing::ElementsAre;

constexpr std::string_view kUp = "mock: {message_id: \"${counter}\"}";
constexpr std::string_view kDown = "hosts: [{address: \"127.0.0.1:1\"}]\n    bind: {system_id: us, password: secret}";

// One upstream for all; `carrier` and `retry` are its keys.
std::string config_with(std::string_view carrier, std::string_view retry = "{}") {
  return "storage: {backend: memory}\n"
         "listeners: [{name: public, address: \"127.0.0.1:2775\"}]\n"
         "upstreams:\n  - name: carrier\n    " +
         std::string(carrier) + "\n    retry: " + std::string(retry) +
         "\nroutes: [{name: all, upstream: carrier}]\n"
         "clients: [{system_id: shop, password: secret}]\n";
}

// Before the flows, which use them.
struct Disks {
  std::array<HandPartition, 2> disks;
};

class DepotTest : protected Disks, public FlowTest {
 protected:
  explicit DepotTest(unsigned shard_count = 1) : FlowTest(shard_count, {&disks[0], &disks[1]}) {
    load(config_with(kUp));
  }

  void load(const std::string& text) {
    const auto loaded = config::load_text(text, config::Format::kYaml, "test.yaml");
    ASSERT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    turns(3);
  }
  Flow::Taken submit_prioritised(std::uint32_t sequence, std::uint8_t priority) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP")
        .set(Field::destination_addr, "258841234567")
        .set(Field::priority_flag, priority)
        .set(Field::short_message, std::string_view("hello"));
    return send(sender(1), builder, sequence);
  }
  std::vector<store::ItemId> waiting() const {
    std::vector<store::ItemId> ids;
    ids.reserve(disk.items.size());
    for (const auto& [id, item] : disk.items) ids.push_back(id);
    return ids;
  }
  ItemState state_of(store::ItemId id) { return static_cast<ItemState>(disk.items.at(id).progress.state); }
  bool run_empty() {
    return run_until([&] {
      flow.tick();
      return disk.items.empty();
    });
  }

  HandPartition& disk = disks[0];
};

// Whatever waited was read, and put back, for each message that the rate let through.
TEST_F(DepotTest, NoMoreIsReadThanTheRateOfTheUpstreamLetsThrough) {
  load(config_with("mock: {message_id: \"${counter}\"}\n    rate_limit: {messages_per_second: 100, burst: 2}"));
  for (std::uint32_t i = 1; i <= 20; ++i) ASSERT_EQ(submit(sender(1), "258841234567", i), Flow::Taken::kYes);
  ASSERT_TRUE(run_empty());
  EXPECT_EQ(flow.probe().found_full, 0U);
  EXPECT_LE(disk.taken, 25U);
}

TEST_F(DepotTest, TheClientIsAnsweredWhenItsMessageIsDurableAndNotBefore) {
  disk.writes = false;
  EXPECT_EQ(submit(sender(1), "258841234567", 5), Flow::Taken::kYes);
  turns(3);
  EXPECT_TRUE(sessions.answers.empty());
  ASSERT_EQ(disk.items.size(), 1U);
  EXPECT_EQ(state_of(waiting()[0]), ItemState::kSent) << "what may have left is known to the disk first";
  disk.write();
  turns(2);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(sessions.answers[0].sequence, 5U);
  EXPECT_TRUE(disk.items.empty()) << "the SMSC has it";
  EXPECT_EQ(disk.count(store::Table::kOutcomes), 1U);
}

TEST_F(DepotTest, AFullStoreHasTheSessionWaitUntilThereIsRoom) {
  disk.has_room(store::Room::kOwedOnly);
  turns(2);
  EXPECT_EQ(submit(sender(7), "258841234567"), Flow::Taken::kWait);
  EXPECT_EQ(flow.probe().store_full, 1U);
  turns(2);
  EXPECT_TRUE(sessions.answers.empty());
  EXPECT_TRUE(sessions.resumed.empty());
  disk.has_room(store::Room::kOpen);
  turns(2);
  EXPECT_THAT(sessions.resumed, ElementsAre(7U));
  EXPECT_EQ(submit(sender(7), "258841234567", 5, 0, true), Flow::Taken::kYes);
  turns(2);
  EXPECT_EQ(sessions.answers.size(), 1U);
}

TEST_F(DepotTest, TheEndOfAMessageThatFindsNoRoomAtAllIsWrittenLater) {
  disk.writes = false;
  (void)submit(sender(1), "258841234567");
  disk.has_room(store::Room::kNone);
  disk.write();
  turns(3);
  EXPECT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(disk.items.size(), 1U) << "the SMSC has it, and the disk cannot be told";
  disk.has_room(store::Room::kOpen);
  turns(3);
  EXPECT_TRUE(disk.items.empty());
}

TEST_F(DepotTest, WhatWaitsForAnUpstreamLeavesInTheOrderItCameAndIsNotOvertaken) {
  load(config_with(kDown));
  for (std::uint32_t i = 0; i < 5; ++i) (void)submit(sender(1), "258841234567", i + 1);
  turns(3);
  EXPECT_EQ(sessions.answers.size(), 5U) << "accepted all the same";
  const auto ids = waiting();
  ASSERT_EQ(ids.size(), 5U);
  for (const auto id : ids) EXPECT_EQ(state_of(id), ItemState::kQueued);
  load(config_with(kUp));
  (void)submit(sender(1), "258841234567", 6);
  ASSERT_TRUE(run_empty());
  const auto done = disk.finished();
  ASSERT_EQ(done.size(), 6U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end())) << "the sixth did not overtake";
}

TEST_F(DepotTest, WhereTheOrderIsByDestinationOneMessageToEachIsOnItsWay) {
  load(config_with(kUp, "{order: destination}"));
  disk.writes = false;
  (void)submit(sender(1), "258841234567", 1);
  (void)submit(sender(1), "258841234567", 2);
  (void)submit(sender(1), "258849999999", 3);
  (void)submit(sender(2), "258841234567", 4);
  turns(3);
  const auto ids = waiting();
  ASSERT_EQ(ids.size(), 4U);
  EXPECT_EQ(state_of(ids[0]), ItemState::kSent);
  EXPECT_EQ(state_of(ids[1]), ItemState::kQueued);
  EXPECT_EQ(state_of(ids[2]), ItemState::kSent) << "nobody else's concern";
  EXPECT_EQ(state_of(ids[3]), ItemState::kQueued) << "another session of the same client";
  disk.writes = true;
  disk.write();
  ASSERT_TRUE(run_empty());
  const auto done = disk.finished();
  EXPECT_LT(std::find(done.begin(), done.end(), ids[0]), std::find(done.begin(), done.end(), ids[1]));
  EXPECT_LT(std::find(done.begin(), done.end(), ids[1]), std::find(done.begin(), done.end(), ids[3]));
}

TEST_F(DepotTest, AMessageThatIsTriedAgainIsPassedByNoneToItsDestination) {
  // Three attempts of four are refused.
  load(config_with("mock: {outcomes: [{status: ESME_RSYSERR, weight: 3}, {weight: 1}]}",
                   "{order: destination, max_attempts: 0, delay: 10ms, max_delay: 20ms}"));
  for (std::uint32_t i = 0; i < 20; ++i) (void)submit(sender(1), i % 2 == 0 ? "258841234567" : "258849999999", i + 1);
  const auto ids = waiting();
  ASSERT_TRUE(run_empty());
  EXPECT_GT(flow.probe().retried, 20U);
  const auto done = disk.finished();
  ASSERT_EQ(done.size(), 20U);
  std::vector<store::ItemId> to_one, to_other;
  for (const store::ItemId id : done) {
    const auto at = std::find(ids.begin(), ids.end(), id) - ids.begin();
    (at % 2 == 0 ? to_one : to_other).push_back(id);
  }
  EXPECT_TRUE(std::is_sorted(to_one.begin(), to_one.end()));
  EXPECT_TRUE(std::is_sorted(to_other.begin(), to_other.end()));
  EXPECT_FALSE(std::is_sorted(done.begin(), done.end())) << "one destination does not wait for the other";
}

TEST_F(DepotTest, AScheduledMessageKeepsToItsTimeAndToNoOrder) {
  load(config_with(kUp, "{order: destination}"));
  smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
  builder.set(Field::source_addr, "SHOP")
      .set(Field::destination_addr, "258841234567")
      .set(Field::schedule_delivery_time, "000001000000000R")
      .set(Field::short_message, std::string_view("tomorrow"));
  (void)send(sender(1), builder, 1);
  (void)submit(sender(1), "258841234567", 2);
  ASSERT_TRUE(run_until([&] { return disk.items.size() == 1; }));
  EXPECT_EQ(disk.items.begin()->second.progress.order, 0U);
}

TEST_F(DepotTest, TheHighestPriorityLeavesFirst) {
  load(config_with(kDown));
  for (std::uint32_t i = 0; i < 3; ++i) (void)submit_prioritised(i + 1, 0);
  for (std::uint32_t i = 3; i < 6; ++i) (void)submit_prioritised(i + 1, 3);
  turns(3);
  const auto ids = waiting();
  ASSERT_EQ(ids.size(), 6U);
  load(config_with(kUp));
  ASSERT_TRUE(run_empty());
  EXPECT_THAT(disk.finished(), ElementsAre(ids[3], ids[4], ids[5], ids[0], ids[1], ids[2]));
}

TEST_F(DepotTest, AMessageWhoseUpstreamIsGoneWhenItIsDurableIsQueuedAgainInOrder) {
  disk.writes = false;
  for (std::uint32_t i = 0; i < 3; ++i) (void)submit(sender(1), "258841234567", i + 1);
  load(config_with(kDown));
  disk.writes = true;
  disk.write();
  turns(3);
  ASSERT_EQ(disk.items.size(), 3U);
  for (const auto id : waiting()) EXPECT_EQ(state_of(id), ItemState::kQueued);
  load(config_with(kUp));
  ASSERT_TRUE(run_empty());
  const auto done = disk.finished();
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST_F(DepotTest, AMessageThatExpiresInTheQueueEndsWithAnOutcome) {
  load(config_with(kDown));
  (void)submit(sender(1), "258841234567");
  turns(3);
  ASSERT_EQ(disk.items.size(), 1U);
  disk.items.begin()->second.progress.expires = store::Moment(1s);
  EXPECT_TRUE(run_empty());
  EXPECT_EQ(flow.probe().expired, 1U);
  EXPECT_EQ(disk.count(store::Table::kOutcomes), 1U);
  EXPECT_EQ(disk.count(store::Table::kDeadLetters), 0U);
}

// What another smppd left: a message whose request may be with the SMSC.
struct LeftBehind : Disks {
  LeftBehind() {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, "258841234567");
    std::vector<std::uint8_t> pdu;
    EXPECT_TRUE(builder.encode(pdu, {}, 1));
    StoredMessage stored;
    stored.own = 7;
    stored.client = "shop";
    stored.arrived = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    stored.expires = stored.arrived + 1h;
    stored.pdu = pdu;
    std::vector<std::uint8_t> room(kMaxStoredHeader + pdu.size());
    const ByteSpan body = encode(stored, room);
    store::Progress progress;
    progress.state = static_cast<std::uint8_t>(ItemState::kSent);
    progress.lane = lanes::of_upstream(lanes::hash("carrier"), 0);
    progress.expires = stored.expires;
    disks[0].items[7] = {progress, {body.begin(), body.end()}};
  }
};

class AfterACrash : protected LeftBehind, public FlowTest {
 protected:
  AfterACrash() : FlowTest(1, {disks.data()}) {}
  void start(std::string_view retry) {
    const auto loaded = config::load_text(config_with(kUp, retry), config::Format::kYaml, "test.yaml");
    ASSERT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    for (int i = 0; i < 5; ++i) {
      flow.tick();
      turns(2);
    }
  }
};

TEST_F(AfterACrash, AMessageThatWasOnItsWayIsHeldWhereThePolicySaysSo) {
  start("{uncertain: hold}");
  EXPECT_EQ(flow.probe().found_uncertain, 1U);
  ASSERT_EQ(disks[0].items.count(7), 1U);
  EXPECT_EQ(static_cast<ItemState>(disks[0].items[7].progress.state), ItemState::kUncertain);
}

TEST_F(AfterACrash, ItIsSentAgainWhereThePolicySaysSo) {
  start("{uncertain: resend, delay: 1ms, max_delay: 1ms}");
  EXPECT_TRUE(run_until([&] {
    flow.tick();
    return disks[0].items.empty();
  }));
  EXPECT_EQ(flow.probe().resent_uncertain, 1U);
}

TEST_F(AfterACrash, ItIsGivenUpWithItsTextWhereThePolicySaysSo) {
  start("{uncertain: fail}");
  EXPECT_TRUE(disks[0].items.empty());
  EXPECT_EQ(disks[0].count(store::Table::kDeadLetters), 1U);
  EXPECT_EQ(flow.probe().resent_uncertain, 0U);
}

class TwoShards : public DepotTest {
 protected:
  TwoShards() : DepotTest(2) {}
};

TEST_F(TwoShards, AMessageIsDoneOnceTheHomeShardHasTheIdOfItsReceiptOnDisk) {
  const unsigned home = flow.is_home(names.upstreams.find("carrier")) ? 0 : 1;
  const unsigned other = 1 - home;
  disks[home].writes = false;
  smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
  builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, "258841234567");
  builder.set(Field::registered_delivery, 1);
  std::vector<std::uint8_t> pdu;
  ASSERT_TRUE(builder.encode(pdu, {}, 5));
  EXPECT_EQ(nodes[other]->flow.submit(sender(1), smpp::read_header(pdu.data()), pdu, false), Flow::Taken::kYes);
  turns(6);
  EXPECT_EQ(nodes[other]->sessions.answers.size(), 1U);
  EXPECT_EQ(disks[home].count(store::Table::kCorrelations), 1U);
  EXPECT_EQ(disks[other].items.size(), 1U) << "the id may still be lost";
  disks[home].write();
  turns(6);
  EXPECT_TRUE(disks[other].items.empty());
}

}  // namespace
}  // namespace smppd::flow
