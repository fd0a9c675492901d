#include "downstream/session_table.h"

#include <array>
#include <functional>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/password_pool.h"
#include "config/loader.h"
#include "runtime/acceptor.h"
#include "smpp/framer.h"
#include "smpp/pdu_builder.h"

namespace smppd::downstream {
namespace {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::Header;

constexpr std::string_view kConfig = R"(
listeners:
  - name: public
    address: "127.0.0.1:2775"
    timeouts: {response: 100ms}
    smpp: {versions: [3.4], auto_negotiate: false, window_size: 2, deliver_window: 2, enquire_link_interval: 0s}
upstreams:
  - {name: quick, mock: {receipt_delay: 10ms}}
  - {name: slow, mock: {latency: {min: 60ms, max: 60ms, distribution: fixed}}}
routes:
  - {name: quick, match: {destination_addr: "258*"}, upstream: quick}
  - {name: slow, match: {destination_addr: "27*"}, upstream: slow}
clients:
  - {system_id: shop, password: secret, max_connections: 2}
  - {system_id: sender, password: secret, bind_types: [transmitter]}
)";

// A client's end: blocking writes, reads of what is there.
class Client {
 public:
  explicit Client(const sockaddr_storage& address, socklen_t size) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void write(ByteSpan bytes) { ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes)); }
  void write(CommandId id, std::uint32_t sequence, CommandStatus status = {}) {
    std::array<std::uint8_t, smpp::kHeaderSize> pdu;
    smpp::write_bare(pdu.data(), id, status, sequence);
    write(pdu);
  }
  void write(const smpp::PduBuilder& builder, std::uint32_t sequence) {
    std::vector<std::uint8_t> pdu;
    ASSERT_TRUE(builder.encode(pdu, {}, sequence));
    write(pdu);
  }
  void submit(std::string_view to, std::uint32_t sequence, std::uint8_t registered_delivery = 0) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP").set(Field::destination_addr, to);
    builder.set(Field::registered_delivery, registered_delivery);
    write(builder, sequence);
  }
  const std::vector<Header>& read() {
    std::array<std::uint8_t, 65'536> buffer;
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0) ended = true;
    if (got > 0) bytes_.insert(bytes_.end(), buffer.begin(), buffer.begin() + got);
    for (auto frame = smpp::next_frame(bytes_); frame.state == smpp::FrameState::pdu;
         frame = smpp::next_frame(bytes_)) {
      headers.push_back(smpp::read_header(frame.pdu.data()));
      bytes_.erase(bytes_.begin(), bytes_.begin() + std::ssize(frame.pdu));
    }
    return headers;
  }
  std::vector<Header> headers;
  bool ended = false;

 private:
  int fd_;
  std::vector<std::uint8_t> bytes_;
};

