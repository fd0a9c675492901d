// Long messages on the road, to mock upstreams on one shard and on three.
#include <numeric>
#include <string>

#include <gmock/gmock.h>

#include "flow/internal/test_support.h"
#include "smpp/text/udh.h"

namespace smppd::flow {
namespace {

using testing::HasSubstr;

constexpr std::string_view kConfig = R"(
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams:
  - {name: first, mock: {message_id: "first-${counter}", outcomes: [{weight: 1}]}}
  - {name: lab, mock: {message_id: "lab-${counter}", outcomes: [{weight: 1}]}}
  - {name: slow, mock: {message_id: "slow-${counter}"}, rate_limit: {messages_per_second: 50, burst: 1}}
  - {name: refusing, mock: {outcomes: [{weight: 1, status: ESME_RINVDSTADR}]}}
  - {name: through, mock: {message_id: "their-${counter}", outcomes: [{weight: 1}]}, message_id: upstream}
routes:
  - {name: lab, match: {destination_addr: "258*"}, upstream: lab}
  - {name: slow, match: {destination_addr: "27*"}, upstream: slow}
  - {name: refusing, match: {destination_addr: "1*"}, upstream: refusing}
  - {name: through, match: {destination_addr: "5*"}, upstream: through}
  - {name: first, match: {destination_addr: "33*"}, upstream: first}
  - {name: split, match: {destination_addr: "44*"}, split: {first: 50, lab: 50}}
clients: [{system_id: shop, password: secret}]
multipart: {segmentation: {enabled: true, max_parts: 4, receipts: )";

struct LongMessages : FlowTest {
  explicit LongMessages(unsigned shard_count = 1, std::string_view receipts = "all_parts") : FlowTest(shard_count) {
    const auto text = std::string(kConfig) + std::string(receipts) + "}}\n";
    const auto loaded = config::load_text(text, config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    if (loaded.config != nullptr) publish(loaded.config);
    flow.receiver_bound(receiver(4), "");
    turns(4);
  }
  Flow::Taken submit_text(std::string_view to, std::size_t octets, std::uint8_t registered_delivery = 0) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, to);
    builder.set(Field::registered_delivery, registered_delivery);
    builder.add_tlv(smpp::TlvTag::message_payload, as_bytes(std::string(octets, 'a')));
    return send(sender(1), builder, 5);
  }
  upstream::Group& group(std::string_view name) { return *flow.upstreams().find(names.upstreams.find(name)); }
  // The receipt of the part that this upstream calls so.
  void receipt_of(std::string_view upstream, const std::string& id, const std::string& stat = "DELIVRD",
                  const std::string& err = "000") {
    smpp::PduBuilder builder(CommandId::deliver_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "258841234567").set(Field::destination_addr, "SHOP").set(Field::esm_class, 4);
    builder.set(Field::short_message, "id:" + id + " stat:" + stat + " err:" + err);
    std::vector<std::uint8_t> pdu;
    ASSERT_TRUE(builder.encode(pdu, {}, 3));
    flow.on_request(group(upstream), {{}, 3, group(upstream).id(), 0, true, CommandId::deliver_sm}, pdu);
    turns(3);
  }
  std::string told(std::size_t index) {
    smpp::PduView view;
    EXPECT_TRUE(view.decode(sessions.deliveries.at(index).pdu));
    return std::string(as_text(view.octets(Field::short_message)));
  }
  void take(std::size_t index) {
    const auto& delivery = sessions.deliveries.at(index);
    flow.delivered({{}, delivery.ticket, delivery.id, delivery.entry}, CommandStatus::ESME_ROK);
    turns(3);
  }
  void ask(const smpp::PduBuilder& request) {
    smpp::PduBuilder copy = request;
    (void)send(sender(1), copy, 9);
    turns(4);
  }
};

TEST_F(LongMessages, GoInPartsAndAreAnsweredOnce) {
  EXPECT_EQ(submit_text("258841234567", 400), Flow::Taken::kYes);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].session, (SlabHandle{1, 1}));
  EXPECT_EQ(sessions.answers[0].sequence, 5U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_NE(sessions.answers[0].id, 0U);
  EXPECT_EQ(group("lab").probe().requests, 3U);
  EXPECT_EQ(flow.probe().long_messages, 1U);
  EXPECT_EQ(flow.probe().long_parts, 3U);
  FlowProbe counted = flow.probe();
  EXPECT_EQ(counted.of(group("lab").id(), sender(1).client).accepted, 1U) << "one message";
  (void)submit_text("258841234567", 160);
  EXPECT_EQ(group("lab").probe().requests, 4U);
  EXPECT_EQ(flow.probe().long_messages, 1U) << "160 fit one";
}

TEST_F(LongMessages, OfMorePartsThanAllowedAreRefused) {
  (void)submit_text("258841234567", 153 * 4 + 1);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_RINVMSGLEN);
  EXPECT_EQ(flow.probe().long_refused, 1U);
  EXPECT_EQ(group("lab").probe().requests, 0U);
}

