// Receipts on a disk that is the test's hand: those without a message are there before their SMSC is answered, and a
// message has one final receipt whatever it went through.
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/correlation.h"
#include "flow/internal/depot_parts.h"
#include "flow/internal/hand_partition.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/test_support.h"

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

// Before the flow, which uses it.
struct ReceiptDisk {
  HandPartition disk;
};

class ReceiptsOnDisk : protected ReceiptDisk, public FlowTest {
 protected:
  ReceiptsOnDisk() : FlowTest(1, {&disk}) {}

  void start(std::string_view retry = "{}") {
    const std::string text =
        "storage: {backend: memory}\n"
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
  // The SMSC has said that it has the message.
  void leave_correlation() {
    Correlation correlation;
    correlation.own = kOld;
    correlation.client = "shop";
    correlation.registered_delivery = 1;
    correlation.destination_hash = destination_hash(kTo);
    correlation.submitted = wall();
    correlation.upstream_id = kOldId;
    CorrelationRoom room;
    const ByteSpan value = encode(correlation, room);
    const CorrelationKey key("lab", smpp::canonical_id(kOldId));
    disk.records[{Table::kCorrelations, std::string(key.view())}] = {value.begin(), value.end()};
  }
  void leave_message(ItemState state) {
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
    stored.expires = stored.arrived + 1h;
    stored.pdu = pdu;
    std::vector<std::uint8_t> room(kMaxStoredHeader + pdu.size());
    const ByteSpan body = encode(stored, room);
    store::Progress progress;
    progress.state = static_cast<std::uint8_t>(state);
    progress.lane = lanes::of_upstream(lanes::hash("lab"), 0);
    progress.expires = stored.expires;
    disk.items[kOld] = {progress, {body.begin(), body.end()}};
  }

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
  leave_message(ItemState::kSent);
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
  disk.records[{Table::kOutcomes, told_key_of(kOld)}] = {1};
  start();
  receipt(kOldId);
  go_on();
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().receipts_duplicate, 1U);
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
  leave_message(ItemState::kSent);
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
  leave_message(ItemState::kUncertain);
  disk.records[{Table::kOutcomes, told_key_of(kOld)}] = {1};
  start("{uncertain: hold}");
  go_on();
  EXPECT_TRUE(disk.items.empty());
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().adopted, 1U);
  EXPECT_EQ(disk.count(Table::kDeadLetters), 0U);
}

}  // namespace
}  // namespace smppd::flow
