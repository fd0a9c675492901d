// For tests only: one group on a loop, an SMSC on the same loop, and an Events that keeps the books as the flow does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/acceptor.h"
#include "runtime/connection.h"
#include "smpp/framer.h"
#include "smpp/pdu_builder.h"
#include "upstream/group.h"

namespace smppd::upstream::testing {

using Pdu = std::vector<std::uint8_t>;

inline Pdu bare(smpp::CommandId id, std::uint32_t sequence, smpp::CommandStatus status = {}) {
  Pdu pdu(smpp::kHeaderSize);
  smpp::write_bare(pdu.data(), id, status, sequence);
  return pdu;
}

// Answers binds, enquire_link and unbind; keeps everything else for the test unless told to answer it too.
class Smsc final : public runtime::AcceptHandler {
 public:
  struct Peer final : runtime::ConnectionHandler {
    Peer(runtime::EventLoop& loop, Smsc& owner) : smsc(owner), connection(loop, *this) {}
    void on_connected() noexcept override {}
    void on_drained() noexcept override {}
    void on_closed(runtime::CloseReason, int) noexcept override { closed = true; }
    std::size_t on_bytes(ByteSpan bytes) noexcept override {
      std::size_t used = 0;
      for (auto frame = smpp::next_frame(bytes); frame.state == smpp::FrameState::pdu;
           frame = smpp::next_frame(bytes.subspan(used))) {
        used += frame.pdu.size();
        smsc.on_pdu(*this, smpp::read_header(frame.pdu.data()));
        if (!connection.open()) break;
      }
      return used;
    }
    void write(smpp::CommandId id, std::uint32_t sequence, smpp::CommandStatus status = {}) {
      connection.write(bare(id, sequence, status));
    }
    Smsc& smsc;
    runtime::Connection connection;
    bool closed = false;
  };
  struct Request {
    Peer* peer;
    smpp::Header header;
  };