TEST_F(LongMessages, AreRefusedWithTheFirstPart) {
  (void)submit_text("15551234567", 400);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_RINVDSTADR);
  EXPECT_EQ(group("refusing").probe().requests, 1U);
  EXPECT_EQ(flow.probe().long_partial, 0U) << "the SMSC has none of it";
}

TEST_F(LongMessages, WaitForRoomBetweenTheirPartsAndThenGoOn) {
  EXPECT_EQ(submit_text("27110000000", 400), Flow::Taken::kYes);
  EXPECT_TRUE(sessions.answers.empty());
  EXPECT_EQ(submit_text("27110000000", 400), Flow::Taken::kWait) << "and nothing of it is on its way";
  ASSERT_TRUE(run_until([&] {
    turn();
    flow.tick();
    return sessions.answers.size() == 1;
  }));
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(group("slow").probe().requests, 3U);
}

TEST_F(LongMessages, OfASubmitMultiAreEachItsDestinations) {
  smpp::PduBuilder builder(CommandId::submit_multi, smpp::Version::v34);
  builder.set(Field::source_addr, "SHOP").add_tlv(smpp::TlvTag::message_payload, as_bytes(std::string(400, 'a')));
  builder.add_destination({smpp::DestFlag::sme_address, 1, 1, "258841234567"});
  builder.add_destination({smpp::DestFlag::sme_address, 1, 1, "15551234567"});
  (void)send(sender(1), builder, 11);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(group("lab").probe().requests, 3U);
  smpp::PduView view;
  ASSERT_TRUE(view.decode(sessions.answers[0].response));
  EXPECT_EQ(view.unsuccess().size(), 1U);
}

TEST_F(LongMessages, HaveOneReceiptWhenAllPartsAreDelivered) {
  (void)submit_text("258841234567", 400, 1);
  receipt_of("lab", "lab-2");
  receipt_of("lab", "lab-1");
  receipt_of("lab", "lab-1");
  EXPECT_TRUE(sessions.deliveries.empty());
  receipt_of("lab", "lab-3");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(sessions.deliveries[0].id, sessions.answers[0].id);
  EXPECT_THAT(told(0), HasSubstr("id:" + hex(sessions.answers[0].id)));
  EXPECT_THAT(told(0), HasSubstr("stat:DELIVRD"));
  take(0);
  receipt_of("lab", "lab-2");
  receipt_of("lab", "lab-3");
  EXPECT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(flow.probe().receipts_of_parts, 2U);
  EXPECT_EQ(flow.probe().receipts_duplicate, 3U);
}

TEST_F(LongMessages, AreAsBadAsTheirWorstPart) {
  (void)submit_text("258841234567", 400, 1);
  receipt_of("lab", "lab-1", "EXPIRED", "007");
  receipt_of("lab", "lab-2", "UNDELIV", "042");
  receipt_of("lab", "lab-3");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_THAT(told(0), HasSubstr("stat:UNDELIV err:042"));
  smpp::PduView view;
  ASSERT_TRUE(view.decode(sessions.deliveries[0].pdu));
  EXPECT_EQ(view.tlv_u8(smpp::TlvTag::message_state), 5);
}

TEST_F(LongMessages, ToldOfFailureOnlySayNothingWhenAllIsWell) {
  (void)submit_text("258841234567", 300, 2);
  receipt_of("lab", "lab-1");
  receipt_of("lab", "lab-2");
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(flow.probe().receipts_unwanted, 1U);
  (void)submit_text("258841234567", 300, 2);
  receipt_of("lab", "lab-3", "REJECTD");
  receipt_of("lab", "lab-4");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_THAT(told(0), HasSubstr("stat:REJECTD"));
}

TEST_F(LongMessages, ThatTheClientRefusesToHearOfAreToldAgain) {
  (void)submit_text("258841234567", 300, 1);
  sessions.takes = false;
  receipt_of("lab", "lab-2", "UNDELIV");
  receipt_of("lab", "lab-1");
  EXPECT_TRUE(sessions.deliveries.empty());
  sessions.takes = true;
  receipt_of("lab", "lab-1");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_THAT(told(0), HasSubstr("stat:UNDELIV"));
}

TEST_F(LongMessages, AreShownUnderTheFirstIdWhereIdsPassThrough) {
  (void)submit_text("55123", 300, 1);
  ASSERT_EQ(sessions.answers.size(), 1U);
  EXPECT_EQ(sessions.answers[0].upstream_id, "their-1");
  receipt_of("through", "their-1");
  receipt_of("through", "their-2");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_THAT(told(0), HasSubstr("id:their-1 "));
}