class SessionTableTest : public testing::Test {
 protected:
  SessionTableTest() {
    flow.set_sessions(table);
    const auto loaded = config::load_text(kConfig, config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    if (loaded.config != nullptr) publish(loaded.config);
  }
  ~SessionTableTest() override {
    table.close_all();
    EXPECT_TRUE(run_until([&] { return table.size() == 0; }));
    EXPECT_EQ(flow.receivers(), 0U);
    run_for(100ms);
    flow.upstreams().for_each([](upstream::Group& group) { EXPECT_EQ(group.host(0).outstanding, 0U); });
    EXPECT_EQ(shared->connections.count(), 0U);
  }

  void publish(const config::ConfigPtr& config) {
    routing::intern_names(*config, names);
    auto snapshot = std::make_shared<flow::Snapshot>();
    snapshot->config = config;
    snapshot->routes = *routing::RouteTable::compile(*config, names);
    snapshot->mo_routes = *routing::MoTable::compile(*config, names);
    snapshot->clients = *accounts::ClientRegistry::compile(*config, names, states);
    std::vector<upstream::UpstreamSet::Entry> entries;
    for (const config::Upstream& upstream : config->upstreams) {
      entries.push_back({names.upstreams.find(upstream.name), &upstream, false});
      snapshot->upstreams.emplace_back().options = &upstream;
      snapshot->upstream_names.push_back(upstream.name);
    }
    flow.apply(snapshot, std::make_unique<flow::FilterChain>(), entries, {}, shard.loop().now());
    shared->config = config;
    shared->options = &config->listeners[0];
    const auto fd = runtime::listen_on({*runtime::IpAddress::parse("127.0.0.1"), 0});
    ASSERT_TRUE(fd) << fd.error();
    EXPECT_EQ(::getsockname(*fd, reinterpret_cast<sockaddr*>(&address), &address_size), 0);
    table.apply({{shared, *fd}});
  }
  std::unique_ptr<Client> connect() { return std::make_unique<Client>(address, address_size); }
  bool run_until(const std::function<bool()>& done) {
    const Instant end = shard.loop().now() + 5s;
    while (!done() && shard.loop().now() < end) shard.loop().run_once(2ms);
    return done();
  }
  void run_for(Duration time) {
    const Instant end = shard.loop().now() + time;
    while (shard.loop().now() < end) shard.loop().run_once(2ms);
  }
  // The header of the response, or zeros.
  Header ask(Client& client, const smpp::PduBuilder& builder, std::uint32_t sequence) {
    client.write(builder, sequence);
    const std::size_t before = client.headers.size();
    (void)run_until([&] { return client.read().size() > before || client.ended; });
    return client.headers.size() > before ? client.headers.back() : Header{};
  }
  smpp::PduBuilder bind(CommandId command = CommandId::bind_transceiver, std::string_view system_id = "shop",
                        std::string_view password = "secret", std::uint8_t version = 0x34) {
    smpp::PduBuilder builder(command, smpp::Version::v34);
    builder.set(Field::system_id, system_id).set(Field::password, password).set(Field::interface_version, version);
    return builder;
  }
  std::unique_ptr<Client> bound() {
    auto client = connect();
    EXPECT_EQ(ask(*client, bind(), 1).command_status, CommandStatus::ESME_ROK);
    client->headers.clear();
    return client;
  }
  ListenerProbe& probe() {
    ListenerProbe* found = nullptr;
    table.for_each_listener([&](Listener& listener) { found = &listener.probe(); });
    return *found;
  }
  // One receipt on its way to `client`, which has not answered it: the deliver_sm's number.
  std::uint32_t receipt_for(Client& client) {
    client.submit("258841234567", 50, 1);
    EXPECT_TRUE(run_until([&] { return client.read().size() == 2; }));
    EXPECT_EQ(client.headers.back().command_id, CommandId::deliver_sm);
    return client.headers.back().sequence_number;
  }

  runtime::ShardGroup shards{1};
  runtime::Shard& shard = shards.shard(0);
  runtime::Resolver resolver;
  accounts::PasswordPool pool{accounts::PasswordPool::Options{}};
  accounts::PasswordVerifier verifier{pool};
  message::Names names;
  accounts::ClientStates states;
  std::shared_ptr<ListenerShared> shared = std::make_shared<ListenerShared>();
  sockaddr_storage address{};
  socklen_t address_size = sizeof address;
  flow::Flow flow{shard, resolver, config::Receipts{}, 0};
  SessionTable table{shard.loop(), resolver, flow, verifier, 0};
};

TEST_F(SessionTableTest, EachBadBindIsToldWhatIsWrongWithIt) {
  const auto refusal = [&](const smpp::PduBuilder& builder) { return ask(*connect(), builder, 7).command_status; };
  EXPECT_EQ(refusal(bind(CommandId::bind_transceiver, "nobody")), CommandStatus::ESME_RINVSYSID);
  EXPECT_EQ(refusal(bind(CommandId::bind_transceiver, "shop", "wrong")), CommandStatus::ESME_RINVPASWD);
  EXPECT_EQ(refusal(bind(CommandId::bind_transceiver, "shop", "secret", 0x50)), CommandStatus::ESME_RBINDFAIL);
  EXPECT_EQ(refusal(bind(CommandId::bind_receiver, "sender")), CommandStatus::ESME_RBINDFAIL);
  EXPECT_EQ(probe().binds_refused, 4U);
  EXPECT_EQ(probe().binds_ok, 0U);
}

TEST_F(SessionTableTest, AfterThreeBadBindsTheConnectionIsClosed) {
  const auto client = connect();
  for (std::uint32_t i = 1; i <= 3; ++i) (void)ask(*client, bind(CommandId::bind_transmitter, "shop", "wrong"), i);
  EXPECT_TRUE(run_until([&] {
    client->read();
    return client->ended;
  }));
}

TEST_F(SessionTableTest, OneSessionMoreThanTheClientMayHaveIsRefusedUntilOneGoes) {
  auto first = bound();
  const auto second = bound();
  EXPECT_EQ(ask(*connect(), bind(), 1).command_status, CommandStatus::ESME_RALYBND);
  first.reset();
  ASSERT_TRUE(run_until([&] { return flow.receivers() == 1; }));
  EXPECT_EQ(ask(*connect(), bind(), 1).command_status, CommandStatus::ESME_ROK);
}

TEST_F(SessionTableTest, MakingRoomClosesTheOldestAndNoMoreThanIsNeeded) {
  const auto first = bound();
  const auto second = bound();
  const auto gone = [&](Client& client) {
    run_for(20ms);
    client.read();
    return client.ended;
  };
  const auto shop = names.clients.find("shop");
  table.make_room(shop, 2);
  EXPECT_FALSE(gone(*first)) << "there is room";
  table.make_room(shop, 1);
  table.make_room(shop, 1);
  EXPECT_TRUE(gone(*first));
  EXPECT_FALSE(gone(*second)) << "two orders for one place close one session";
}

TEST_F(SessionTableTest, ARequestBeforeTheBindIsRefused) {
  const auto client = connect();
  client->submit("258841234567", 3);
  ASSERT_TRUE(run_until([&] { return client->read().size() == 1; }));
  EXPECT_EQ(client->headers[0],
            (Header{smpp::kHeaderSize, CommandId::submit_sm_resp, CommandStatus::ESME_RINVBNDSTS, 3}));
  EXPECT_EQ(flow.probe().submitted, 0U);
}

TEST_F(SessionTableTest, AFullWindowStopsReadingAndEveryRequestIsAnsweredInTheEnd) {
  const auto client = bound();
  for (std::uint32_t i = 1; i <= 6; ++i) client->submit("27110000000", i);
  ASSERT_TRUE(run_until([&] { return probe().window_waits > 0; }));
  EXPECT_EQ(flow.probe().submitted, 2U) << "the window's worth";
  ASSERT_TRUE(run_until([&] { return client->read().size() == 6; }));
  for (std::uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(client->headers[i].sequence_number, i + 1) << "in the order of sending";
    EXPECT_EQ(client->headers[i].command_status, CommandStatus::ESME_ROK);
  }
}

TEST_F(SessionTableTest, ADeliveryIsReportedOnceWhenItIsAnswered) {
  const auto client = bound();
  const std::uint32_t sequence = receipt_for(*client);
  client->write(CommandId::deliver_sm_resp, sequence);
  client->write(CommandId::deliver_sm_resp, sequence);
  ASSERT_TRUE(run_until([&] { return probe().unknown_responses == 1; })) << "the second answers nothing";
  run_for(150ms);
  EXPECT_EQ(probe().delivery_timeouts, 0U);
}

TEST_F(SessionTableTest, ADeliveryNobodyAnswersTimesOutAndTheLateAnswerIsCounted) {
  const auto client = bound();
  const std::uint32_t sequence = receipt_for(*client);
  ASSERT_TRUE(run_until([&] { return probe().delivery_timeouts == 1; }));
  client->write(CommandId::deliver_sm_resp, sequence);
  ASSERT_TRUE(run_until([&] { return probe().late_delivery_responses == 1; }));
}

TEST_F(SessionTableTest, AnswersToAClientThatLeftAreCountedAndLost) {
  auto client = bound();
  client->submit("27110000000", 5);
  ASSERT_TRUE(run_until([&] { return flow.probe().submitted == 1; }));
  client.reset();
  ASSERT_TRUE(run_until([&] { return table.size() == 0; }));
  ASSERT_TRUE(run_until([&] { return probe().answers_to_gone_sessions == 1; }));
}

// A session whose client said unbind used to stay among the receivers for ever.
TEST_F(SessionTableTest, AClientThatUnbindsGetsItsAnswersAndIsForgotten) {
  const auto client = bound();
  EXPECT_EQ(flow.receivers(), 1U);
  client->submit("27110000000", 5);
  client->write(CommandId::unbind, 6);
  ASSERT_TRUE(run_until([&] {
    client->read();
    return client->ended;
  }));
  ASSERT_EQ(client->headers.size(), 2U);
  EXPECT_EQ(client->headers[0].command_id, CommandId::unbind_resp);
  EXPECT_EQ(client->headers[1].sequence_number, 5U);
  EXPECT_EQ(flow.receivers(), 0U);
  EXPECT_TRUE(run_until([&] { return table.size() == 0; }));
}

TEST_F(SessionTableTest, DrainSaysUnbindToEveryone) {
  const auto client = bound();
  table.drain();
  ASSERT_TRUE(run_until([&] { return client->read().size() == 1; }));
  EXPECT_EQ(client->headers[0].command_id, CommandId::unbind);
  EXPECT_EQ(flow.receivers(), 0U);
  client->write(CommandId::unbind_resp, client->headers[0].sequence_number);
  EXPECT_TRUE(run_until([&] { return table.size() == 0; }));
}

}  // namespace
}  // namespace smppd::downstream
