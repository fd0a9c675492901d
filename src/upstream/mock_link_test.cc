#include "upstream/mock_link.h"

#include <gtest/gtest.h>

#include "smpp/pdu_view.h"
#include "upstream/internal/test_support.h"

namespace smppd::upstream {
namespace {

using smpp::Field;

struct MockLinkTest : testing::GroupFixture {
  MockLinkTest() { options().mock.emplace(); }
  config::Mock& mock() { return *options().mock; }
  void send(message::OwnId id, std::uint8_t registered_delivery) {
    testing::Pdu pdu;
    smpp::PduBuilder builder(smpp::CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP")
        .set(Field::destination_addr, "258841234567")
        .set(Field::registered_delivery, registered_delivery);
    ASSERT_TRUE(builder.encode(pdu, {}, 1));
    const auto pick = group->pick({});
    ASSERT_EQ(pick.outcome, Group::Outcome::kSend);
    group->launched(pick.host, pick.shard);
    message::Flight flight;
    flight.id = id;
    flight.host = pick.host;
    flight.command_id = smpp::CommandId::submit_sm;
    flight.arrived = loop.now();
    ASSERT_TRUE(group->send(flight, pdu));
  }
};

TEST_F(MockLinkTest, AnswersAtOnceByDefault) {
  start();
  EXPECT_TRUE(group->alive());
  EXPECT_TRUE(group->mock());
  send(1, 0);
  ASSERT_EQ(events.responses.size(), 1U);
  smpp::PduView view;
  ASSERT_TRUE(view.decode(events.responses[0].pdu));
  EXPECT_EQ(view.id(), smpp::CommandId::submit_sm_resp);
  EXPECT_EQ(view.text(Field::message_id), "mock-1");
  EXPECT_EQ(group->probe().responses_ok, 1U);
}

TEST_F(MockLinkTest, AnswersAfterItsLatency) {
  mock().latency_min = mock().latency_max = config::Millis(40);
  start();
  const Instant sent = loop.now();
  send(1, 0);
  EXPECT_TRUE(events.responses.empty());
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
  EXPECT_GE(loop.now() - sent, 40ms);
}

TEST_F(MockLinkTest, SendsTheReceiptThatWasAskedForWithTheAddressesTurned) {
  mock().receipt_delay = config::Millis(20);
  start();
  send(1, 1);
  EXPECT_TRUE(events.requests.empty());
  ASSERT_TRUE(run_until([&] { return events.requests.size() == 1; }));
  EXPECT_TRUE(events.tickets[0].answered) << "there is no SMSC to answer";
  smpp::PduView view;
  ASSERT_TRUE(view.decode(events.requests[0]));
  EXPECT_EQ(view.text(Field::source_addr), "258841234567");
  EXPECT_EQ(view.text(Field::destination_addr), "SHOP");
  EXPECT_EQ(view.u8(Field::esm_class), 0x04);
  EXPECT_EQ(view.tlv_text(smpp::TlvTag::receipted_message_id), "mock-1");
  EXPECT_NE(as_text(view.octets(Field::short_message)).find("stat:DELIVRD"), std::string_view::npos);
}

TEST_F(MockLinkTest, SendsNoReceiptThatNobodyAskedFor) {
  mock().receipt_delay = config::Millis(1);
  start();
  send(1, 0);
  run_for(60ms);
  EXPECT_TRUE(events.requests.empty());
}

TEST_F(MockLinkTest, RefusesWithItsOutcomesStatus) {
  config::MockOutcome outcome;
  outcome.status = static_cast<std::uint32_t>(smpp::CommandStatus::ESME_RINVDSTADR);
  mock().outcomes = {outcome};
  start();
  send(1, 1);
  ASSERT_EQ(events.responses.size(), 1U);
  EXPECT_EQ(events.responses[0].status, smpp::CommandStatus::ESME_RINVDSTADR);
  EXPECT_EQ(events.responses[0].pdu.size(), smpp::kHeaderSize);
  EXPECT_EQ(group->probe().responses_failed, 1U);
}

}  // namespace
}  // namespace smppd::upstream