TEST_F(LongMessages, AreQueriedByTheirIdAndNeverHalfCancelled) {
  (void)submit_text("258841234567", 300, 1);
  const std::string id = hex(sessions.answers[0].id);
  (void)query(sender(1), id);
  smpp::PduBuilder cancel(CommandId::cancel_sm, smpp::Version::v34);
  ask(cancel.set(Field::message_id, id).set(Field::source_addr, "SHOP"));
  smpp::PduBuilder replace(CommandId::replace_sm, smpp::Version::v34);
  ask(replace.set(Field::message_id, id).set(Field::source_addr, "SHOP").set(Field::short_message, "x"));
  ASSERT_EQ(sessions.answers.size(), 4U);
  EXPECT_EQ(sessions.answers[1].status, CommandStatus::ESME_ROK);
  EXPECT_EQ(sessions.answers[2].status, CommandStatus::ESME_RCANCELFAIL);
  EXPECT_EQ(sessions.answers[3].status, CommandStatus::ESME_RREPLACEFAIL);
}

struct EachPart : LongMessages {
  EachPart() : LongMessages(1, "each") {}
};

TEST_F(EachPart, HasItsReceiptUnderTheOneId) {
  (void)submit_text("258841234567", 300, 1);
  receipt_of("lab", "lab-2");
  take(0);
  receipt_of("lab", "lab-1", "UNDELIV");
  take(1);
  ASSERT_EQ(sessions.deliveries.size(), 2U);
  for (const auto& delivery : sessions.deliveries) EXPECT_EQ(delivery.id, sessions.answers[0].id);
  EXPECT_THAT(told(1), HasSubstr("stat:UNDELIV"));
}

TEST_F(EachPart, IsShownUnderTheIdTheClientKnowsWhereIdsPassThrough) {
  (void)submit_text("55123", 300, 1);
  receipt_of("through", "their-2");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_THAT(told(0), HasSubstr("id:their-1 "));
}

struct LastPart : LongMessages {
  LastPart() : LongMessages(1, "last") {}
};

TEST_F(LastPart, SpeaksForTheMessage) {
  (void)submit_text("258841234567", 300, 1);
  receipt_of("lab", "lab-1");
  EXPECT_TRUE(sessions.deliveries.empty());
  receipt_of("lab", "lab-2");
  ASSERT_EQ(sessions.deliveries.size(), 1U);
  EXPECT_EQ(sessions.deliveries[0].id, sessions.answers[0].id);
  (void)submit_text("55123", 300, 1);
  EXPECT_EQ(sessions.answers[1].upstream_id, "their-2") << "which its receipt will name";
}

// The home of `first` is shard 2, messages come in on shard 0.
struct LongOnThreeShards : LongMessages {
  LongOnThreeShards() : LongMessages(3) {}
};

TEST_F(LongOnThreeShards, TheHomeShardGathersTheReceipts) {
  (void)submit_text("33123", 400, 1);
  ASSERT_TRUE(run_until([&] { return sessions.answers.size() == 1; }));
  turns(4);
  receipt_of("first", "first-7");
  receipt_of("first", "first-1", "UNDELIV");
  EXPECT_TRUE(sessions.deliveries.empty());
  receipt_of("first", "first-4");
  ASSERT_TRUE(run_until([&] { return sessions.deliveries.size() == 1; }));
  EXPECT_EQ(sessions.deliveries[0].id, sessions.answers[0].id);
  EXPECT_THAT(told(0), HasSubstr("stat:UNDELIV"));
  EXPECT_EQ(nodes[2]->flow.probe().receipts_of_parts, 2U);
}

struct ClientsParts : LongMessages {
  void submit_part(std::uint16_t reference, std::uint8_t part, std::string_view to = "447700900123") {
    smpp::UdhBuilder header;
    header.add(smpp::Concat{reference, 8, part, false});
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, to).set(Field::esm_class, 0x40);
    builder.set(Field::short_message, std::string(as_text(header.bytes())) + "part");
    EXPECT_EQ(send(sender(1), builder, part), Flow::Taken::kYes);
  }
};

TEST_F(ClientsParts, StayTogetherHoweverTheRouteSplits) {
  std::uint64_t both = 0;
  for (std::uint16_t reference = 0; reference < 32; ++reference) {
    const std::uint64_t before = group("first").probe().requests;
    for (std::uint8_t part = 1; part <= 8; ++part) submit_part(reference, part);
    const std::uint64_t here = group("first").probe().requests - before;
    EXPECT_TRUE(here == 0 || here == 8) << here;
    both |= here == 0 ? 1U : 2U;
  }
  EXPECT_EQ(both, 3U) << "messages are split all the same";
  EXPECT_EQ(flow.probe().long_messages, 0U);
  EXPECT_EQ(sessions.answers.size(), 256U) << "each part has its own answer";
}

}  // namespace
}  // namespace smppd::flow
