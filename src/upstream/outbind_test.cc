// Calls of an SMSC: what a link does with a connection it did not make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upstream/internal/test_support.h"

namespace smppd::upstream {
namespace {

using smpp::CommandId;
using ::testing::ElementsAre;

// An SMSC that calls: its end is written to directly, the other end is handed to the group.
struct OutbindTest : testing::GroupFixture, runtime::AcceptHandler {
  OutbindTest() {
    options().outbind.emplace();
    options().outbind->system_id = "smsc";
    options().outbind->password = "door";
    options().outbind->max_connections = 2;
    options().timeouts.bind = config::Millis(100);
    const auto fd = runtime::listen_on({*runtime::IpAddress::parse("127.0.0.1"), 0});
    EXPECT_TRUE(fd) << fd.error();
    address = runtime::local_address(*fd);
    acceptor.start(*fd);
  }
  void on_accept(int fd, const runtime::SocketAddress& peer) noexcept override {
    taken.push_back(group->take_call(fd, peer));
    if (!taken.back()) ::close(fd);
  }
  void on_accept_error(int) noexcept override {}

  testing::Smsc::Peer& call() {
    smsc.peers.push_back(std::make_unique<testing::Smsc::Peer>(loop, smsc));
    smsc.peers.back()->connection.connect(address);
    const std::size_t before = taken.size();
    EXPECT_TRUE(run_until([&] { return taken.size() > before; }));
    return *smsc.peers.back();
  }
  testing::Smsc::Peer& call(std::string_view system_id, std::string_view password) {
    testing::Smsc::Peer& peer = call();
    testing::Pdu pdu;
    smpp::PduBuilder builder(CommandId::outbind, smpp::Version::v34);
    builder.set(smpp::Field::system_id, system_id).set(smpp::Field::password, password);
    EXPECT_TRUE(builder.encode(pdu, {}, 1));
    peer.connection.write(pdu);
    return peer;
  }
  LinkState state(std::size_t index = 0) { return link(0, index).state(); }

  testing::Smsc smsc{loop};
  runtime::Acceptor acceptor{loop, *this};
  runtime::SocketAddress address;
  std::vector<bool> taken;
};

TEST_F(OutbindTest, WaitsForTheCallAndBindsAsReceiverOnIt) {
  start();
  run_for(50ms);
  EXPECT_EQ(state(), LinkState::kIdle);
  call("smsc", "door");
  ASSERT_TRUE(run_until([&] { return state() == LinkState::kBound; }));
  EXPECT_THAT(smsc.kinds, ElementsAre(CommandId::bind_receiver));
  EXPECT_EQ(link().probe().outbinds, 1U);
  EXPECT_EQ(link().probe().connects, 0U);
  EXPECT_FALSE(group->alive()) << "a receiver takes no messages";
}

TEST_F(OutbindTest, ATransceiverTakesMessages) {
  options().outbind->type = "transceiver";
  start();
  call("smsc", "door");
  ASSERT_TRUE(run_until_bound());
  EXPECT_EQ(submit(1).outcome, Group::Outcome::kSend);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.answer();
  ASSERT_TRUE(run_until([&] { return events.responses.size() == 1; }));
}

TEST_F(OutbindTest, WhatIsInFlightWhenTheCallEndsIsLostAndThePlaceIsFree) {
  options().outbind->type = "transceiver";
  start();
  call("smsc", "door");
  ASSERT_TRUE(run_until_bound());
  submit(7);
  ASSERT_TRUE(run_until([&] { return smsc.requests.size() == 1; }));
  smsc.hang_up();
  ASSERT_TRUE(run_until([&] { return state() == LinkState::kIdle; }));
  EXPECT_THAT(events.losses, ElementsAre(testing::Recorder::Lost{7, message::Loss::kLinkLost}));
  call("smsc", "door");
  ASSERT_TRUE(run_until_bound());
}

TEST_F(OutbindTest, AWrongSystemIdOrPasswordGetsNoBind) {
  start();
  for (const auto& [system_id, password] :
       {std::pair("smsc", "d"), std::pair("smsc", ""), std::pair("smsc", "doordoor"), std::pair("sms", "door")}) {
    testing::Smsc::Peer& peer = call(system_id, password);
    EXPECT_TRUE(run_until([&] { return peer.closed; })) << password;
  }
  EXPECT_TRUE(smsc.binds.empty());
  EXPECT_EQ(group->probe().calls_refused, 4U);
  EXPECT_EQ(state(), LinkState::kIdle);
}

TEST_F(OutbindTest, ASilentCallerIsClosedAfterTheBindTimeout) {
  start();
  testing::Smsc::Peer& peer = call();
  EXPECT_EQ(state(), LinkState::kCalled);
  EXPECT_TRUE(run_until([&] { return peer.closed; }));
  EXPECT_EQ(group->probe().calls_refused, 1U);
}

TEST_F(OutbindTest, TakesNoMoreCallsThanItHasPlaces) {
  start();
  for (int i = 0; i < 3; ++i) call();
  EXPECT_THAT(taken, ElementsAre(true, true, false));
  EXPECT_EQ(group->probe().calls_refused, 1U);
}

TEST_F(OutbindTest, ADrainedGroupUnbindsAndTakesNoMoreCalls) {
  start();
  call("smsc", "door");
  ASSERT_TRUE(run_until([&] { return state() == LinkState::kBound; }));
  group->drain(loop.now() + 1s);
  ASSERT_TRUE(run_until([&] { return group->finished(); }));
  ASSERT_EQ(smsc.others.size(), 1U);
  EXPECT_EQ(smsc.others[0].command_id, CommandId::unbind);
  call("smsc", "door");
  EXPECT_FALSE(taken.back());
}

TEST_F(OutbindTest, OnlyTheShardOfTheUpstreamTakesCalls) {
  shards = 2;
  config->upstreams[0].outbind->max_connections = 1;
  environment = std::make_unique<GroupEnvironment>(GroupEnvironment{loop, resolver, events, links, 0, shards});
  group = std::make_unique<Group>(*environment, message::UpstreamId(1), config, options(), limit);
  group->start();
  EXPECT_TRUE(group->host(0).links.empty());
  call();
  EXPECT_FALSE(taken.back());
}

}  // namespace
}  // namespace smppd::upstream
