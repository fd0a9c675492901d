// Receipts on a disk that is the test's hand: those without a message are there before their SMSC is answered, and a
// message has one final receipt whatever it went through.
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/correlation.h"
#include "flow/internal/depot_parts.h"
#include "flow/internal/hand_partition.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/test_support.h"
#include "store/operator_desk.h"

namespace smppd::flow {
namespace {

using depot::ItemState;
using store::Table;

constexpr message::OwnId kOld = 7;
constexpr std::string_view kOldId = "old-1";

store::Moment wall() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string key_of(message::OwnId own) { return std::string(view(outcome_key(own))); }
constexpr std::string_view kTo = "258841234567";

std::string told_key_of(message::OwnId own) {
  const std::uint16_t to = destination_hash(kTo);
  return key_of(own) + "r" + static_cast<char>(to >> 8U) + static_cast<char>(to & 0xFFU);
}

std::vector<std::uint8_t> receipt_pdu(std::string_view id) {
  smpp::PduBuilder builder(CommandId::deliver_sm, smpp::Version::v34);
  builder.set(Field::source_addr, "258841234567").set(Field::destination_addr, "SHOP").set(Field::esm_class, 4);
  builder.set(Field::short_message, "id:" + std::string(id) + " stat:DELIVRD err:000");
  std::vector<std::uint8_t> pdu;
  EXPECT_TRUE(builder.encode(pdu, {}, 9));
  return pdu;
}

// The SMSC has said that it has the message.
void leave_correlation(HandPartition& disk, std::string_view upstream = "lab", std::string_view id = kOldId,
                       Correlation correlation = {}) {
  correlation.own = kOld;
  correlation.client = "shop";
  correlation.registered_delivery = 1;
  if (correlation.destination_hash == 0) correlation.destination_hash = destination_hash(kTo);
  correlation.submitted = wall();
  correlation.upstream_id = id;
  CorrelationRoom room;
  const ByteSpan value = encode(correlation, room);
  const CorrelationKey key(upstream, smpp::canonical_id(id));
  disk.records[{Table::kCorrelations, std::string(key.view())}] = {value.begin(), value.end()};
}

// Before the flow, which uses it.
struct ReceiptDisk {
  HandPartition disk;
};

class ReceiptsOnDisk : protected ReceiptDisk, public FlowTest {
 protected:
  ReceiptsOnDisk() : FlowTest(1, {&disk}) {}

