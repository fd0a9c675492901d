#include "flow/flow.h"

#include <set>
#include <string>

#include <gmock/gmock.h>

#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

using testing::ElementsAre;

TEST_F(FlowTest, ASubmitGetsTheSmscsStatusAndOurId) {
  EXPECT_EQ(submit(sender(1), "258841234567", 5), Flow::Taken::kYes);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].session, (SlabHandle{1, 1}));
  EXPECT_EQ(sessions.answers[0].sequence, 5U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_NE(sessions.answers[0].id, 0U);
  (void)submit(sender(1), "15551234567", 6);
  ASSERT_EQ(sessions.answers.size(), 2U);
  EXPECT_EQ(sessions.answers[1].status, CommandStatus::ESME_RINVDSTADR) << "the SMSC's own answer";
}

TEST_F(FlowTest, IdsAreNeverTheSame) {
  std::set<message::OwnId> ids;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    (void)submit(sender(1), "258841234567", i + 1);
    ids.insert(sessions.answers.back().id);
  }
  EXPECT_EQ(ids.size(), 1000U);
}

TEST_F(FlowTest, AnUpstreamThatPassesItsIdsShowsThem) {
  (void)submit(sender(1), "55123");
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].id, 0U);
  EXPECT_EQ(sessions.answers[0].upstream_id, "their-1");
}

TEST_F(FlowTest, EachWayToFailHasItsStatusAndItsCount) {
  (void)submit(sender(1), "33123");
  (void)submit(sender(1), "49123");
  (void)submit(sender(1), "99123");
  std::vector<std::uint8_t> broken(smpp::kHeaderSize + 3, 'x');
  smpp::write_header(broken.data(), {19, CommandId::submit_sm, {}, 8});
  (void)flow.submit(sender(1), smpp::read_header(broken.data()), broken, false);
  ASSERT_EQ(sessions.answers.size(), 4U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_RINVDSTADR);
  EXPECT_EQ(sessions.answers[1].status, CommandStatus::ESME_RSYSERR);
  EXPECT_EQ(sessions.answers[2].status, CommandStatus::ESME_RINVSRCADR);
  EXPECT_NE(sessions.answers[3].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(sessions.answers[3].sequence, 8U);
  EXPECT_EQ(flow.probe().no_route, 1U);
  EXPECT_EQ(flow.probe().no_upstream, 1U);
  EXPECT_EQ(flow.probe().canned, 1U);
  EXPECT_EQ(flow.probe().malformed, 1U);
  EXPECT_EQ(flow.probe().submitted, 4U);
}

TEST_F(FlowTest, WhoWaitsForRoomIsResumedInTheOrderOfWaiting) {
  EXPECT_EQ(submit(sender(1), "27110000000"), Flow::Taken::kYes);
  EXPECT_EQ(submit(sender(2), "27110000000"), Flow::Taken::kWait);
  EXPECT_EQ(submit(sender(3), "27110000000"), Flow::Taken::kWait);
  EXPECT_EQ(sessions.answers.size(), 1U) << "one who waits has no answer yet";
  EXPECT_TRUE(sessions.resumed.empty());
  ASSERT_TRUE(run_until([&] { return sessions.resumed.size() == 2; }));
  EXPECT_THAT(sessions.resumed, ElementsAre(2U, 3U));
  EXPECT_EQ(submit(sender(2), "27110000000", 5, 0, true), Flow::Taken::kYes);
  EXPECT_EQ(sessions.answers.size(), 2U);
  EXPECT_EQ(flow.probe().submitted, 3U) << "a message that waited is counted once";
}

TEST_F(FlowTest, AReceiptCarriesOurIdToItsClient) {
  flow.receiver_bound(receiver(4), "");
  flow.receiver_bound(receiver(6, "other"), "258");
  (void)submit(sender(1), "258841234567", 5, 1);
  ASSERT_TRUE(run_until([&] { return sessions.deliveries.size() == 1; }));
  const auto& delivery = sessions.deliveries[0];
  EXPECT_EQ(delivery.session, (SlabHandle{4, 1}));
  EXPECT_EQ(delivery.id, sessions.answers[0].id);
  smpp::PduView view;
  ASSERT_TRUE(view.decode(delivery.pdu));
  const std::string id = hex(sessions.answers[0].id);
  EXPECT_THAT(std::string(as_text(view.octets(Field::short_message))), testing::StartsWith("id:" + id + " "));
  EXPECT_EQ(view.tlv_text(smpp::TlvTag::receipted_message_id), id);
  flow.delivered({{}, delivery.ticket, delivery.id, delivery.entry}, CommandStatus::ESME_ROK);
  EXPECT_EQ(flow.probe().receipts_forwarded, 1U);
}

TEST_F(FlowTest, AMessageThatAskedForNoReceiptGetsNone) {
  flow.receiver_bound(receiver(4), "");
  (void)submit(sender(1), "258841234567", 5, 0);
  (void)submit(sender(1), "258841234567", 6, 1);
  ASSERT_TRUE(run_until([&] { return sessions.deliveries.size() == 1; }));
  EXPECT_EQ(sessions.deliveries[0].id, sessions.answers[1].id);
}

TEST_F(FlowTest, AnMoGoesToItsRoutesClientOrToWhomTheRangeNames) {
  flow.receiver_bound(receiver(4), "");
  flow.receiver_bound(receiver(6, "other"), "8");
  mo("1234");
  mo("8000");
  ASSERT_EQ(sessions.deliveries.size(), 2U);
  EXPECT_EQ(sessions.deliveries[0].session.index, 4U);
  EXPECT_EQ(sessions.deliveries[1].session.index, 6U);
  EXPECT_EQ(flow.probe().mo_forwarded, 2U);
}

TEST_F(FlowTest, AnMoWithoutATakerIsRefusedSoThatTheSmscKeepsIt) {
  mo("1234");
  mo("7000");
  flow.receiver_bound(receiver(4), "");
  sessions.takes = false;
  mo("1234");
  sessions.takes = true;
  flow.receiver_gone(receiver(4));
  mo("1234");
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().mo_refused, 4U);
}

