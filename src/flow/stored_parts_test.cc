// Long messages in the store, over a disk that is the test's hand.
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/depot_parts.h"
#include "flow/internal/hand_partition.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

using depot::ItemState;

constexpr store::ItemId kLeft = 7;

std::string config_of_parts(std::string_view retry, std::string_view multipart) {
  return "storage: {backend: memory}\n"
         "listeners: [{name: public, address: \"127.0.0.1:2775\"}]\n"
         "upstreams:\n  - name: carrier\n    mock: {message_id: \"${counter}\"}\n    retry: " +
         std::string(retry) +
         "\nroutes: [{name: all, upstream: carrier}]\nclients: [{system_id: shop, password: secret}]\n" +
         "multipart: {segmentation: " + std::string(multipart) + "}\n";
}

std::vector<std::uint8_t> long_pdu() {
  smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
  builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, "258841234567");
  builder.add_tlv(smpp::TlvTag::message_payload, as_bytes(std::string(400, 'a')));
  std::vector<std::uint8_t> pdu;
  EXPECT_TRUE(builder.encode(pdu, {}, 5));
  return pdu;
}

// Before the flow, which uses it.
struct OneDisk {
  HandPartition disk;
};

class StoredParts : protected OneDisk, public FlowTest {
 protected:
  StoredParts() : FlowTest(1, {&disk}) {}

  void start(std::string_view retry = "{}", std::string_view multipart = "{enabled: true}") {
    const auto loaded = config::load_text(config_of_parts(retry, multipart), config::Format::kYaml, "test.yaml");
    ASSERT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    for (int i = 0; i < 5; ++i) {
      flow.tick();
      turns(2);
    }
  }
  // As another smppd left it: some parts are with the carrier, and perhaps one more.
  void leave(ItemState state, PartMark mark) {
    const auto pdu = long_pdu();
    StoredMessage stored;
    stored.own = kLeft;
    stored.client = "shop";
    stored.arrived = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    stored.expires = stored.arrived + 1h;
    stored.pdu = pdu;
    std::vector<std::uint8_t> room(kMaxStoredHeader + pdu.size());
    const ByteSpan body = encode(stored, room);
    store::Progress progress;
    progress.state = depot::number_of(state, true);
    progress.mark = mark.pack();
    progress.lane = lanes::of_upstream(lanes::hash("carrier"), 0);
    progress.expires = stored.expires;
    disk.items[kLeft] = {progress, {body.begin(), body.end()}};
  }
  std::uint64_t requests() { return flow.upstreams().find(names.upstreams.find("carrier"))->probe().requests; }
  bool run_empty() {
    return run_until([&] {
      flow.tick();
      return disk.items.empty();
    });
  }
};

TEST_F(StoredParts, NoPartLeavesBeforeTheDiskKnowsOfIt) {
  start();
  disk.writes = false;
  const auto pdu = long_pdu();
  EXPECT_EQ(flow.submit(sender(1), smpp::read_header(pdu.data()), pdu, false), Flow::Taken::kYes);
  turns(3);
  EXPECT_TRUE(sessions.answers.empty());
  EXPECT_EQ(requests(), 0U);
  disk.write();
  turns(4);
  ASSERT_EQ(sessions.answers.size(), 1U) << "answered for the whole";
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(requests(), 1U);
  ASSERT_EQ(disk.items.size(), 1U);
  EXPECT_EQ(depot::state_of(disk.items.begin()->second.progress), ItemState::kSent);
  EXPECT_EQ(depot::parts_of(disk.items.begin()->second.progress).done, 1U);
  disk.writes = true;
  disk.write();
  ASSERT_TRUE(run_empty());
  EXPECT_EQ(requests(), 3U);
  EXPECT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(flow.probe().long_messages, 1U);
  EXPECT_EQ(flow.probe().long_parts, 3U);
}

TEST_F(StoredParts, AfterACrashOnlyThePartWithoutAnAnswerIsUncertain) {
  leave(ItemState::kSent, {9, 3, 1});
  start("{uncertain: hold}");
  ASSERT_EQ(disk.items.count(kLeft), 1U);
  EXPECT_EQ(depot::state_of(disk.items[kLeft].progress), ItemState::kUncertain);
  EXPECT_EQ(depot::parts_of(disk.items[kLeft].progress).done, 1U);
  EXPECT_EQ(flow.probe().found_uncertain, 1U);
  EXPECT_EQ(requests(), 0U);
}

TEST_F(StoredParts, AfterACrashTheRestIsSentWhereThePolicySaysSo) {
  leave(ItemState::kSent, {9, 3, 1});
  start("{uncertain: resend, delay: 1ms, max_delay: 1ms}");
  ASSERT_TRUE(run_empty());
  EXPECT_EQ(requests(), 2U) << "the first one was answered";
  EXPECT_EQ(flow.probe().resent_uncertain, 1U);
}

TEST_F(StoredParts, WhatWasBetweenTwoPartsGoesOnAndIsNotUncertain) {
  leave(ItemState::kQueued, {9, 3, 2});
  start();
  ASSERT_TRUE(run_empty());
  EXPECT_EQ(requests(), 1U);
  EXPECT_EQ(flow.probe().found_uncertain, 0U);
}

TEST_F(StoredParts, PartsThatWouldNotJoinThoseThatAreSentAreNotSent) {
  leave(ItemState::kQueued, {9, 3, 2});
  start("{}", "{enabled: false}");
  ASSERT_TRUE(run_empty());
  EXPECT_EQ(requests(), 0U);
  EXPECT_EQ(disk.count(store::Table::kDeadLetters), 1U);
  EXPECT_EQ(flow.probe().long_partial, 1U);
}

}  // namespace
}  // namespace smppd::flow