  void start(std::string_view retry = "{}", std::string_view backend = "memory") {
    const std::string text =
        "storage: {backend: " + std::string(backend) +
        ", rocksdb: {path: /tmp}}\n"
        "listeners: [{name: public, address: \"127.0.0.1:2775\"}]\n"
        "upstreams: [{name: lab, mock: {message_id: \"lab-${counter}\"}, retry: " +
        std::string(retry) +
        "}]\nroutes: [{name: all, upstream: lab}]\nclients: [{system_id: shop, password: secret}]\n";
    const auto loaded = config::load_text(text, config::Format::kYaml, "test.yaml");
    ASSERT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    flow.receiver_bound(receiver(4), "");
    go_on();
  }
  void go_on() {
    for (int i = 0; i < 5; ++i) {
      flow.tick();
      turns(2);
      for (; answered_ < sessions.deliveries.size(); ++answered_) {
        const auto& delivery = sessions.deliveries[answered_];
        flow.delivered({{}, delivery.ticket, delivery.id, delivery.entry}, CommandStatus::ESME_ROK);
      }
    }
  }
  void leave_stray(message::OwnId record, store::Moment received, std::string_view id) {
    const auto pdu = receipt_pdu(id);
    std::vector<std::uint8_t> room(kMaxStrayHeader + pdu.size());
    const ByteSpan value = encode(StrayRecord{"lab", received, pdu}, room);
    disk.records[{Table::kStrays, key_of(record)}] = {value.begin(), value.end()};
  }
  void leave_correlation() { flow::leave_correlation(disk); }
  void leave_told_correlation(std::string_view id, std::string_view destination) {
    Correlation correlation;
    correlation.destination_hash = destination_hash(destination);
    correlation.final_seen = true;
    flow::leave_correlation(disk, "lab", id, correlation);
  }
  void leave_told() { disk.records[{Table::kOutcomes, told_key_of(kOld)}] = {1}; }
  struct Left {
    ItemState state;
    unsigned attempts = 0;
    std::chrono::seconds due = 0s, expires = 1h;
  };
  void leave_message(const Left& left) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, kTo);
    builder.set(Field::registered_delivery, 1);
    std::vector<std::uint8_t> pdu;
    EXPECT_TRUE(builder.encode(pdu, {}, 1));
    StoredMessage stored;
    stored.own = kOld;
    stored.client = "shop";
    stored.registered_delivery = 1;
    stored.arrived = wall();
    stored.expires = stored.arrived + left.expires;
    stored.pdu = pdu;
    std::vector<std::uint8_t> room(kMaxStoredHeader + pdu.size());
    const ByteSpan body = encode(stored, room);
    store::Progress progress;
    progress.state = static_cast<std::uint8_t>(left.state);
    progress.attempts = static_cast<std::uint16_t>(left.attempts);
    if (left.due > 0s) progress.due = wall() + left.due;
    progress.lane = lanes::of_upstream(lanes::hash("lab"), 0);
    progress.expires = stored.expires;
    disk.items[kOld] = {progress, {body.begin(), body.end()}};
    left_body.assign(body.begin(), body.end());
  }
  std::vector<std::uint8_t> left_body;

 private:
  std::size_t answered_ = 0;
};

TEST_F(ReceiptsOnDisk, OneThatFindsNoMessageIsOnRecord) {
  start();
  receipt("");
  go_on();
  EXPECT_EQ(flow.receipts().strays().stats().kept, 1U);
  EXPECT_EQ(disk.count(Table::kStrays), 1U);
}

TEST_F(ReceiptsOnDisk, WhatAnotherSmppdGaveUpIsShownAndToldWhenItMatches) {
  leave_stray(3, wall() - 1h, "lab-1");
  leave_stray(5, wall() - 1h, "nobody");
  disk.records[{Table::kStrays, key_of(6)}] = {9, 9, 9};
  start();
  EXPECT_EQ(flow.receipts().strays().stats().kept, 2U);
  EXPECT_EQ(flow.probe().store_damaged, 1U);
  EXPECT_EQ(flow.replay_strays({}, 0, 10).matched, 0U);
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] { return sessions.answers.size() == 1; }));
  (void)flow.replay_strays({}, 0, 10);
  go_on();
  EXPECT_EQ(flow.receipts().strays().stats().kept, 1U);
  EXPECT_EQ(disk.records.count({Table::kStrays, key_of(3)}), 0U);
  EXPECT_EQ(disk.records.count({Table::kStrays, key_of(5)}), 1U);
  EXPECT_EQ(sessions.deliveries.size(), 1U) << "once, with the mock's own";
}

struct KeptFor {
  const char* backend;
  std::chrono::seconds most;
};
class ToldMessages : public ReceiptsOnDisk, public testing::WithParamInterface<KeptFor> {};

// For longer in memory, they would be all that is in it.
TEST_P(ToldMessages, AreRemembered) {
  leave_correlation();
  start("{}", GetParam().backend);
  receipt(kOldId);
  go_on();
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  const std::string key(CorrelationKey("lab", smpp::canonical_id(kOldId)).view());
  const store::Moment until = disk.expires[{Table::kCorrelations, key}];
  EXPECT_LE(until, wall() + GetParam().most);
  EXPECT_GT(until, wall() + GetParam().most / 2);
}
INSTANTIATE_TEST_SUITE_P(OnDiskAndInMemory, ToldMessages,
                         testing::Values(KeptFor{"rocksdb", 3600s}, KeptFor{"memory", 10s}),
                         [](const auto& each) { return std::string(each.param.backend); });

