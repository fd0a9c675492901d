#include <numeric>
#include <string>

#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

constexpr PeerSide kSpeaks33{smpp::Version::v33};

// With a text that is told as it is, and with one that is looked at in full.
struct Receipts : FlowTest, testing::WithParamInterface<bool> {
  void receipt(std::string_view id, std::string_view state = "DELIVRD") {
    const std::string usual =
        " sub:001 dlvrd:001 submit date:2611200101 done date:2611200102 stat:" + std::string(state) + " err:000";
    report("id:" + std::string(id) + (GetParam() ? usual : " stat:" + std::string(state) + " err:000"));
  }
  // A message whose receipt has been offered to the client; the lab calls it lab-1.
  FakeSessions::Delivered told_once() {
    flow.receiver_bound(receiver(4), "");
    (void)submit(sender(1), "258841234567", 5, 1);
    EXPECT_TRUE(run_until([&] { return sessions.deliveries.size() == 1; }));
    return sessions.deliveries.at(0);
  }
  void answer(const FakeSessions::Delivered& delivery, CommandStatus status) {
    flow.delivered({{}, delivery.ticket, delivery.id, delivery.entry}, status);
  }
};

// A second final receipt before the client had answered the first used to be forwarded too.
TEST_P(Receipts, AFinalStateIsToldOnceHoweverOftenItComes) {
  const auto first = told_once();
  receipt("lab-1");
  receipt("lab-1");
  EXPECT_EQ(sessions.deliveries.size(), 1U) << "the client has not answered yet";
  answer(first, CommandStatus::ESME_ROK);
  receipt("lab-1");
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.probe().receipts_duplicate, 3U);
  EXPECT_EQ(flow.probe().receipts_forwarded, 1U);
}

TEST_P(Receipts, ARefusedFinalStateIsToldAgainWhenItComesAgain) {
  const auto first = told_once();
  receipt("lab-1");
  answer(first, CommandStatus::ESME_RX_T_APPN);
  receipt("lab-1");
  ASSERT_EQ(sessions.deliveries.size(), 2U);
  answer(sessions.deliveries[1], CommandStatus::ESME_ROK);
  receipt("lab-1");
  EXPECT_EQ(sessions.deliveries.size(), 2U);
}

TEST_P(Receipts, WithoutATakerTheNextOneIsOfferedAgain) {
  sessions.takes = false;
  flow.receiver_bound(receiver(4), "");
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] { return flow.probe().receipts_refused == 1; }));
  sessions.takes = true;
  receipt("lab-1");
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.probe().receipts_forwarded, 1U);
}

// A receipt that named another message is tried again when the message it names is there.
TEST_P(Receipts, ThatMatchedNothingAreKeptAndToldWhenTheyMatch) {
  flow.receiver_bound(receiver(4), "");
  smpp::PduBuilder nameless(CommandId::deliver_sm, smpp::Version::v34);
  nameless.set(Field::source_addr, "258841234567").set(Field::destination_addr, "SHOP").set(Field::esm_class, 4);
  nameless.set(Field::short_message, "lab-1 delivered");
  from_lab(nameless);
  EXPECT_EQ(flow.probe().receipts_unmatched, 1U);
  constexpr std::string_view kNoPdu = "no PDU";
  flow.receipts().strays().keep({names.upstreams.find("lab"), {}, {kNoPdu.begin(), kNoPdu.end()}, 0});
  std::vector<std::uint8_t> late;
  smpp::PduBuilder about(CommandId::deliver_sm, smpp::Version::v34);
  about.set(Field::esm_class, 4).set(Field::short_message, "id:lab-1 stat:DELIVRD err:000");
  ASSERT_TRUE(about.encode(late, {}, 9));
  flow.receipts().strays().keep({names.upstreams.find("lab"), {}, late, 0});

  auto replay = flow.replay_strays({}, 0, 10);
  EXPECT_EQ(replay.tried, 3U);
  EXPECT_EQ(replay.matched, 0U);
  EXPECT_TRUE(replay.finished);
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] { return sessions.answers.size() == 1; }));
  sessions.takes = false;
  EXPECT_EQ(flow.replay_strays({}, 0, 10).away, 1U);
  sessions.takes = true;
  EXPECT_EQ(flow.replay_strays(names.upstreams.find("slow"), 0, 10).tried, 0U);
  replay = flow.replay_strays({}, 0, 2);
  EXPECT_EQ(replay.matched, 0U);
  EXPECT_FALSE(replay.finished);
  replay = flow.replay_strays({}, replay.next, 2);
  EXPECT_EQ(replay.matched, 1U);
  EXPECT_TRUE(replay.finished);
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_TRUE(sessions.deliveries[0].ticket.answered);
  EXPECT_EQ(flow.receipts().strays().stats().kept, 2U);
}

TEST_P(Receipts, TheSessionsOfAClientTakeTurns) {
  for (std::uint32_t session = 4; session < 7; ++session) flow.receiver_bound(receiver(session), "");
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] { return sessions.deliveries.size() == 1; }));
  answer(sessions.deliveries[0], CommandStatus::ESME_RX_T_APPN);
  std::vector<unsigned> told(7);
  for (unsigned i = 0; i < 6; ++i) {
    receipt("lab-1");
    ASSERT_EQ(sessions.deliveries.size(), i + 2U);
    ++told[sessions.deliveries.back().session.index];
    answer(sessions.deliveries.back(), CommandStatus::ESME_RX_T_APPN);
  }
  EXPECT_EQ(told, std::vector<unsigned>({0, 0, 0, 0, 2, 2, 2}));
  EXPECT_EQ(flow.probe().receipts_by_state[2], 7U);
  EXPECT_EQ(flow.probe().receipts, 7U);
}

