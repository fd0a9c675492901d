// A message costs no allocation once its shard is warm: from the octets of a client's session over the flow and a link
// to the SMSC's answer and back. Client and SMSC are sockets of this thread with buffers of their own.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/password_pool.h"
#include "config/loader.h"
#include "runtime/acceptor.h"
#include "runtime/shard.h"
#include "server/shard_unit.h"
#include "smpp/framer.h"
#include "smpp/pdu_builder.h"

namespace {

// Of the test's own thread; -1 while nobody counts.
thread_local long allocations = -1;

void* counted(std::size_t size, std::size_t alignment) {
  if (allocations >= 0) ++allocations;
  void* memory = alignment <= alignof(std::max_align_t)
                     ? std::malloc(size)
                     : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new[](std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace smppd {
namespace {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

// One end of a TCP connection with a fixed buffer.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { ::close(fd_); }

  void write(ByteSpan bytes) const { ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), 0), std::ssize(bytes)); }
  // Shows each PDU that is there.
  template <typename Visit>
  void read(Visit&& visit) {
    const auto got = ::recv(fd_, buffer_.data() + size_, buffer_.size() - size_, MSG_DONTWAIT);
    if (got > 0) size_ += static_cast<std::size_t>(got);
    std::size_t used = 0;
    const ByteSpan bytes(buffer_.data(), size_);
    for (auto frame = smpp::next_frame(bytes); frame.state == smpp::FrameState::pdu;
         frame = smpp::next_frame(bytes.subspan(used))) {
      used += frame.pdu.size();
      visit(frame.pdu);
    }
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(used), buffer_.begin() + static_cast<std::ptrdiff_t>(size_),
              buffer_.begin());
    size_ -= used;
  }

 private:
  int fd_;
  std::array<std::uint8_t, 65'536> buffer_{};
  std::size_t size_ = 0;
};

sockaddr_storage address_of(int fd, socklen_t& size) {
  sockaddr_storage storage{};
  size = sizeof storage;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size), 0);
  return storage;
}

int listen_on_loopback() {
  const auto fd = runtime::listen_on({*runtime::IpAddress::parse("127.0.0.1"), 0});
  EXPECT_TRUE(fd) << fd.error();
  return *fd;
}

// One shard as the daemon builds it, an SMSC and a client around it.
class Allocations : public testing::Test {
 protected:
  static constexpr std::size_t kBatch = 10;

  void start(const std::string& extra, const std::string& upstream = {}) {
    smsc_listener = listen_on_loopback();
    const std::string yaml =
        "listeners: [{name: public, address: \"127.0.0.1:2775\"}]\n"
        "upstreams:\n"
        "  - name: carrier\n"
        "    hosts: [{address: \"127.0.0.1:" +
        std::to_string(runtime::local_address(smsc_listener).port) +
        "\"}]\n"
        "    bind: {system_id: us, password: secret}\n"
        "    window: {size: 50}\n" +
        upstream +

        "routes: [{name: all, match: {destination_addr: \"*\"}, upstream: carrier}]\n"
        "clients: [{system_id: shop, password: secret, rate_limit: {messages_per_second: 1000000}, "
        "addresses: {source: {allowed: [SHOP]}}}]\n" +
        extra;
    const auto loaded = config::load_text(yaml, config::Format::kYaml, "test.yaml");
    ASSERT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    auto publication = server::build_publication(loaded.config, nullptr, 1, lasting);
    ASSERT_TRUE(publication) << publication.error();
    publication->snapshot->clients->publish(shard.loop().now());
    unit = std::make_unique<server::ShardUnit>(shard, resolver, verifier, loaded.config->receipts);
    auto shared = std::make_shared<downstream::ListenerShared>();
    shared->config = loaded.config;
    shared->options = &loaded.config->listeners[0];
    const int listener = listen_on_loopback();
    socklen_t size = 0;
    const sockaddr_storage address = address_of(listener, size);
    unit->apply(publication->snapshot, std::move(publication->chains[0]), publication->upstreams, lasting.limits,
                {{shared, listener}});
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
    client = std::make_unique<Peer>(fd);
    bind_both();
  }

  void bind_both() {
    std::vector<std::uint8_t> bind;
    smpp::PduBuilder builder(CommandId::bind_transceiver, smpp::Version::v34);
    builder.set(Field::system_id, "shop").set(Field::password, "secret").set(Field::interface_version, 0x34);
    ASSERT_TRUE(builder.encode(bind, CommandStatus::ESME_ROK, 1));
    client->write(bind);
    bool client_bound = false;
    for (int turn = 0; turn < 2000 && !(client_bound && unit->any_upstream_bound()); ++turn) {
      shard.loop().run_once(1ms);
      client->read([&](ByteSpan pdu) {
        client_bound = smpp::read_header(pdu.data()).command_status == CommandStatus::ESME_ROK;
      });
      serve();
    }
    ASSERT_TRUE(client_bound && unit->any_upstream_bound());
  }