TEST_F(ReceiptsOnDisk, OneThatWasParkedWaitsOnAndIsToldByWhatTheDiskKnows) {
  leave_stray(3, wall(), kOldId);
  leave_stray(5, wall(), "nobody");
  leave_correlation();
  start();
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.receipts().parking_stats().parked, 1U);
  EXPECT_EQ(disk.records.count({Table::kStrays, key_of(3)}), 0U);
  EXPECT_EQ(disk.records.count({Table::kStrays, key_of(5)}), 1U);
}

TEST_F(ReceiptsOnDisk, OfAMessageThatIsWithTheSmscTwiceOneFinalReceiptIsTold) {
  leave_message({ItemState::kSent});
  leave_correlation();
  start("{uncertain: resend, delay: 1ms, max_delay: 1ms}");
  ASSERT_TRUE(run_until([&] {
    go_on();
    return sessions.deliveries.size() == 1;
  })) << "of what was sent again";
  EXPECT_EQ(disk.records.count({Table::kOutcomes, told_key_of(kOld)}), 1U);
  receipt(kOldId);
  go_on();
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.probe().receipts_duplicate, 1U);
  EXPECT_EQ(flow.receipts().parking_stats().parked, 0U);
}

TEST_F(ReceiptsOnDisk, ThatAnotherSmppdToldAreNotToldAgain) {
  leave_correlation();
  leave_told();
  start();
  receipt(kOldId);
  go_on();
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().receipts_duplicate, 1U);
}

TEST_F(ReceiptsOnDisk, ThatWereToldLongAgoAreNotToldAgain) {
  leave_told_correlation(kOldId, kTo);
  start();
  receipt(kOldId);
  go_on();
  EXPECT_EQ(sessions.deliveries.size(), 0U);
  EXPECT_EQ(flow.probe().receipts_duplicate, 1U);
  EXPECT_EQ(flow.receipts().parking_stats().parked, 0U);
}

TEST_F(ReceiptsOnDisk, AMessageThatTheDiskFindsWhenItsReceiptWasToldIsNotWaitedFor) {
  start();
  disk.answers = false;
  receipt("lab-1");
  (void)submit(sender(1), kTo, 5, 1);
  ASSERT_TRUE(run_until([&] {
    go_on();
    return sessions.deliveries.size() == 1;
  }));
  flow::leave_correlation(disk, "lab", "lab-1");
  disk.answers = true;
  go_on();
  EXPECT_EQ(flow.receipts().map_stats().inserted, 1U);
}

// The SMSC counts from one again.
TEST_F(ReceiptsOnDisk, OneThatIsEarlyIsNotOfAMessageToAnotherNumberThatWasToldUnderItsIdLongAgo) {
  constexpr std::uint32_t kBefore = 3;  // by these it is known that receipts name the destinations of their messages
  leave_told_correlation("lab-4", "258840000009");
  start();
  for (std::uint32_t i = 1; i <= kBefore; ++i) (void)submit(sender(i), kTo, 5, 1);
  ASSERT_TRUE(run_until([&] {
    go_on();
    return sessions.deliveries.size() == kBefore;
  }));
  receipt("lab-4");
  go_on();
  EXPECT_EQ(flow.receipts().parking_stats().parked, 1U) << "it waits for its message";
  EXPECT_EQ(flow.probe().receipts_duplicate, 0U);
  (void)submit(sender(kBefore + 1), kTo, 5, 1);
  ASSERT_TRUE(run_until([&] {
    go_on();
    return sessions.deliveries.size() == kBefore + 1;
  }));
  EXPECT_EQ(flow.receipts().parking_stats().parked, 0U);
}