TEST_P(Receipts, AStateThatIsNotTheLastIsNotToldToThoseWhoDidNotAskAndTheLastOneIsStill) {
  flow.receiver_bound(receiver(4), "");
  const auto first = told_once();
  answer(first, CommandStatus::ESME_RX_T_APPN);
  receipt("lab-1", "ENROUTE");
  EXPECT_EQ(flow.probe().receipts_unwanted, 1U);
  receipt("lab-1", "EXPIRED");
  EXPECT_EQ(sessions.deliveries.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Texts, Receipts, testing::Bool(),
                         [](const auto& text) { return text.param ? "AsItIs" : "InFull"; });

struct Alerts : FlowTest {
  void alert(std::string_view esme_addr) {
    smpp::PduBuilder builder(CommandId::alert_notification, smpp::Version::v34);
    builder.set(Field::source_addr, "258841234567").set(Field::esme_addr, esme_addr);
    builder.add_tlv_u8(smpp::TlvTag::ms_availability_status, 1);
    from_lab(builder);
  }
};

TEST_F(Alerts, GoWhereAMessageToTheirEsmeWouldGo) {
  flow.receiver_bound(receiver(4), "");
  flow.receiver_bound(receiver(6, "other"), "8");
  alert("1234");
  alert("8000");
  alert("7000");
  ASSERT_EQ(sessions.deliveries.size(), 2U);
  EXPECT_EQ(sessions.deliveries[0].session.index, 4U) << "mo_routes";
  EXPECT_EQ(sessions.deliveries[1].session.index, 6U) << "address_range";
  smpp::PduView view;
  ASSERT_TRUE(view.decode(sessions.deliveries[0].pdu));
  EXPECT_EQ(view.id(), CommandId::alert_notification);
  EXPECT_EQ(view.text(Field::source_addr), "258841234567");
  EXPECT_EQ(view.text(Field::esme_addr), "1234");
  EXPECT_EQ(view.tlv_u8(smpp::TlvTag::ms_availability_status), 1);
  EXPECT_TRUE(sessions.deliveries[0].ticket.answered) << "there is nothing to answer";
  EXPECT_EQ(flow.probe().alerts, 3U);
  EXPECT_EQ(flow.probe().alerts_forwarded, 2U);
  EXPECT_EQ(flow.probe().alerts_unclaimed, 1U);
  EXPECT_EQ(flow.probe().mo, 0U);
}

TEST_F(Alerts, AreNothingThatAVersion33SessionKnows) {
  flow.receiver_bound(receiver(4, "shop", 0, kSpeaks33), "");
  alert("1234");
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().alerts_unclaimed, 1U);
}

// Sessions of one client on shards 1 and 2; messages come in on shard 0.
struct ThreeShards : FlowTest {
  ThreeShards() : FlowTest(3) {
    nodes[1]->flow.receiver_bound(receiver(1, "shop", 1), "");
    nodes[2]->flow.receiver_bound(receiver(2, "shop", 2, kSpeaks33), "");
    turns(4);
  }
  std::uint64_t sum(std::uint64_t FlowProbe::* count) const {
    return std::accumulate(nodes.begin(), nodes.end(), std::uint64_t{0},
                           [&](auto so_far, const auto& node) { return so_far + node->flow.probe().*count; });
  }
};

TEST_F(ThreeShards, ADeliveryTriesTheClientsSessionsOfEveryShard) {
  nodes[1]->sessions.takes = false;
  for (int i = 0; i < 4; ++i) mo("1234");
  ASSERT_TRUE(run_until([&] { return nodes[2]->sessions.deliveries.size() == 4; }));
  smpp::PduView view;
  ASSERT_TRUE(view.decode(nodes[2]->sessions.deliveries[0].pdu));
  EXPECT_EQ(view.text(Field::destination_addr), "1234");
  EXPECT_EQ(sum(&FlowProbe::mo_forwarded), 4U) << "each counted where it was sent";
  EXPECT_EQ(nodes[2]->flow.probe().mo_forwarded, 4U);
  EXPECT_EQ(sum(&FlowProbe::mo_refused), 0U);
}

TEST_F(ThreeShards, ADeliveryNobodyTakesIsCountedAsLeftOnceAndNotAsForwarded) {
  nodes[1]->sessions.takes = nodes[2]->sessions.takes = false;
  mo("1234");
  ASSERT_TRUE(run_until([&] { return sum(&FlowProbe::mo_refused) == 1; }));
  turns(4);
  EXPECT_EQ(sum(&FlowProbe::mo_refused), 1U);
  EXPECT_EQ(sum(&FlowProbe::mo_forwarded), 0U);
}

TEST_F(ThreeShards, AReceiptForAClientOfAnotherShardIsToldOnce) {
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] { return sum(&FlowProbe::receipts_forwarded) == 1; }));
  FlowTest::Node& taker = nodes[1]->sessions.deliveries.empty() ? *nodes[2] : *nodes[1];
  ASSERT_EQ(taker.sessions.deliveries.size(), 1U);
  const auto delivery = taker.sessions.deliveries[0];
  for (const bool answered : {false, true}) {
    if (answered) taker.flow.delivered({{}, delivery.ticket, delivery.id, delivery.entry}, CommandStatus::ESME_ROK);
    turns(4);
    receipt("lab-1");
    turns(4);
  }
  EXPECT_EQ(sum(&FlowProbe::receipts_forwarded), 1U);
  EXPECT_EQ(sum(&FlowProbe::receipts_duplicate), 2U);
}

}  // namespace
}  // namespace smppd::flow
