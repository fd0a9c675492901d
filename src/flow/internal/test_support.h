// Flows between sessions that only note what they are told and mock upstreams, on one shard or several, all driven by
// the test's own thread. For tests of this module.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/loader.h"
#include "flow/flow.h"
#include "flow/segmenter.h"

namespace smppd::flow {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

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
    std::uint32_t entry;
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
    std::vector<std::uint8_t> pdu(d.size());
    d.write(pdu.data());
    deliveries.push_back({session, std::move(pdu), d.ticket, d.id, d.entry});
    return true;
  }
  CommandStatus status_for_loss(SlabHandle, message::Loss loss) noexcept override {
    return loss == message::Loss::kNoRoom ? CommandStatus::ESME_RTHROTTLED : CommandStatus::ESME_RSYSERR;
  }
  void resume(SlabHandle session) noexcept override { resumed.push_back(session.index); }
  void kick(KickOrder) noexcept override {}
  void call(message::ClientId client) noexcept override { called.push_back(client); }

  std::vector<Answered> answers;
  std::vector<Delivered> deliveries;
  std::vector<std::uint32_t> resumed;
  std::vector<message::ClientId> called;
  bool takes = true;
};

inline constexpr std::string_view kFlowConfig = R"(
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
  // `stores`: a partition for each shard, or none at all; they outlive this.
  explicit FlowTest(unsigned shard_count = 1, std::vector<store::Partition*> stores = {})
      : shards(shard_count), partitions(std::move(stores)) {
    const auto loaded = config::load_text(kFlowConfig, config::Format::kYaml, "test.yaml");
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
    snapshot->upstreams.resize(names.upstreams.size());
    snapshot->upstream_names.resize(names.upstreams.size());
    std::vector<upstream::UpstreamSet::Entry> entries;
    upstream::SharedLimits limits;
    for (const accounts::ClientEntry& client : snapshot->clients->all()) {
      snapshot->client_names.resize(std::max<std::size_t>(snapshot->client_names.size(), client.id.value() + 1U));
      snapshot->client_names[client.id.value()] = client.system_id;
    }
    for (const config::Upstream& upstream : config->upstreams) {
      const auto id = names.upstreams.find(upstream.name);
      UpstreamFacts& facts = snapshot->upstreams[id.value()];
      facts.options = &upstream;
      facts.side.max_short_message = static_cast<std::uint16_t>(upstream.message.max_length);
      facts.long_rules = long_rules(upstream, config->multipart);
      facts.passes_ids_through = upstream.message_id == "upstream";
      entries.push_back({id, &upstream, false});
      snapshot->upstream_names[id.value()] = upstream.name;
      const config::RateLimit& rate = upstream.rate_limit;
      if (rate.messages_per_second > 0) {
        limits[id] = std::make_shared<upstream::SharedLimit>(rate.messages_per_second, rate.burst);
      }
    }
    for (const auto& node : nodes) {
      node->flow.apply(snapshot, std::make_unique<FilterChain>(), entries, limits, shard.loop().now() + 1s);
    }
  }

  Sender sender(std::uint32_t session, std::string_view client = "shop") {
    Sender result;
    result.session = {session, 1};
    result.client = names.clients.find(client);
    result.entry = flow.snapshot().clients->find(client);
    result.listener = &flow.snapshot().config->listeners[0].smpp;
    return result;
  }
  Receiver receiver(std::uint32_t session, std::string_view client = "shop", std::uint8_t on_shard = 0,
                    const PeerSide& side = {}) {
    return {{session, 1}, on_shard, names.clients.find(client), side};
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
    from_lab(builder);
  }
  // The receipt of a message that the lab calls so.
  void receipt(std::string_view id) { report("id:" + std::string(id) + " stat:DELIVRD err:000"); }
  void report(std::string_view text) {
    smpp::PduBuilder builder(CommandId::deliver_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "258841234567").set(Field::destination_addr, "SHOP").set(Field::esm_class, 4);
    builder.set(Field::short_message, text);
    from_lab(builder);
  }
  void from_lab(const smpp::PduBuilder& builder) {
    std::vector<std::uint8_t> pdu;
    ASSERT_TRUE(builder.encode(pdu, {}, 3));
    upstream::Group* lab = flow.upstreams().find(names.upstreams.find("lab"));
    flow.on_request(*lab, {{}, 3, lab->id(), 0, false, smpp::read_header(pdu.data()).command_id}, pdu);
  }
  bool run_until(const std::function<bool()>& done) {
    const Instant end = shard.loop().now() + 5s;
    while (!done() && shard.loop().now() < end) turn();
    return done();
  }
  // Every shard goes round once, so that mail arrives.
  void turn() {
    for (unsigned i = 0; i < shards.count(); ++i) shards.shard(i).loop().run_once(shards.count() == 1 ? 2ms : 1ms);
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) turn();
  }
  ~FlowTest() override {
    for (const auto& node : nodes) {
      node->flow.upstreams().for_each([](upstream::Group& group) {
        for (std::uint16_t host = 0; host < group.host_count(); ++host) EXPECT_EQ(group.host(host).outstanding, 0U);
      });
    }
  }

  // One shard's.
  struct Node {
    Node(runtime::Shard& shard, runtime::Resolver& resolver, store::Partition* partition)
        : flow(shard, resolver, config::Receipts{}, 0, partition) {
      flow.set_sessions(sessions);
    }
    FakeSessions sessions;
    Flow flow;
  };
  std::vector<std::unique_ptr<Node>> make_nodes() {
    std::vector<std::unique_ptr<Node>> made;
    for (unsigned i = 0; i < shards.count(); ++i) {
      shards.shard(i).loop().set_turn_hook(&shards.shard(i));
      made.push_back(std::make_unique<Node>(shards.shard(i), resolver, partitions.empty() ? nullptr : partitions[i]));
    }
    return made;
  }

  runtime::ShardGroup shards;
  std::vector<store::Partition*> partitions;
  runtime::Shard& shard = shards.shard(0);
  runtime::Resolver resolver;
  message::Names names;
  accounts::ClientStates states;
  std::vector<std::unique_ptr<Node>> nodes = make_nodes();
  Flow& flow = nodes[0]->flow;
  FakeSessions& sessions = nodes[0]->sessions;
};

}  // namespace smppd::flow