TEST_F(ReceiptsOnDisk, ThatNobodyToldAreToldAndNoted) {
  leave_correlation();
  start();
  receipt(kOldId);
  receipt(kOldId);
  go_on();
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(disk.records.count({Table::kOutcomes, told_key_of(kOld)}), 1U);
  EXPECT_EQ(flow.probe().receipts_duplicate, 1U);
}

TEST_F(ReceiptsOnDisk, AfterOneOfOurOwnTheSmscsIsNotTold) {
  leave_message({ItemState::kSent});
  leave_correlation();
  start("{uncertain: fail}");
  go_on();
  ASSERT_EQ(sessions.deliveries.size(), 1U) << "that nobody knows";
  receipt(kOldId);
  go_on();
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.probe().receipts_duplicate, 1U);
}

TEST_F(ReceiptsOnDisk, AfterTheSmscsThereIsNoneOfOurOwn) {
  leave_message({ItemState::kUncertain});
  leave_told();
  start("{uncertain: hold}");
  go_on();
  EXPECT_TRUE(disk.items.empty());
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().adopted, 1U);
  EXPECT_EQ(disk.count(Table::kDeadLetters), 0U);
}

// A copy that waited to be sent again, after the first one's receipt had been told, ended with one of its own.
TEST_F(ReceiptsOnDisk, ACopyThatEndsWithoutAnSmscSaysNothingAfterTheFirstOnesReceipt) {
  leave_message({ItemState::kQueued, 1, 0s, -1s});
  leave_told();
  start();
  EXPECT_TRUE(disk.items.empty());
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().adopted, 1U);
  EXPECT_EQ(flow.probe().expired, 0U);
  EXPECT_EQ(disk.records.count({Table::kOutcomes, key_of(kOld)}), 0U);
}

TEST_F(ReceiptsOnDisk, ACopyThatEndsWithoutAnSmscIsTheEndWhereNoneWasTold) {
  leave_message({ItemState::kQueued, 1, 0s, -1s});
  leave_correlation();
  start();
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.probe().expired, 1U);
  receipt(kOldId);
  go_on();
  EXPECT_EQ(sessions.deliveries.size(), 1U) << "the first copy's comes too late";
}

TEST_F(ReceiptsOnDisk, WhatHasHadItsReceiptIsNotSentAgainAfterARestart) {
  leave_message({ItemState::kSent});
  leave_told();
  start("{uncertain: resend, delay: 1ms, max_delay: 1ms}");
  EXPECT_TRUE(disk.items.empty());
  EXPECT_EQ(flow.probe().resent_uncertain, 0U);
  EXPECT_EQ(flow.probe().uncertain, 0U);
  EXPECT_EQ(flow.probe().adopted, 1U);
}

TEST_F(ReceiptsOnDisk, WhatHasHadItsReceiptCannotBeCancelled) {
  leave_message({ItemState::kQueued, 1, 1h});
  leave_told();
  start();
  smpp::PduBuilder cancel(CommandId::cancel_sm, smpp::Version::v34);
  cancel.set(Field::message_id, hex(kOld)).set(Field::source_addr, "SHOP");
  (void)send(sender(1), cancel, 5);
  go_on();
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_RCANCELFAIL);
  EXPECT_TRUE(disk.items.empty());
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().cancelled, 0U);
}

// The dead letter's own receipt was told; queued again it must not be taken for a message that an SMSC has.
TEST_F(ReceiptsOnDisk, WhatIsQueuedAgainHasAnotherEndBeforeIt) {
  leave_message({ItemState::kQueued, 1, 0s, -1s});
  start();
  ASSERT_EQ(sessions.deliveries.size(), 1U) << "that it has expired";
  ASSERT_EQ(disk.records.count({Table::kOutcomes, told_key_of(kOld)}), 1U);
  Outcome letter;
  letter.client = "shop";
  letter.body = left_body;
  std::vector<std::uint8_t> room(kMaxOutcomeHeader + left_body.size());
  const ByteSpan value = encode(letter, room);
  disk.records[{Table::kDeadLetters, key_of(kOld)}] = {value.begin(), value.end()};
  std::optional<store::OrderResult> ordered;
  flow.desk()->order(store::Order::kRequeue, kOld, [&](store::OrderResult result) { ordered = result; });
  go_on();
  EXPECT_EQ(ordered, store::OrderResult::kDone);
  ASSERT_TRUE(run_until([&] {
    go_on();
    return sessions.deliveries.size() == 2;
  })) << "its SMSC's";
  EXPECT_TRUE(disk.items.empty());
}

