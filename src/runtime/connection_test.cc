#include "runtime/connection.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/acceptor.h"
#include "runtime/resolver.h"

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
  const std::string some(16'000, 'y');  // not so little that the loop is heedful of it
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