  explicit Smsc(runtime::EventLoop& loop) : loop_(loop), acceptor_(loop, *this) {
    const auto fd = runtime::listen_on({*runtime::IpAddress::parse("127.0.0.1"), 0});
    EXPECT_TRUE(fd) << fd.error();
    port_ = runtime::local_address(*fd).port;
    acceptor_.start(*fd);
  }
  ~Smsc() { hang_up(); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void on_accept(int fd, const runtime::SocketAddress&) noexcept override {
    peers.push_back(std::make_unique<Peer>(loop_, *this));
    peers.back()->connection.adopt(fd);
  }
  void on_accept_error(int) noexcept override {}

  void hang_up() {
    for (auto& peer : peers) {
      if (peer->connection.open()) peer->connection.close();
    }
    requests.clear();
  }
  // Refuses new connections from now on.
  void stop_listening() { acceptor_.stop(); }
  // Answers the oldest kept request.
  void answer(smpp::CommandStatus status = {}) {
    ASSERT_FALSE(requests.empty());
    const Request request = requests.front();
    requests.erase(requests.begin());
    Pdu pdu(smpp::kHeaderSize + 3);
    pdu.resize(status == smpp::CommandStatus{}
                   ? smpp::write_response_with_id(pdu.data(), smpp::response_to(request.header.command_id), status,
                                                  request.header.sequence_number, "id")
                   : smpp::write_bare(pdu.data(), smpp::response_to(request.header.command_id), status,
                                      request.header.sequence_number));
    request.peer->connection.write(pdu);
  }

  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Request> requests;       // submits that wait for answer()
  std::vector<smpp::Header> others;    // unbinds, responses
  std::vector<Instant> binds;          // when
  std::vector<smpp::CommandId> kinds;  // of the binds
  int enquiries = 0;
  smpp::CommandStatus bind_status{};
  bool answer_enquire = true;
  bool answer_unbind = true;

 private:
  void on_pdu(Peer& peer, const smpp::Header& header) {
    using smpp::CommandId;
    const auto sequence = header.sequence_number;
    switch (header.command_id) {
      case CommandId::bind_transmitter:
      case CommandId::bind_receiver:
      case CommandId::bind_transceiver:
        binds.push_back(loop_.now());
        kinds.push_back(header.command_id);
        peer.write(smpp::response_to(header.command_id), sequence, bind_status);
        return;
      case CommandId::enquire_link:
        ++enquiries;
        if (answer_enquire) peer.write(CommandId::enquire_link_resp, sequence);
        return;
      case CommandId::submit_sm: requests.push_back({&peer, header}); return;
      case CommandId::unbind:
        others.push_back(header);
        if (answer_unbind) peer.write(CommandId::unbind_resp, sequence);
        return;
      default: others.push_back(header);
    }
  }

  runtime::EventLoop& loop_;
  runtime::Acceptor acceptor_;
  std::uint16_t port_ = 0;
};

struct Recorder final : Events {
  struct Response {
    message::OwnId id;
    smpp::CommandStatus status;
    bool late;
    Pdu pdu;
  };
  struct Lost {
    message::OwnId id;
    message::Loss loss;
    bool operator==(const Lost&) const = default;
  };
  void on_response(Group& group, const message::Flight& flight, ByteSpan pdu, Duration took,
                   bool late) noexcept override {
    const auto status = smpp::read_header(pdu.data()).command_status;
    responses.push_back({flight.id, status, late, {pdu.begin(), pdu.end()}});
    if (!late) group.settled({flight.host, flight.lane_shard, true, status, took});
  }
  void on_loss(Group& group, const message::Flight& flight, message::Loss loss) noexcept override {
    losses.push_back({flight.id, loss});
    group.settled({flight.host, flight.lane_shard, false, {}, {}});
  }
  void on_busy(Group&) noexcept override { ++busy; }
  void on_request(Group&, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept override {
    tickets.push_back(ticket);
    requests.emplace_back(pdu.begin(), pdu.end());
  }
  void on_room(Group&) noexcept override { ++rooms; }
  void on_lane(Group&, std::uint16_t, const Lane& lane) noexcept override { lanes.push_back(lane); }

  int busy = 0;
  std::vector<Response> responses;
  std::vector<Lost> losses;
  std::vector<message::DeliveryTicket> tickets;
  std::vector<Pdu> requests;
  std::vector<Lane> lanes;
  int rooms = 0;
};

// One group; its options may be changed until start().
class GroupFixture : public ::testing::Test {
 protected:
  GroupFixture() {
    config->upstreams.resize(1);
    options().name = "carrier";
    options().reconnect = {config::Millis(30), config::Millis(200), 2.0, 0.2};
    options().failover.recovery_time = config::Millis(100);
  }
  ~GroupFixture() override {
    if (group) {
      for (std::uint16_t host = 0; host < group->host_count(); ++host) EXPECT_EQ(group->host(host).outstanding, 0U);
    }
    group.reset();
    EXPECT_EQ(links.size(), 0U);
  }
  config::Upstream& options() { return config->upstreams[0]; }
  void add_host(const Smsc& smsc, int priority = 1) {
    config::Host host;
    host.address = {"127.0.0.1", smsc.port()};
    host.priority = priority;
    options().hosts.push_back(host);
  }
  void start() {
    environment = std::make_unique<GroupEnvironment>(GroupEnvironment{loop, resolver, events, links, 0, shards});
    group = std::make_unique<Group>(*environment, message::UpstreamId(0), config, options(), limit);
    group->start();
  }
  bool run_until(const std::function<bool()>& done, Duration patience = 10s) {
    const Instant end = loop.now() + patience;
    while (!done() && loop.now() < end) loop.run_once(5ms);
    return done();
  }
  void run_for(Duration time) {
    (void)run_until([] { return false; }, time);
  }
  bool run_until_bound(std::size_t host = 0) {
    return run_until([&] { return group->host(host).lane.links > 0; });
  }
  const Link& link(std::size_t host = 0, std::size_t index = 0) { return *group->host(host).links.at(index); }

  // What the flow does with one message; the outcome of the pick.
  Group::Pick submit(message::OwnId id) {
    const Group::Pick pick = group->pick({});
    if (pick.outcome != Group::Outcome::kSend) return pick;
    message::Flight flight;
    flight.id = id;
    flight.host = pick.host;
    flight.lane_shard = pick.shard;
    flight.command_id = smpp::CommandId::submit_sm;
    flight.arrived = loop.now();
    group->launched(pick.host, pick.shard);
    EXPECT_TRUE(group->send(flight, bare(smpp::CommandId::submit_sm, 1)));
    return pick;
  }

  runtime::EventLoop loop;
  runtime::Resolver resolver;
  Slab<Link> links;
  Recorder events;
  std::shared_ptr<config::Config> config = std::make_shared<config::Config>();
  std::shared_ptr<SharedLimit> limit;
  unsigned shards = 1;
  std::unique_ptr<GroupEnvironment> environment;
  std::unique_ptr<Group> group;
};

}  // namespace smppd::upstream::testing