// smppd that dies between the two must not find a message on its way whose client has had the receipt.
TEST_F(ReceiptsOnDisk, TheEndOfAMessageIsWrittenBeforeAReceiptThatWaitedForItsId) {
  start();
  receipt("lab-1");
  turns(2);
  (void)submit(sender(1), kTo, 5, 1);
  go_on();
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  const auto ended = std::ranges::find_if(disk.appended, [](const auto& one) { return !one.finished.empty(); });
  const auto enqueues = [](const auto& one) {
    return std::ranges::count(one.kinds, store::Change::Kind::kEnqueue) > 0;
  };
  const auto kept = std::ranges::find_if(disk.appended, enqueues);
  const auto told = std::find_if(kept + 1, disk.appended.end(), enqueues);
  ASSERT_TRUE(ended != disk.appended.end() && told != disk.appended.end());
  EXPECT_LT(ended->sequence, told->sequence);
}

struct TwoReceiptDisks {
  std::array<HandPartition, 2> disks;
};

// Each is the home of one upstream.
class ReceiptsOnTwoShards : protected TwoReceiptDisks, public FlowTest {
 protected:
  ReceiptsOnTwoShards() : FlowTest(2, {&disks[0], &disks[1]}) {
    const auto loaded = config::load_text(
        "storage: {backend: memory}\n"
        "listeners: [{name: public, address: \"127.0.0.1:2775\"}]\n"
        "upstreams: [{name: lab, mock: {message_id: \"lab-${counter}\"}}, {name: far, mock: {}}]\n"
        "routes: [{name: all, upstream: lab}]\nclients: [{system_id: shop, password: secret}]\n",
        config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    for (const auto& node : nodes) node->flow.receiver_bound(receiver(4, "shop", node == nodes[1] ? 1 : 0), "");
    go_on();
  }
  void go_on() {
    for (int i = 0; i < 5; ++i) {
      for (const auto& node : nodes) node->flow.tick();
      turns(4);
    }
  }
  void receipt_at(unsigned at, std::string_view upstream, std::string_view id) {
    const auto pdu = receipt_pdu(id);
    upstream::Group* group = nodes[at]->flow.upstreams().find(names.upstreams.find(upstream));
    nodes[at]->flow.on_request(*group,
                               {{}, 9, group->id(), static_cast<std::uint8_t>(at), false, CommandId::deliver_sm}, pdu);
  }
  std::size_t told() const { return nodes[0]->sessions.deliveries.size() + nodes[1]->sessions.deliveries.size(); }
};

// Its receipt may be told by one shard before the other has written its end.
TEST_F(ReceiptsOnTwoShards, ThatAMessageWasToldOfLeavesAMemoryStoreSoonAfter) {
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] {
    go_on();
    return told() == 1;
  }));
  std::size_t looked_at = 0;
  for (const HandPartition& disk : disks) {
    for (const auto& [key, until] : disk.expires) {
      const bool is_outcome = key.first == Table::kOutcomes && key.second.size() == sizeof(message::OwnId);
      if (is_outcome || key.first == Table::kFacts || disk.records.count(key) == 0) continue;
      EXPECT_LE(until, wall() + 10s) << static_cast<int>(key.first);
      ++looked_at;
    }
  }
  EXPECT_EQ(looked_at, 2U) << "of the SMSC's id, and of the message";
}

