// TLS under a Connection: a handler sees the same as without, whatever the peer and the network do.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/acceptor.h"
#include "runtime/connection.h"
#include "runtime/internal/tls_test_support.h"

namespace smppd::runtime {
namespace {

using testing::certificates;
using testing::client_options;
using ::testing::HasSubstr;
using testing::make;
using testing::server_options;
using testing::TestCertificates;

// A connection and everything it was told.
struct Side final : ConnectionHandler {
  explicit Side(EventLoop& loop) : connection(loop, *this) {}
  void on_connected() noexcept override {
    ++connected;
    info = connection.tls_info();
    if (when_connected) when_connected();
  }
  std::size_t on_bytes(ByteSpan bytes) noexcept override {
    ++shown;
    const std::size_t taken = take ? take(bytes) : bytes.size();
    received.append(as_text(bytes.first(taken)));
    return taken;
  }
  void on_drained() noexcept override { drained = true; }
  void on_closed(CloseReason why, int) noexcept override {
    EXPECT_FALSE(closed);
    closed = true;
    reason = why;
    failure = connection.tls_failure();
  }
  void write(std::string_view text) { connection.write(as_bytes(text)); }

  Connection connection;
  std::function<std::size_t(ByteSpan)> take;
  std::function<void()> when_connected;
  std::string received;
  TlsInfo info;
  int connected = 0, shown = 0;
  bool drained = false, closed = false;
  CloseReason reason{};
  TlsFailure failure;
};

std::string lots(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23 + i / 1000 % 3);
  return text;
}

struct TlsTest : ::testing::Test {
  TlsTest() : server(loop), client(loop) {}
  ~TlsTest() override {
    for (const int fd : wire) {
      if (fd >= 0) ::close(fd);
    }
  }

