#include "runtime/connection.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/acceptor.h"
#include "runtime/resolver.h"
#include "runtime/testing/crowd.h"

namespace smppd::runtime {
namespace {

// A connection and everything it was told.
struct Recorder final : ConnectionHandler {
  explicit Recorder(EventLoop& loop) : connection(loop, *this) {}
  void on_connected() noexcept override { connected = true; }
  std::size_t on_bytes(ByteSpan bytes) noexcept override {
    shown = std::string(as_text(bytes));
    const std::size_t taken = take ? take(bytes) : bytes.size();
    received.append(shown, 0, taken);
    return taken;
  }
  void on_drained() noexcept override { drained = true; }
  void on_closed(CloseReason why, int error) noexcept override {
    closed = true;
    reason = why;
    close_error = error;
  }
  Connection connection;
  std::function<std::size_t(ByteSpan)> take;
  std::string received, shown;
  bool connected = false, drained = false, closed = false;
  CloseReason reason{};
  int close_error = 0;
};

struct ConnectionTest : ::testing::Test {
  ConnectionTest() : recorder(loop) {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    peer = pair[1];
    recorder.connection.adopt(pair[0]);
  }
  ~ConnectionTest() override {
    if (peer >= 0) ::close(peer);
  }
  void send(std::string_view text) { ASSERT_EQ(::write(peer, text.data(), text.size()), std::ssize(text)); }
  std::string receive() {
    std::string text(1 << 20, '\0');
    const auto got = ::read(peer, text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  void turn(int times = 1) {
    for (int i = 0; i < times; ++i) loop.run_once(5ms);
  }
  EventLoop loop;
  Recorder recorder;
  int peer = -1;
};

TEST_F(ConnectionTest, ShowsUnconsumedBytesAgainWithWhatFollows) {
  recorder.take = [](ByteSpan bytes) { return bytes.size() < 6 ? 0 : bytes.size(); };
  send("abc");
  turn();
  EXPECT_EQ(recorder.received, "");
  send("def");
  turn();
  EXPECT_EQ(recorder.shown, "abcdef");
  EXPECT_EQ(recorder.received, "abcdef");
  EXPECT_EQ(recorder.connection.input_bytes(), 0U);
}

TEST_F(ConnectionTest, WritesEverythingOfATurnInOrder) {
  recorder.connection.write(as_bytes("one "));
  recorder.connection.write(as_bytes("two"));
  EXPECT_EQ(receive(), "");
  turn();
  EXPECT_EQ(receive(), "one two");
}

TEST_F(ConnectionTest, PausedConnectionShowsNothingUntilItResumes) {
  recorder.connection.pause_reading();
  send("hello");
  turn(3);
  EXPECT_EQ(recorder.received, "");
  recorder.connection.resume_reading();
  turn();
  EXPECT_EQ(recorder.received, "hello");
}

TEST_F(ConnectionTest, BytesLeftByAPauseAreShownAgainWithoutNewInput) {
  recorder.take = [this](ByteSpan) {
    recorder.connection.pause_reading();
    return std::size_t{1};
  };
  send("abc");
  turn();
  EXPECT_EQ(recorder.received, "a");
  turn(3);
  EXPECT_EQ(recorder.received, "a");
  recorder.connection.resume_reading();
  turn();
  EXPECT_EQ(recorder.received, "ab");
  recorder.take = nullptr;
  recorder.connection.resume_reading();
  turn();
  EXPECT_EQ(recorder.received, "abc");
}

// One that always has more to read takes a bounded share of each turn, and the others are read in the same turn.
TEST_F(ConnectionTest, AConnectionThatAlwaysHasMoreToReadKeepsNobodyWaiting) {
  constexpr std::size_t kShare = std::size_t{2} * 64 * 1024;
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  Recorder modest(loop);
  modest.connection.adopt(pair[0]);
  const std::string much(256 * 1024, 'x');
  const std::string some(2000, 'y');  // not so little that the loop is heedful of it
  std::size_t most = 0, before = 0;
  for (std::size_t i = 1; i <= 50; ++i) {
    while (::write(peer, much.data(), much.size()) > 0) {
    }
    ASSERT_EQ(::write(pair[1], some.data(), some.size()), std::ssize(some));
    turn();
    EXPECT_EQ(modest.received.size(), i * some.size());
    most = std::max(most, recorder.received.size() - before);
    before = recorder.received.size();
  }
  EXPECT_GT(most, kShare / 4) << "it had more than its share to read";
  EXPECT_LE(most, kShare);
  ::close(pair[1]);
}

struct CrowdTest : ::testing::Test {
  CrowdTest() {
    link.connection.share();
    crowd.taken();
  }
  void everyone_in_line_writes_to(testing::End& end, std::string_view text) {
    for (const auto& member : crowd.members) {
      member->heard = [&end, text] { end.connection.write(as_bytes(text)); };
    }
  }
  // To where the line begins anew and nothing is gathered.
  void end_round() {
    for (int i = 0; i < 20 && link.receive().empty(); ++i) crowd.turn_without_modest();
    crowd.taken();
  }
  EventLoop loop;
  testing::Crowd crowd{loop, 4};
  testing::End& modest = crowd.modest;
  testing::End link{loop};
};

TEST_F(CrowdTest, WhoeverBringsLittleWaitsForOnePieceATurn) {
  for (int i = 0; i < 40; ++i) {
    modest.taken = 0;
    crowd.turn();
    EXPECT_EQ(modest.taken, 1U);
    EXPECT_EQ(crowd.taken(), EventLoop::kPiece);
  }
}

TEST_F(CrowdTest, EveryoneInLineGetsAPieceInItsTurn) {
  for (int i = 0; i < 12; ++i) crowd.turn();
  for (const auto& member : crowd.members) EXPECT_EQ(member->taken, 3 * EventLoop::kPiece);
}

// One that has sent less than a piece in between is still one that brings much; it would be read with no poll in
// between.
TEST_F(CrowdTest, ASmallerReadInBetweenKeepsOnesPlaceInLine) {
  for (int i = 0; i < 4; ++i) crowd.turn();
  crowd.taken();
  for (const auto& member : crowd.members) member->drain(loop);
  crowd.taken();
  for (const auto& member : crowd.members) member->send(std::string(3000, 'x'));
  loop.run_once(5ms);
  loop.run_once(5ms);
  EXPECT_EQ(crowd.taken(), 2U * 3000);
}

TEST_F(CrowdTest, TheLineGetsNoLessThanAllOthersTakeInATurn) {
  constexpr std::size_t kOthers = 60;
  std::vector<std::unique_ptr<testing::End>> others;
  others.reserve(kOthers);
  for (std::size_t i = 0; i < kOthers; ++i) others.push_back(std::make_unique<testing::End>(loop));
  const std::string little(1000, 'y');
  for (int i = 0; i < 20; ++i) {
    crowd.taken();
    for (const auto& other : others) other->send(little);
    crowd.turn();
    EXPECT_GE(crowd.taken(), kOthers * little.size());
  }
}

TEST_F(CrowdTest, WhatAModestOneSendsOnLeavesBeforeThePieceIsRead) {
  modest.heard = [this] { link.connection.write(as_bytes("y")); };
  std::size_t pieces = 0;
  for (const auto& member : crowd.members) {
    member->heard = [&] {
      EXPECT_EQ(link.receive(), "y");
      ++pieces;
    };
  }
  for (int i = 0; i < 40; ++i) crowd.turn();
  EXPECT_EQ(pieces, 40U);
}

TEST_F(CrowdTest, WhatAModestOneSendsOnTakesAlongOnlyWhatWaitsThere) {
  testing::End other{loop};
  other.connection.share();
  everyone_in_line_writes_to(link, "x");
  end_round();
  crowd.members[0]->heard = [&, before = crowd.members[0]->heard] {
    before();
    other.connection.write(as_bytes("o"));
  };
  for (int i = 0; i < 4 && crowd.members[0]->taken == 0; ++i) crowd.turn_without_modest();
  ASSERT_EQ(link.receive() + other.receive(), "");
  modest.heard = [this] { link.connection.write(as_bytes("y")); };
  crowd.turn();
  EXPECT_THAT(link.receive(), ::testing::MatchesRegex("x+y"));
  EXPECT_EQ(other.receive(), "");
}

TEST_F(CrowdTest, AnAnswerToAModestOneLeavesBeforeThePieceIsRead) {
  link.heard = [this] { modest.connection.write(as_bytes("a")); };
  for (int i = 0; i < 4; ++i) {  // until the link is known for one that brings little
    link.send("a");
    crowd.turn();
  }
  std::size_t pieces = 0;
  for (const auto& member : crowd.members) {
    member->heard = [&] {
      EXPECT_NE(modest.receive(), "");
      ++pieces;
    };
  }
  for (int i = 0; i < 40; ++i) {
    link.send("a");
    crowd.turn_without_modest();
  }
  EXPECT_EQ(pieces, 40U);
}

TEST_F(CrowdTest, AnAnswerAmongTheManyOfALinkLeavesInItsTurn) {
  std::size_t answers = 0;
  link.heard = [&] {
    crowd.members[0]->connection.write(as_bytes("a"));
    modest.connection.write(as_bytes("a"));
    ++answers;
  };
  for (int i = 0; i < 40; ++i) {
    link.fill();
    const auto before = answers;
    crowd.turn();
    EXPECT_EQ(modest.receive(), std::string(answers - before, 'a'));
  }
  EXPECT_GT(answers, 15U);
}

TEST_F(CrowdTest, WhatTheLineSendsOnIsGatheredUntilAllHadTheirPiece) {
  everyone_in_line_writes_to(link, "x");
  end_round();
  for (int i = 0; i < 20; ++i) {  // four pieces, and one turn to write
    crowd.turn_without_modest();
    EXPECT_EQ(link.receive(), i % 5 == 4 ? "xxxx" : "") << "turn " << i;
  }
}

TEST_F(CrowdTest, WhatIsGatheredForOneIsWrittenWhenItIsEnough) {
  const std::string half(EventLoop::kGathered / 2, 'x');
  everyone_in_line_writes_to(link, half);
  end_round();
  for (int i = 0; i < 24; ++i) {
    crowd.turn_without_modest();
    EXPECT_EQ(link.receive().size(), i % 3 == 2 ? EventLoop::kGathered : 0) << "turn " << i;
  }
}

TEST_F(CrowdTest, WhatIsGatheredIsWrittenThoughNobodyComesAnymore) {
  everyone_in_line_writes_to(link, "x");
  end_round();
  std::size_t pieces = 0, written = 0;
  for (const auto& member : crowd.members) {
    member->heard = [&] {
      link.connection.write(as_bytes("x"));
      ++pieces;
    };
  }
  crowd.turn_without_modest();
  for (int i = 0; i < 200; ++i) {
    loop.run_once(Duration::zero());  // one that would sleep with something to write is left with it
    written += link.receive().size();
  }
  EXPECT_GT(pieces, 4U);
  EXPECT_EQ(written, pieces);
}

TEST_F(CrowdTest, WhatALinkBringsForOneThatBringsMuchLeavesThoughNobodyIsInLine) {
  for (const auto& member : crowd.members) member->drain(loop);
  std::size_t brought = 0, written = 0;
  link.heard = [&] {
    crowd.members[0]->connection.write(as_bytes("d"));
    ++brought;
  };
  for (int i = 0; i < 60; ++i) {
    link.fill();
    modest.send("y");
    loop.run_once(5ms);
    written += crowd.members[0]->receive().size();
  }
  EXPECT_TRUE(loop.heedful());
  EXPECT_GT(brought, 15U);
  EXPECT_GE(written + 2, brought);
}

TEST_F(CrowdTest, ALinkThatBringsMuchGetsAPieceBeforeEachOfTheLine) {
  link.fill();
  for (int i = 0; i < 4; ++i) crowd.turn();
  link.taken = 0;
  crowd.taken();
  for (int i = 0; i < 40; ++i) {
    link.fill();
    crowd.turn();
    EXPECT_LE(link.taken + crowd.taken(), EventLoop::kPiece);
    if (i % 2 == 0) continue;
    EXPECT_EQ(std::exchange(link.taken, 0), EventLoop::kSharedPiece);
  }
}

TEST_F(CrowdTest, NobodyStandsInLineForLongAfterTheLastThatBroughtLittle) {
  everyone_in_line_writes_to(link, "x");
  std::string written;
  for (int i = 0; i < 1100; ++i) {
    crowd.taken();
    crowd.turn_without_modest();
    written = link.receive();
  }
  EXPECT_GE(crowd.taken(), crowd.members.size() * EventLoop::kReadBuffer);
  EXPECT_GE(written.size(), crowd.members.size()) << "nothing is gathered";
}

TEST_F(CrowdTest, NobodyStandsInLineWhereAllBringLittle) {
  for (int i = 0; i < 1100; ++i) {
    modest.send("y");
    for (const auto& member : crowd.members) member->drain(loop);
  }
  EXPECT_FALSE(loop.heedful());
  for (int i = 0; i < 8; ++i) {
    modest.send("y");
    link.fill();
    link.taken = 0;
    loop.run_once(5ms);
  }
  EXPECT_GE(link.taken, EventLoop::kReadBuffer);
}

TEST_F(CrowdTest, OneLittleReadAmongLargeOnesMakesNobodyStandInLine) {
  for (int i = 0; i < 1100; ++i) crowd.turn_without_modest();
  const std::string some(4000, 'z');
  for (int i = 0; i < 20; ++i) {
    modest.send(i % 2 == 0 ? some : "y");
    crowd.turn_without_modest();
    EXPECT_FALSE(loop.heedful());
  }
}

TEST_F(CrowdTest, WhoeverIsClosedInLineIsForgotten) {
  modest.heard = [this] {
    for (const auto& member : crowd.members) member->connection.close();
    link.connection.write(as_bytes("y"));
    link.connection.close();
  };
  crowd.turn();
  EXPECT_EQ(crowd.taken(), 0U);
  modest.heard = nullptr;
  crowd.turn();
  EXPECT_EQ(crowd.taken(), 0U);
}

TEST_F(CrowdTest, WhoeverIsDestroyedWithGatheredOutputIsForgotten) {
  for (int turns = 1; turns <= 6; ++turns) {  // while gathered, while due, and in the turn in which it is written to
    auto gone = std::make_unique<testing::End>(loop);
    gone->connection.share();
    const std::string text(EventLoop::kGathered / 3, 'x');
    everyone_in_line_writes_to(*gone, text);
    for (int i = 0; i < turns; ++i) crowd.turn();
    crowd.members[0]->heard = crowd.members[1]->heard = crowd.members[2]->heard =
        crowd.members[3]->heard = [&gone, &text] {
          if (gone == nullptr) return;
          gone->connection.write(as_bytes(text));
          gone.reset();
        };
    for (int i = 0; i < 10; ++i) crowd.turn();
    EXPECT_EQ(gone, nullptr);
  }
}

TEST_F(ConnectionTest, LastBytesBeforeAnEndOfStreamAreShown) {
  send("bye");
  ::close(peer);
  peer = -1;
  turn(3);
  EXPECT_EQ(recorder.received, "bye");
  EXPECT_TRUE(recorder.closed);
  EXPECT_EQ(recorder.reason, CloseReason::kPeer);
}

TEST_F(ConnectionTest, ASlowReaderCongestsAndDrains) {
  const std::string chunk(64 * 1024, 'x');
  std::size_t sent = 0;
  while (!recorder.connection.congested()) {
    recorder.connection.write(as_bytes(chunk));
    sent += chunk.size();
  }
  std::size_t got = 0;
  for (int i = 0; i < 10'000 && got < sent; ++i) {
    turn();
    got += receive().size();
  }
  turn();
  EXPECT_EQ(got, sent);
  EXPECT_TRUE(recorder.drained);
  EXPECT_EQ(recorder.connection.output_bytes(), 0U);
}

// A link that was silent for longer than the write timeout was taken for one whose peer reads nothing, in the turn in
// which it wrote its enquire_link.
TEST_F(ConnectionTest, SilenceBeforeAWriteIsNoLackOfProgress) {
  const Instant before = recorder.connection.last_progress();
  turn(4);
  ASSERT_GT(loop.now(), before);
  recorder.connection.write(as_bytes("hello"));
  EXPECT_EQ(recorder.connection.last_progress(), loop.now());
}

TEST_F(ConnectionTest, CloseAfterFlushWritesFirst) {
  recorder.connection.write(as_bytes("goodbye"));
  recorder.connection.close_after_flush();
  turn(2);
  EXPECT_TRUE(recorder.closed);
  EXPECT_EQ(receive(), "goodbye");
}

// A link that had been closed after a flush closed its next socket too, as soon as the bind was written: after an
// unbind of the SMSC it never came back.
TEST_F(ConnectionTest, CloseAfterFlushIsForgottenWithTheSocket) {
  recorder.connection.write(as_bytes("goodbye"));
  recorder.connection.close_after_flush();
  turn(2);
  ASSERT_TRUE(recorder.closed);
  recorder.closed = false;
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  ::close(peer);
  peer = pair[1];
  recorder.connection.adopt(pair[0]);
  recorder.connection.write(as_bytes("hello again"));
  turn(2);
  EXPECT_FALSE(recorder.closed);
  EXPECT_EQ(receive(), "hello again");
}

TEST_F(ConnectionTest, AnEndlessUnframedStreamEndsTheConnectionInsteadOfFillingMemory) {
  recorder.take = [](ByteSpan) { return std::size_t{0}; };
  const std::string chunk(16 * 1024, 'x');
  for (int i = 0; i < 100 && !recorder.closed; ++i) {
    [[maybe_unused]] const auto written = ::send(peer, chunk.data(), chunk.size(), MSG_NOSIGNAL);
    turn();
  }
  EXPECT_TRUE(recorder.closed);
  EXPECT_EQ(recorder.close_error, EMSGSIZE);
}

struct Server final : AcceptHandler {
  explicit Server(EventLoop& l) : loop(l), acceptor(l, *this) {}
  void on_accept(int fd, const SocketAddress&) noexcept override {
    accepted.push_back(std::make_unique<Recorder>(loop));
    accepted.back()->connection.adopt(fd);
  }
  void on_accept_error(int error) noexcept override { last_error = error; }
  EventLoop& loop;
  Acceptor acceptor;
  std::vector<std::unique_ptr<Recorder>> accepted;
  int last_error = 0;
};

TEST(Acceptor, ConnectsBothEndsOverLoopback) {
  EventLoop loop;
  Server server(loop);
  auto fd = listen_on({*IpAddress::parse("127.0.0.1"), 0});
  ASSERT_TRUE(fd) << fd.error();
  const SocketAddress at = local_address(*fd);
  server.acceptor.start(*fd);
  Recorder client(loop);
  client.connection.connect(at);
  client.connection.write(as_bytes("early"));
  for (int i = 0; i < 50 && (server.accepted.empty() || server.accepted[0]->received != "early"); ++i)
    loop.run_once(5ms);
  ASSERT_EQ(server.accepted.size(), 1U);
  EXPECT_TRUE(client.connected);
  EXPECT_EQ(server.accepted[0]->received, "early");
}

TEST(Acceptor, NamesTheAddressOfAPortThatIsTaken) {
  EventLoop loop;
  const SocketAddress any{*IpAddress::parse("127.0.0.1"), 0};
  auto fd = listen_on(any);
  ASSERT_TRUE(fd);
  const auto taken = check_address_free(local_address(*fd));
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().find(local_address(*fd).to_string()), std::string::npos);
  ::close(*fd);
}

TEST(Connection, ARefusedConnectIsReportedAfterTheCall) {
  EventLoop loop;
  auto fd = listen_on({*IpAddress::parse("127.0.0.1"), 0});
  const SocketAddress at = local_address(*fd);
  ::close(*fd);
  Recorder client(loop);
  client.connection.connect(at);
  EXPECT_FALSE(client.closed);
  for (int i = 0; i < 50 && !client.closed; ++i) loop.run_once(5ms);
  EXPECT_TRUE(client.closed);
  EXPECT_EQ(client.reason, CloseReason::kConnectFailed);
  EXPECT_EQ(client.close_error, ECONNREFUSED);
}

TEST(Resolver, AnswersLiteralsAndLocalhostAndExplainsFailure) {
  EXPECT_EQ(Resolver::lookup("127.0.0.1", 2775)->front().to_string(), "127.0.0.1:2775");
  EXPECT_EQ(Resolver::lookup("::1", 2775)->front().to_string(), "[::1]:2775");
  EXPECT_TRUE(Resolver::lookup("localhost", 1)->front().ip.is_loopback());
  const auto failed = Resolver::lookup("no-such-host.invalid", 1);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().find("no-such-host.invalid"), std::string::npos);
}

}  // namespace
}  // namespace smppd::runtime