TEST_F(ReceiptsOnTwoShards, OfCopiesAtTwoUpstreamsThatReportAtOnceOneIsTold) {
  leave_correlation(disks[0], "lab", "old-1");
  leave_correlation(disks[1], "far", "old-2");
  receipt_at(0, "lab", "old-1");
  receipt_at(1, "far", "old-2");
  go_on();
  EXPECT_EQ(told(), 1U);
  EXPECT_EQ(nodes[0]->flow.probe().receipts_duplicate + nodes[1]->flow.probe().receipts_duplicate, 1U);
}

TEST_F(ReceiptsOnTwoShards, AReceiptThatFindsNoRoomLeavesItsTurnToTheOther) {
  leave_correlation(disks[0], "lab", "old-1");
  leave_correlation(disks[1], "far", "old-2");
  HandPartition& full = disks[names.upstreams.find("lab").value() % 2];
  full.has_room(store::Room::kNone);
  go_on();
  receipt_at(0, "lab", "old-1");
  go_on();
  EXPECT_EQ(told(), 0U);
  receipt_at(1, "far", "old-2");
  go_on();
  EXPECT_EQ(told(), 1U);
  full.has_room(store::Room::kOpen);
  go_on();
}

// Its item is on another shard's disk, where its end may come a little later than the receipt: smppd that dies in
// between sends it again, perhaps, and must know then what was told.
TEST_F(ReceiptsOnTwoShards, AReceiptSoonAfterTheAnswerToAnotherShardIsNotedAsTold) {
  const unsigned home = names.upstreams.find("lab").value() % 2, other = 1 - home;
  smpp::PduBuilder message(CommandId::submit_sm, smpp::Version::v34);
  message.set(Field::source_addr, "SHOP").set(Field::destination_addr, kTo).set(Field::registered_delivery, 1);
  std::vector<std::uint8_t> pdu;
  ASSERT_TRUE(message.encode(pdu, {}, 5));
  (void)nodes[other]->flow.submit(sender(1), smpp::read_header(pdu.data()), pdu, false);
  ASSERT_TRUE(run_until([&] { return told() == 1; }));
  go_on();
  const message::OwnId own = nodes[other]->sessions.answers.at(0).id;
  EXPECT_EQ(disks[home].records.count({Table::kOutcomes, told_key_of(own)}), 1U);
}

// The SMSC answered on a link of the home shard, which knows the id at once; the shard that has the message asks for it
// to be written when the receipt was told already.
TEST_F(ReceiptsOnTwoShards, AMessageThatWasToldBeforeItsIdWasWrittenIsWrittenAsTold) {
  const message::UpstreamId lab = names.upstreams.find("lab");
  const unsigned home = lab.value() % 2, other = 1 - home;
  message::Flight flight;
  flight.id = kOld;
  flight.origin.shard = static_cast<std::uint8_t>(other);
  flight.client = names.clients.find("shop");
  flight.upstream = lab;
  flight.destination_hash = destination_hash(kTo);
  flight.registered_delivery = 1;
  flight.tracked = flight.stored = true;
  for (const bool told_before : {true, false}) {
    const std::string id = told_before ? "lab-told" : "lab-open";
    flight.id += told_before ? 0 : 1;
    post(shards.shard(other), home, MailKind::kTrack, TrackMail{flight}, as_bytes(std::string_view(id)));
    go_on();
    if (told_before) receipt_at(home, "lab", id);
    go_on();
    EXPECT_EQ(told(), 1U);
    post(shards.shard(other), home, MailKind::kCorrelate, CorrelateMail{flight, store::kNever},
         as_bytes(std::string_view(id)));
    go_on();
    const CorrelationKey key("lab", smpp::canonical_id(id));
    const auto written = decode_correlation(disks[home].records[{Table::kCorrelations, std::string(key.view())}]);
    ASSERT_TRUE(written) << id;
    EXPECT_EQ(written->final_seen, told_before) << id;
  }
}

}  // namespace
}  // namespace smppd::flow