  void begin(const TlsOptions& server_side, const TlsOptions& client_side) {
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    server.connection.adopt(pair[0], make(server_side).get());
    client.connection.adopt(pair[1], make(client_side).get());
  }
  // The test carries what the two say.
  void begin_with_a_wire() {
    begin_server();
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    client.connection.adopt(pair[0], make(client_options()).get());
    wire[1] = pair[1];
  }
  // What the server says is read from wire[0].
  void begin_server(const TlsOptions& options = server_options()) {
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    server.connection.adopt(pair[0], make(options).get());
    wire[0] = pair[1];
  }
  // Carries at most `most` octets in each direction; false when there was nothing.
  bool carry(std::size_t most) {
    bool any = false;
    std::string text(most, '\0');
    for (const int from : {0, 1}) {
      const auto got = ::read(wire[from], text.data(), most);
      if (got > 0) any = ::write(wire[1 - from], text.data(), static_cast<std::size_t>(got)) == got;
    }
    return any;
  }
  void turn_until(const std::function<bool()>& done) {
    for (int i = 0; i < 2'000 && !done(); ++i) loop.run_once(2ms);
    ASSERT_TRUE(done());
  }
  void hang_up() {
    ::close(wire[0]);
    wire[0] = -1;
  }
  [[nodiscard]] bool both_stand() const { return server.connected == 1 && client.connected == 1; }

  EventLoop loop;
  Side server;
  Side client;
  std::array<int, 2> wire{-1, -1};
};

TEST_F(TlsTest, BothSidesAreToldOnceWhenTheHandshakeIsOverAndBytesGoBothWays) {
  begin(server_options(), client_options());
  EXPECT_TRUE(server.connection.shaking_hands());
  client.write("early");  // waits for the handshake
  turn_until([&] { return both_stand() && server.received == "early"; });
  EXPECT_EQ(server.info.version, "TLSv1.3");
  EXPECT_EQ(server.info.cipher, client.info.cipher);
  server.write("answer");
  turn_until([&] { return client.received == "answer"; });
  EXPECT_FALSE(server.connection.shaking_hands());
  EXPECT_TRUE(server.connection.encrypted());
}

TEST_F(TlsTest, TheOlderVersionAndTheChosenCipherAreUsed) {
  TlsOptions options = server_options();
  options.max_version = TlsVersion::kTls12;
  options.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
  begin(options, client_options());
  turn_until([&] { return both_stand(); });
  EXPECT_EQ(server.info.version, "TLSv1.2");
  EXPECT_EQ(server.info.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsTest, WithoutACommonVersionBothEnd) {
  TlsOptions old = client_options();
  old.max_version = TlsVersion::kTls12;
  TlsOptions options = server_options();
  options.min_version = TlsVersion::kTls13;
  begin(options, old);
  turn_until([&] { return server.closed && client.closed; });
  EXPECT_EQ(server.reason, CloseReason::kTls);
  EXPECT_EQ(server.failure.fault, TlsFault::kProtocol);
  EXPECT_EQ(client.failure.fault, TlsFault::kRefused);
  EXPECT_EQ(server.connected + client.connected, 0);
}

TEST_F(TlsTest, SlicesOfOneOctetMakeAHandshakeAndCarryData) {
  begin_with_a_wire();
  client.write("0123456789");
  for (int i = 0; i < 20'000 && server.received.size() < 10; ++i) {
    carry(1);
    loop.run_once(0ms);
  }
  EXPECT_TRUE(both_stand());
  EXPECT_EQ(server.received, "0123456789");
  EXPECT_FALSE(server.closed || client.closed);
}

TEST_F(TlsTest, WhatTheHandlerLeavesIsShownAgainWithWhatFollows) {
  begin(server_options(), client_options());
  server.take = [](ByteSpan bytes) { return bytes.size() >= 8 ? std::size_t{8} : std::size_t{0}; };
  client.write("abcd");
  turn_until([&] { return server.shown == 1; });
  EXPECT_EQ(server.received, "");
  EXPECT_EQ(server.connection.input_bytes(), 4U);
  client.write("efgh");
  turn_until([&] { return server.received == "abcdefgh"; });
}

TEST_F(TlsTest, LargeOutputsBothWaysArriveWholeAndCongestAndDrain) {
  begin(server_options(), client_options());
  turn_until([&] { return both_stand(); });
  const std::string big = lots(3'000'000);
  client.connection.pause_reading();
  server.write(big);
  client.write(big);
  EXPECT_TRUE(server.connection.congested());
  turn_until([&] { return server.received.size() == big.size(); });
  EXPECT_TRUE(client.drained);
  EXPECT_TRUE(server.connection.congested());
  EXPECT_FALSE(server.drained);
  EXPECT_EQ(client.received, "");
  client.connection.resume_reading();
  turn_until([&] { return client.received.size() == big.size(); });
  EXPECT_TRUE(server.drained);
  EXPECT_EQ(server.received, big);
  EXPECT_EQ(client.received, big);
}

TEST_F(TlsTest, ManySmallWritesOfATurnLeaveInOneRecord) {
  begin_with_a_wire();
  for (int i = 0; i < 200 && !both_stand(); ++i) {
    carry(65'536);
    loop.run_once(0ms);
  }
  while (carry(65'536)) loop.run_once(0ms);  // session tickets
  for (int i = 0; i < 100; ++i) server.write("twenty octets of it.");
  loop.run_once(0ms);
  std::string seen(65'536, '\0');
  const auto got = ::read(wire[0], seen.data(), seen.size());
  ASSERT_GT(got, 2'000);
  const std::size_t record = static_cast<std::size_t>(std::uint8_t(seen[3])) << 8 | std::uint8_t(seen[4]);
  EXPECT_EQ(seen[0], 0x17);  // application data
  EXPECT_EQ(record + 5, static_cast<std::size_t>(got));
}

TEST_F(TlsTest, APausedReaderSeesWhatOpensslHeldBackWithoutNewInput) {
  begin(server_options(), client_options());
  turn_until([&] { return both_stand(); });
  server.take = [&](ByteSpan) {
    server.connection.pause_reading();
    return std::size_t{1};
  };
  client.write(lots(200'000));
  turn_until([&] { return server.shown == 1; });
  for (int i = 0; i < 20; ++i) loop.run_once(0ms);
  EXPECT_EQ(server.shown, 1);
  server.take = {};
  server.connection.resume_reading();
  turn_until([&] { return server.received.size() == 200'000; });
  EXPECT_EQ(server.received, lots(200'000));
}

TEST_F(TlsTest, OtherBytesThanTlsEndTheConnectionQuietly) {
  const std::vector<std::string> greetings = {std::string("\0\0\0\x2f\0\0\0\x09\0\0\0\0\0\0\0\1", 16),
                                              "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-scan\r\n",
                                              std::string(5'000, '\xFF')};
  for (const std::string& greeting : greetings) {
    SCOPED_TRACE(greeting.substr(0, 16));
    Side victim(loop);
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    victim.connection.adopt(pair[0], make(server_options()).get());
    ASSERT_EQ(::write(pair[1], greeting.data(), greeting.size()), std::ssize(greeting));
    turn_until([&] { return victim.closed; });
    EXPECT_EQ(victim.reason, CloseReason::kTls);
    EXPECT_EQ(victim.failure.fault, TlsFault::kNotTls) << victim.failure.text;
    EXPECT_EQ(victim.shown, 0);
    ::close(pair[1]);
  }
}

TEST_F(TlsTest, ARandomTailAfterAHelloNeverCrashesAndAlwaysEnds) {
  for (int seed = 0; seed < 200; ++seed) {
    Side victim(loop);
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    victim.connection.adopt(pair[0], make(server_options()).get());
    std::string bytes("\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03", 11);
    unsigned state = static_cast<unsigned>(seed) + 1;
    for (int i = 0; i < 300; ++i) bytes += static_cast<char>((state = state * 1'103'515'245 + 12'345) >> 16);
    ASSERT_EQ(::write(pair[1], bytes.data(), bytes.size()), std::ssize(bytes));
    ::close(pair[1]);
    turn_until([&] { return victim.closed; });
    EXPECT_EQ(victim.reason, CloseReason::kTls);
  }
}

TEST_F(TlsTest, APeerThatGoesInTheMiddleOfTheHandshakeIsNoticed) {
  begin_with_a_wire();
  loop.run_once(0ms);
  EXPECT_TRUE(carry(100));  // a part of the hello
  loop.run_once(0ms);
  EXPECT_FALSE(server.closed);
  hang_up();
  turn_until([&] { return server.closed; });
  EXPECT_EQ(server.reason, CloseReason::kTls);
  EXPECT_EQ(server.failure.fault, TlsFault::kClosed);
}

TEST_F(TlsTest, AStalledHandshakeHoldsUpNobodyAndIsClosedByItsOwner) {
  begin_with_a_wire();
  Side other_server(loop);
  Side other_client(loop);
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  other_server.connection.adopt(pair[0], make(server_options()).get());
  other_client.connection.adopt(pair[1], make(client_options()).get());
  turn_until([&] { return other_server.connected == 1 && other_client.connected == 1; });
  EXPECT_TRUE(server.connection.shaking_hands());
  server.connection.close();
  EXPECT_TRUE(server.closed);
  EXPECT_EQ(server.reason, CloseReason::kLocal);
}

TEST_F(TlsTest, AFloodOfHandshakesIsSpreadOverTurnsAndAllSucceed) {
  const auto server_context = make(server_options());
  const auto client_context = make(client_options());
  std::vector<std::unique_ptr<Side>> sides;
  for (int i = 0; i < 40; ++i) {
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    sides.push_back(std::make_unique<Side>(loop));
    sides.back()->connection.adopt(pair[0], server_context.get());
    sides.push_back(std::make_unique<Side>(loop));
    sides.back()->connection.adopt(pair[1], client_context.get());
  }
  int most = 0;
  int before = 0;
  turn_until([&] {
    int now = 0;
    for (const auto& side : sides) now += side->connected;
    most = std::max(most, now - before);
    before = now;
    return now == 80;
  });
  EXPECT_LE(most, 4);
}

TEST_F(TlsTest, ACloseIsSaidToThePeerAfterTheLastOutput) {
  begin(server_options(), client_options());
  turn_until([&] { return both_stand(); });
  server.write("goodbye");
  server.connection.close_after_flush();
  turn_until([&] { return client.closed && server.closed; });
  EXPECT_EQ(client.received, "goodbye");
  EXPECT_EQ(client.reason, CloseReason::kPeer);
  EXPECT_EQ(server.reason, CloseReason::kLocal);
}

TEST_F(TlsTest, AnEndWithoutCloseNotifyIsAnEndLikeAnyOther) {
  begin_with_a_wire();
  client.write("last words");
  for (int i = 0; i < 200 && server.received.empty(); ++i) {
    carry(65'536);
    loop.run_once(0ms);
  }
  while (carry(65'536)) loop.run_once(0ms);
  hang_up();
  turn_until([&] { return server.closed; });
  EXPECT_EQ(server.reason, CloseReason::kPeer);
  EXPECT_EQ(server.received, "last words");
}

TEST_F(TlsTest, AResetIsAResetLikeAnyOther) {
  begin_with_a_wire();
  for (int i = 0; i < 200 && !both_stand(); ++i) {
    carry(65'536);
    loop.run_once(0ms);
  }
  server.write("never read");
  loop.run_once(0ms);
  hang_up();
  turn_until([&] { return server.closed; });
  EXPECT_EQ(server.reason, CloseReason::kError);
}

TEST_F(TlsTest, ABrokenRecordEndsTheConnection) {
  begin_with_a_wire();
  for (int i = 0; i < 200 && !both_stand(); ++i) {
    carry(65'536);
    loop.run_once(0ms);
  }
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  ASSERT_EQ(::write(wire[0], forged.data(), forged.size()), std::ssize(forged));
  turn_until([&] { return server.closed; });
  EXPECT_EQ(server.reason, CloseReason::kTls);
  EXPECT_EQ(server.failure.fault, TlsFault::kProtocol);
  EXPECT_EQ(server.shown, 0);
}

TEST_F(TlsTest, AClosingHandlerInItsOwnCallbackIsSafe) {
  begin(server_options(), client_options());
  server.when_connected = [&] { server.connection.close(); };
  turn_until([&] { return server.closed && client.closed; });
  EXPECT_EQ(server.reason, CloseReason::kLocal);
}

TEST_F(TlsTest, AClientCertificateIsAskedForAndMustBeGood) {
  TlsOptions strict = server_options();
  strict.ca = certificates().cert("ca");
  strict.client_certificates = ClientCertificates::kRequire;
  TlsOptions shows = client_options();
  shows.cert = certificates().cert("client");
  shows.key = certificates().key("client");
  begin(strict, shows);
  turn_until([&] { return both_stand(); });
}

TEST_F(TlsTest, WithoutTheCertificateThatIsRequiredThereIsNoConnection) {
  TlsOptions strict = server_options();
  strict.ca = certificates().cert("ca");
  strict.client_certificates = ClientCertificates::kRequire;
  begin(strict, client_options());
  turn_until([&] { return server.closed && client.closed; });
  EXPECT_EQ(server.failure.fault, TlsFault::kCertificate);
  EXPECT_EQ(server.failure.text, "the peer sent no certificate");
  EXPECT_EQ(server.connected, 0);
}

TEST_F(TlsTest, ARequestedCertificateMayBeMissingButNotBad) {
  TlsOptions asks = server_options();
  asks.ca = certificates().cert("ca");
  asks.client_certificates = ClientCertificates::kRequest;
  begin(asks, client_options());
  turn_until([&] { return both_stand(); });

  Side second_server(loop);
  Side second_client(loop);
  TlsOptions bad = client_options();
  bad.cert = certificates().cert("old");
  bad.key = certificates().key("old");
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  second_server.connection.adopt(pair[0], make(asks).get());
  second_client.connection.adopt(pair[1], make(bad).get());
  turn_until([&] { return second_server.closed; });
  EXPECT_EQ(second_server.failure.fault, TlsFault::kCertificate);
  EXPECT_THAT(second_server.failure.text, HasSubstr("certificate has expired"));
}

// A client that connects over TCP to a listening server, as links do.
struct TlsConnectTest : TlsTest, AcceptHandler {
  TlsConnectTest() : acceptor(loop, *this) {}
  void on_accept(int fd, const SocketAddress&) noexcept override {
    if (context != nullptr) {
      server.connection.adopt(fd, context.get());
    } else {
      plain = fd;
    }
  }
  void on_accept_error(int) noexcept override { ADD_FAILURE(); }
  void connect(const TlsOptions* server_side, const TlsOptions& client_side, std::string_view host) {
    if (server_side != nullptr) context = make(*server_side);
    const auto fd = listen_on({*IpAddress::parse("127.0.0.1"), 0});
    ASSERT_TRUE(fd);
    const SocketAddress address = local_address(*fd);
    acceptor.start(*fd);
    client.connection.connect(address, make(client_side).get(), host);
  }
  ~TlsConnectTest() override {
    if (plain >= 0) ::close(plain);
  }
  Acceptor acceptor;
  std::shared_ptr<const TlsContext> context;
  int plain = -1;
};

TEST_F(TlsConnectTest, TheHostsNameMustBeInTheCertificate) {
  const TlsOptions options = server_options();
  connect(&options, client_options(), "smsc.test");
  turn_until([&] { return both_stand(); });
}

TEST_F(TlsConnectTest, AnAddressMayBeInTheCertificate) {
  const TlsOptions options = server_options();
  connect(&options, client_options(), "127.0.0.1");
  turn_until([&] { return both_stand(); });
}

TEST_F(TlsConnectTest, TheConfiguredNameCountsInsteadOfTheHosts) {
  const TlsOptions options = server_options();
  TlsOptions named = client_options();
  named.server_name = "smsc.test";
  connect(&options, named, "another.test");
  turn_until([&] { return both_stand(); });
}

TEST_F(TlsConnectTest, ACertificateForAnotherNameIsRefused) {
  TlsOptions options = server_options();
  options.cert = certificates().cert("other");
  options.key = certificates().key("other");
  connect(&options, client_options(), "smsc.test");
  turn_until([&] { return client.closed && server.closed; });
  EXPECT_EQ(client.reason, CloseReason::kTls);
  EXPECT_EQ(client.failure.fault, TlsFault::kCertificate);
  EXPECT_THAT(client.failure.text, HasSubstr("hostname mismatch"));
  EXPECT_EQ(client.connected, 0);
  EXPECT_EQ(server.failure.fault, TlsFault::kRefused);
}

TEST_F(TlsConnectTest, AnUnknownAuthorityIsRefusedUnlessNothingIsVerified) {
  TestCertificates elsewhere;
  TlsOptions trusting_others;
  trusting_others.ca = elsewhere.cert("ca");
  const TlsOptions options = server_options();
  connect(&options, trusting_others, "smsc.test");
  turn_until([&] { return client.closed; });
  EXPECT_EQ(client.failure.fault, TlsFault::kCertificate);
}

TEST_F(TlsConnectTest, WithoutVerificationEveryCertificateWillDo) {
  TlsOptions trusting;
  trusting.verify = false;
  TlsOptions options = server_options();
  options.cert = certificates().cert("old");
  options.key = certificates().key("old");
  connect(&options, trusting, "another.test");
  turn_until([&] { return both_stand(); });
}

TEST_F(TlsConnectTest, AServerThatSpeaksPlainSmppIsSaidToSpeakNoTls) {
  connect(nullptr, client_options(), "smsc.test");
  turn_until([&] { return plain >= 0; });
  const std::string nack("\0\0\0\x10\x80\0\0\0\0\0\0\2\0\0\0\0", 16);
  ASSERT_EQ(::send(plain, nack.data(), nack.size(), MSG_NOSIGNAL), std::ssize(nack));
  turn_until([&] { return client.closed; });
  EXPECT_EQ(client.reason, CloseReason::kTls);
  EXPECT_EQ(client.failure.fault, TlsFault::kNotTls);
}

TEST_F(TlsConnectTest, TheSameConnectionMayConnectAgainPlainOrWithTls) {
  const TlsOptions options = server_options();
  connect(&options, client_options(), "another.test");
  turn_until([&] { return client.closed && server.closed; });
  client.closed = server.closed = false;
  const auto fd = listen_on({*IpAddress::parse("127.0.0.1"), 0});
  ASSERT_TRUE(fd);
  Acceptor second(loop, *this);
  const SocketAddress address = local_address(*fd);
  second.start(*fd);
  client.connection.connect(address, make(client_options()).get(), "smsc.test");
  turn_until([&] { return both_stand(); });
  client.connection.close();
  turn_until([&] { return server.closed; });
  client.closed = server.closed = false;
  context = nullptr;
  client.connection.connect(address);
  turn_until([&] { return client.connected == 2 && plain >= 0; });
  EXPECT_FALSE(client.connection.encrypted());
}

}  // namespace
}  // namespace smppd::runtime