  // The SMSC: binds, then ids of eight characters.
  void serve() {
    if (smsc == nullptr) {
      const int fd = ::accept(smsc_listener, nullptr, nullptr);
      if (fd < 0) return;
      smsc = std::make_unique<Peer>(fd);
    }
    std::array<std::uint8_t, 64 * kBatch> out;
    std::size_t size = 0;
    smsc->read([&](ByteSpan pdu) {
      const smpp::Header header = smpp::read_header(pdu.data());
      const std::uint32_t number = ++given;
      char id[9] = "00000000";
      for (std::size_t i = 0; i < 8; ++i) id[7 - i] = "0123456789abcdef"[number >> (4 * i) & 15];
      size += smpp::write_response_with_id(out.data() + size, smpp::response_to(header.command_id),
                                           CommandStatus::ESME_ROK, header.sequence_number, {id, 8});
    });
    if (size > 0) smsc->write(ByteSpan(out.data(), size));
  }

  // Sends `batches` of kBatch messages, each batch after the answers to the one before; how many were accepted.
  std::size_t converse(int batches, std::uint8_t registered_delivery) {
    std::vector<std::uint8_t> batch;
    for (std::size_t i = 0; i < kBatch; ++i) {
      smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
      builder.set(Field::source_addr, "SHOP")
          .set(Field::destination_addr, "258841234567")
          .set(Field::registered_delivery, registered_delivery)
          .set(Field::short_message, std::string_view("Your code is 123456"));
      EXPECT_TRUE(builder.encode(batch, CommandStatus::ESME_ROK, static_cast<std::uint32_t>(i + 2)));
    }
    std::size_t accepted = 0;
    const long before = allocations;
    allocations = 0;
    for (int i = 0; i < batches; ++i) {
      client->write(batch);
      std::size_t answered = 0;
      for (int turn = 0; turn < 2000 && answered < kBatch; ++turn) {
        shard.loop().run_once(0ns);
        serve();
        client->read([&](ByteSpan pdu) {
          ++answered;
          if (smpp::read_header(pdu.data()).command_status == CommandStatus::ESME_ROK) ++accepted;
        });
      }
      if (answered < kBatch) break;
    }
    counted_allocations = allocations;
    allocations = before;
    return accepted;
  }

  ~Allocations() override {
    client.reset();
    for (int i = 0; i < 5; ++i) shard.loop().run_once(1ms);
    unit.reset();
    if (smsc_listener >= 0) ::close(smsc_listener);
  }

  runtime::ShardGroup shards{1};
  runtime::Shard& shard = shards.shard(0);
  runtime::Resolver resolver;
  accounts::PasswordPool pool{accounts::PasswordPool::Options{}};
  accounts::PasswordVerifier verifier{pool};
  server::Lasting lasting;
  std::unique_ptr<server::ShardUnit> unit;
  std::unique_ptr<Peer> client, smsc;
  int smsc_listener = -1;
  std::uint32_t given = 0;
  long counted_allocations = 0;
};

TEST_F(Allocations, AMessageWithoutAReceiptNeedsNone) {
  ASSERT_NO_FATAL_FAILURE(start("receipts: {untracked_entries: 1024}\n"));
  ASSERT_EQ(converse(500, 0), 5'000U);
  EXPECT_GT(counted_allocations, 0) << "the counter counts";
  ASSERT_EQ(converse(1'000, 0), 10'000U);
  EXPECT_EQ(counted_allocations, 0) << "in 10000 messages";
}

TEST_F(Allocations, AMessageThatIsRewrittenForItsUpstreamNeedsNone) {
  ASSERT_NO_FATAL_FAILURE(start("receipts: {untracked_entries: 1024}\n", "    message: {default_service_type: OTP}\n"));
  ASSERT_EQ(converse(500, 0), 5'000U);
  ASSERT_EQ(converse(1'000, 0), 10'000U);
  EXPECT_EQ(counted_allocations, 0) << "in 10000 messages";
}

// The ids of messages that expect a receipt are kept for days: memory grows, but by doubling, not by message.
TEST_F(Allocations, AMessageThatExpectsAReceiptNeedsLessThanOneInAHundred) {
  ASSERT_NO_FATAL_FAILURE(start("receipts: {untracked_entries: 1024}\n"));
  ASSERT_EQ(converse(500, 1), 5'000U);
  ASSERT_EQ(converse(1'000, 1), 10'000U);
  EXPECT_LT(counted_allocations, 100) << "in 10000 messages";
}

}  // namespace
}  // namespace smppd
