#include "flow/flow.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loader.h"

namespace smppd::flow {
namespace {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using testing::ElementsAre;

// What the flow told the sessions; deliveries are taken as long as `takes` says so.
struct FakeSessions final : Sessions {
  struct Answered {
    SlabHandle session;
    std::uint32_t sequence;
    CommandStatus status;
    message::OwnId id;
    std::string upstream_id;
    std::vector<std::uint8_t> response;
  };
  struct Delivered {
    SlabHandle session;
    std::vector<std::uint8_t> pdu;
    message::DeliveryTicket ticket;
    message::OwnId id;
  };
  void answer(SlabHandle session, const Answer& a) noexcept override {
    answers.push_back({session,
                       a.sequence_number,
                       a.status,
                       a.id,
                       std::string(a.upstream_id),
                       {a.upstream_response.begin(), a.upstream_response.end()}});
  }
  bool deliver(SlabHandle session, const Delivery& d) noexcept override {
    if (!takes) return false;
    deliveries.push_back({session, {d.pdu.begin(), d.pdu.end()}, d.ticket, d.id});
    return true;
  }
  CommandStatus status_for_loss(SlabHandle, message::ClientId, bool) noexcept override {
    return CommandStatus::ESME_RSYSERR;
  }
  void resume(SlabHandle session) noexcept override { resumed.push_back(session.index); }
  bool kick_oldest(message::ClientId) noexcept override { return false; }
  void call(message::ClientId client) noexcept override { called.push_back(client); }

  std::vector<Answered> answers;
  std::vector<Delivered> deliveries;
  std::vector<std::uint32_t> resumed;
  std::vector<message::ClientId> called;
  bool takes = true;
};

constexpr std::string_view kConfig = R"(
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams:
  - name: lab
    mock: {message_id: "lab-${counter}", receipt_delay: 10ms}
  - name: slow
    mock: {message_id: "slow-${counter}"}
    rate_limit: {messages_per_second: 50, burst: 1}
  - name: refusing
    mock: {outcomes: [{weight: 1, status: ESME_RINVDSTADR}]}
  - name: through
    mock: {message_id: "their-${counter}"}
    message_id: upstream
  - name: dead
    hosts: [{address: "127.0.0.1:1"}]
    bind: {system_id: us, password: secret}
routes:
  - {name: lab, match: {destination_addr: "258*"}, upstream: lab}
  - {name: slow, match: {destination_addr: "27*"}, upstream: slow}
  - {name: refusing, match: {destination_addr: "1*"}, upstream: refusing}
  - {name: through, match: {destination_addr: "5*"}, upstream: through}
  - {name: dead, match: {destination_addr: "49*"}, upstream: dead}
  - {name: canned, match: {destination_addr: "99*"}, response: {status: ESME_RINVSRCADR}}
mo_routes:
  - {name: keyword, match: {destination_addr: "1234"}, client: shop}
clients:
  - {system_id: shop, password: secret}
  - {system_id: other, password: secret}
)";

class FlowTest : public testing::Test {
 protected:
  FlowTest() {
    flow.set_sessions(sessions);
    const auto loaded = config::load_text(kConfig, config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    if (loaded.config != nullptr) publish(loaded.config);
  }

  void publish(const config::ConfigPtr& config) {
    routing::intern_names(*config, names);
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->config = config;
    snapshot->routes = *routing::RouteTable::compile(*config, names);
    snapshot->mo_routes = *routing::MoTable::compile(*config, names);
    snapshot->clients = *accounts::ClientRegistry::compile(*config, names, states);
    snapshot->upstreams.resize(config->upstreams.size());
    std::vector<upstream::UpstreamSet::Entry> entries;
    upstream::SharedLimits limits;
    for (const config::Upstream& upstream : config->upstreams) {
      const auto id = names.upstreams.find(upstream.name);
      UpstreamFacts& facts = snapshot->upstreams[id.value()];
      facts.options = &upstream;
      facts.passes_ids_through = upstream.message_id == "upstream";
      entries.push_back({id, &upstream, false});
      snapshot->upstream_names.push_back(upstream.name);
      const config::RateLimit& rate = upstream.rate_limit;
      if (rate.messages_per_second > 0) {
        limits[id] = std::make_shared<upstream::SharedLimit>(rate.messages_per_second, rate.burst);
      }
    }
    flow.apply(snapshot, std::make_unique<FilterChain>(), entries, limits, shard.loop().now() + 1s);
  }

  Sender sender(std::uint32_t session, std::string_view client = "shop") {
    Sender result;
    result.session = {session, 1};
    result.client = names.clients.find(client);
    result.entry = flow.snapshot().clients->find(client);
    result.listener = &flow.snapshot().config->listeners[0].smpp;
    return result;
  }
  Receiver receiver(std::uint32_t session, std::string_view client = "shop") {
    return {{session, 1}, 0, names.clients.find(client), {}};
  }

  Flow::Taken send(const Sender& from, smpp::PduBuilder& builder, std::uint32_t sequence, bool again = false) {
    std::vector<std::uint8_t> pdu;
    EXPECT_TRUE(builder.encode(pdu, {}, sequence));
    return flow.submit(from, smpp::read_header(pdu.data()), pdu, again);
  }
  Flow::Taken submit(const Sender& from, std::string_view to, std::uint32_t sequence = 5,
                     std::uint8_t registered_delivery = 0, bool again = false) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP")
        .set(Field::destination_addr, to)
        .set(Field::registered_delivery, registered_delivery)
        .set(Field::short_message, std::string_view("hello"));
    return send(from, builder, sequence, again);
  }
  Flow::Taken query(const Sender& from, std::string_view id, std::string_view source = "SHOP") {
    smpp::PduBuilder builder(CommandId::query_sm, smpp::Version::v34);
    builder.set(Field::message_id, id).set(Field::source_addr, source);
    return send(from, builder, 9);
  }
  std::string hex(message::OwnId id) { return std::string(message::OwnIdText(id, message::IdFormat::kHex).view()); }
  // A deliver_sm of the lab, as one of its links would hand it over.
  void mo(std::string_view destination) {
    smpp::PduBuilder builder(CommandId::deliver_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "258841234567").set(Field::destination_addr, destination);
    builder.set(Field::short_message, std::string_view("STOP"));
    std::vector<std::uint8_t> pdu;
    ASSERT_TRUE(builder.encode(pdu, {}, 3));
    upstream::Group* lab = flow.upstreams().find(names.upstreams.find("lab"));
    flow.on_request(*lab, {{}, 3, lab->id(), 0, false, CommandId::deliver_sm}, pdu);
  }
  bool run_until(const std::function<bool()>& done) {
    const Instant end = shard.loop().now() + 5s;
    while (!done() && shard.loop().now() < end) shard.loop().run_once(2ms);
    return done();
  }
  ~FlowTest() override {
    flow.upstreams().for_each([](upstream::Group& group) {
      for (std::size_t host = 0; host < group.host_count(); ++host) EXPECT_EQ(group.host(host).outstanding, 0U);
    });
  }

  runtime::ShardGroup shards{1};
  runtime::Shard& shard = shards.shard(0);
  runtime::Resolver resolver;
  message::Names names;
  accounts::ClientStates states;
  FakeSessions sessions;
  Flow flow{shard, resolver, config::Receipts{}, 0};
};

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
  flow.delivered({{}, delivery.ticket, delivery.id}, CommandStatus::ESME_ROK);
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