TEST_F(FlowTest, OnlyTheOwnerMayAskForAMessage) {
  (void)submit(sender(1), "258841234567", 5, 1);
  const std::string id = hex(sessions.answers[0].id);
  (void)query(sender(2), id);
  (void)query(sender(3, "other"), id);
  (void)query(sender(1), id, "SOMEONE");
  (void)query(sender(1), "0000000000000000");
  (void)query(sender(1), "");
  ASSERT_EQ(sessions.answers.size(), 6U);
  EXPECT_EQ(sessions.answers[1].status, CommandStatus::ESME_ROK) << "another session of the same client";
  EXPECT_FALSE(sessions.answers[1].response.empty()) << "the SMSC's answer";
  EXPECT_EQ(sessions.answers[2].status, CommandStatus::ESME_RINVMSGID);
  EXPECT_EQ(sessions.answers[3].status, CommandStatus::ESME_RINVMSGID);
  EXPECT_EQ(sessions.answers[4].status, CommandStatus::ESME_RINVMSGID);
  EXPECT_EQ(sessions.answers[5].status, CommandStatus::ESME_RQUERYFAIL);
}

struct SubmitMulti : FlowTest {
  SubmitMulti() { builder.set(Field::source_addr, "SHOP").set(Field::short_message, std::string_view("hello")); }
  void to(std::string_view address) { builder.add_destination({smpp::DestFlag::sme_address, 1, 1, address}); }
  smpp::PduBuilder builder{CommandId::submit_multi, smpp::Version::v34};
};

TEST_F(SubmitMulti, IsAnsweredOnceWithTheRefusedDestinations) {
  to("258841234567");
  to("15550000000");
  to("33000000000");
  builder.add_destination({smpp::DestFlag::distribution_list, 0, 0, "friends"});
  to("258841234568");
  EXPECT_EQ(send(sender(1), builder, 11), Flow::Taken::kYes);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(sessions.answers[0].sequence, 11U);
  EXPECT_NE(sessions.answers[0].id, 0U);
  smpp::PduView view;
  ASSERT_TRUE(view.decode(sessions.answers[0].response));
  std::vector<std::pair<std::string, CommandStatus>> refused;
  for (const auto& entry : view.unsuccess()) refused.emplace_back(entry.address, entry.error_status_code);
  EXPECT_THAT(refused, ElementsAre(std::pair(std::string("15550000000"), CommandStatus::ESME_RINVDSTADR),
                                   std::pair(std::string("33000000000"), CommandStatus::ESME_RINVDSTADR),
                                   std::pair(std::string("friends"), CommandStatus::ESME_RCNTSUBDL)));
}

TEST_F(SubmitMulti, ThatNobodyTookIsRefused) {
  to("33000000000");
  (void)send(sender(1), builder, 11);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_RINVDSTADR);
  EXPECT_EQ(sessions.answers[0].id, 0U);
}

TEST_F(SubmitMulti, WaitsWhenItsFirstDestinationMustAndNeverAfterOneIsOnItsWay) {
  (void)submit(sender(1), "27110000000");
  to("27110000001");
  EXPECT_EQ(send(sender(1), builder, 11), Flow::Taken::kWait);
  EXPECT_EQ(sessions.answers.size(), 1U);
  builder.clear_list();
  to("258841234567");
  to("27110000001");
  EXPECT_EQ(send(sender(2), builder, 12), Flow::Taken::kYes);
  ASSERT_EQ(sessions.answers.size(), 2U);
  smpp::PduView view;
  ASSERT_TRUE(view.decode(sessions.answers[1].response));
  ASSERT_EQ(view.unsuccess().size(), 1U);
  EXPECT_EQ(view.unsuccess().begin()->error_status_code, CommandStatus::ESME_RTHROTTLED);
}

}  // namespace
}  // namespace smppd::flow
