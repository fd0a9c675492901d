// What waits for a client: how much of it is in the hands of its sessions, and in which order it goes.
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/hand_partition.h"
#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

constexpr std::string_view kConfig = R"(
storage: {backend: memory}
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams: [{name: lab, mock: {message_id: "lab-${counter}"}}]
routes: [{name: all, upstream: lab}]
mo_routes: [{name: shop, match: {destination_addr: "1*"}, client: shop}]
clients: [{system_id: shop, password: secret}]
)";

struct Disk {
  HandPartition disk;
};

class InboxTest : protected Disk, public FlowTest {
 protected:
  InboxTest() : FlowTest(1, {&disk}) {
    const auto loaded = config::load_text(kConfig, config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    turns(3);
  }

  void bring(std::size_t messages) {
    for (std::size_t i = 0; i < messages; ++i) mo("1" + std::to_string(brought_++));
    turns(3);
  }
  // The clients take all that was handed to them and not answered yet.
  std::size_t answer_all(CommandStatus status = CommandStatus::ESME_ROK) {
    const std::size_t before = answered_;
    for (; answered_ < sessions.deliveries.size(); ++answered_) {
      const auto& delivery = sessions.deliveries[answered_];
      flow.delivered({{}, delivery.ticket, delivery.id, delivery.entry}, status);
    }
    return answered_ - before;
  }
  [[nodiscard]] std::vector<int> order() const {
    std::vector<int> numbers;
    for (const auto& delivery : sessions.deliveries) {
      smpp::PduView view;
      EXPECT_TRUE(view.decode(delivery.pdu));
      numbers.push_back(std::stoi(std::string(view.text(Field::destination_addr).substr(1))));
    }
    return numbers;
  }

 private:
  int brought_ = 0;
  std::size_t answered_ = 0;
};

TEST_F(InboxTest, WhatComesIsCountedAsKeptWhenItIsDurableAndNotBefore) {
  disk.writes = false;
  bring(3);
  EXPECT_EQ(disk.items.size(), 3U);
  EXPECT_EQ(flow.probe().inbox_kept, 0U);
  disk.write();
  turns(2);
  EXPECT_EQ(flow.probe().inbox_kept, 3U);
}

// A client with large windows had at most 64 receipts in hand for each shard: delivery took a fraction of what came in,
// until the inbox was full and the SMSC was refused.
TEST_F(InboxTest, ASessionThatTakesAllItIsGivenIsGivenMoreEachTime) {
  bring(2000);
  flow.receiver_bound(receiver(4), "");
  turns(3);
  std::size_t most = 0, rounds = 0;
  while (!disk.items.empty() && ++rounds < 100) {
    most = std::max(most, answer_all());
    turns(3);
  }
  EXPECT_TRUE(disk.items.empty());
  EXPECT_GT(most, 500U);
  EXPECT_LT(rounds, 10U);
}

TEST_F(InboxTest, WhatNoSessionHasRoomForIsHandedInItsOrderWhenOneHas) {
  flow.receiver_bound(receiver(4), "");
  sessions.takes = false;
  bring(300);
  EXPECT_TRUE(sessions.deliveries.empty());
  EXPECT_EQ(disk.items.size(), 300U) << "the SMSC was told that they are here";
  sessions.takes = true;
  for (int i = 0; i < 50 && !disk.items.empty(); ++i) {
    flow.tick();
    turns(3);
    (void)answer_all();
    turns(3);
  }
  EXPECT_TRUE(disk.items.empty());
  const std::vector<int> seen = order();
  ASSERT_EQ(seen.size(), 300U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

}  // namespace
}  // namespace smppd::flow
