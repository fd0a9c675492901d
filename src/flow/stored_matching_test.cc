// Queued messages that are named by client, addresses and service type, over disks that are the test's hand.
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/depot_parts.h"
#include "flow/internal/hand_partition.h"
#include "flow/internal/outcome.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

using testing::ElementsAre;

constexpr std::string_view kNobody = R"(
storage: {backend: memory}
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams: [{name: carrier, hosts: [{address: "127.0.0.1:1"}], bind: {system_id: us, password: secret}}]
routes: [{name: all, upstream: carrier}]
clients: [{system_id: shop, password: secret}, {system_id: other, password: secret}]
)";

// Before the flows, which use them.
struct TwoDisks {
  std::array<HandPartition, 2> disks;
};

class StoredMatching : protected TwoDisks, public FlowTest {
 protected:
  explicit StoredMatching(unsigned shard_count = 1) : FlowTest(shard_count, {&disks[0], &disks[1]}) {
    const auto loaded = config::load_text(std::string(kNobody), config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    turns(3);
  }

  struct Sent {
    std::string_view text;
    bool replace = false;
    std::string_view to = "258841234567";
    std::string_view service = "";
    std::string_view client = "shop";
    unsigned shard = 0;
  };
  void submit_one(const Sent& one) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::service_type, one.service)
        .set(Field::source_addr, "SHOP")
        .set(Field::destination_addr, one.to)
        .set(Field::replace_if_present_flag, static_cast<std::uint8_t>(one.replace))
        .set(Field::registered_delivery, std::uint8_t{0})
        .set(Field::short_message, one.text);
    std::vector<std::uint8_t> pdu;
    ASSERT_TRUE(builder.encode(pdu, {}, ++sequence));
    EXPECT_EQ(nodes[one.shard]->flow.submit(sender(1, one.client), smpp::read_header(pdu.data()), pdu, false),
              Flow::Taken::kYes);
  }
  CommandStatus cancel(std::string_view to, std::string_view service = "", std::string_view client = "shop") {
    smpp::PduBuilder builder(CommandId::cancel_sm, smpp::Version::v34);
    builder.set(Field::service_type, service).set(Field::source_addr, "SHOP").set(Field::destination_addr, to);
    const std::size_t before = sessions.answers.size();
    (void)send(sender(1, client), builder, ++sequence);
    turns(8);
    EXPECT_EQ(sessions.answers.size(), before + 1);
    return sessions.answers.back().status;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> all;
    for (const auto& disk : disks) {
      for (const auto& [id, item] : disk.items) {
        smpp::PduView view;
        EXPECT_TRUE(view.decode(decode_stored(item.body)->pdu));
        all.emplace_back(as_text(view.octets(Field::short_message)));
      }
    }
    return all;
  }
  std::vector<EndReason> ends(const HandPartition& disk) {
    std::vector<EndReason> all;
    for (const auto& [key, value] : disk.records) all.push_back(decode_outcome(value)->reason);
    return all;
  }
  std::size_t answers_in_all() {
    std::size_t count = 0;
    for (const auto& node : nodes) count += node->sessions.answers.size();
    return count;
  }

  std::uint32_t sequence = 0;
};

TEST_F(StoredMatching, AMessageTakesThePlaceOfTheOneItReplacesInOneTransaction) {
  submit_one({"old"});
  turns(3);
  submit_one({"new", true});
  turns(6);
  EXPECT_THAT(texts(), ElementsAre("new"));
  EXPECT_EQ(answers_in_all(), 2U);
  EXPECT_NE(sessions.answers[0].id, sessions.answers[1].id);
  EXPECT_THAT(ends(disks[0]), ElementsAre(EndReason::kReplaced));
  EXPECT_EQ(disks[0].count(store::Table::kDeadLetters), 0U);
  EXPECT_EQ(flow.probe().replaced, 1U);
  using Kind = store::Change::Kind;
  EXPECT_THAT(disks[0].appended.back().kinds, ElementsAre(Kind::kFinish, Kind::kPut, Kind::kEnqueue));
}

TEST_F(StoredMatching, TheClientIsAnsweredWhenBothAreOnDisk) {
  submit_one({"old"});
  turns(3);
  disks[0].writes = false;
  submit_one({"new", true});
  turns(6);
  EXPECT_EQ(answers_in_all(), 1U);
  disks[0].write();
  turns(3);
  EXPECT_EQ(answers_in_all(), 2U);
}

TEST_F(StoredMatching, OfMessagesInOneBreathTheLastRemains) {
  for (const std::string_view text : {"1", "2", "3", "4"}) submit_one({text, true});
  turns(20);
  EXPECT_THAT(texts(), ElementsAre("4"));
  EXPECT_EQ(answers_in_all(), 4U);
  EXPECT_EQ(flow.probe().replaced, 3U);
}

TEST_F(StoredMatching, OnlyTheSameClientAddressesAndServiceAreReplacedAndOfTwoTheNewer) {
  submit_one({"older"});
  submit_one({"newer"});
  submit_one({"service", false, "258841234567", "CMT"});
  submit_one({"destination", false, "258841234568"});
  submit_one({"client", false, "258841234567", "", "other"});
  turns(3);
  submit_one({"new", true});
  turns(6);
  EXPECT_THAT(texts(), ElementsAre("older", "service", "destination", "client", "new"));
}

TEST_F(StoredMatching, WithoutOneToReplaceItIsKeptLikeAnyOther) {
  submit_one({"new", true});
  turns(6);
  EXPECT_THAT(texts(), ElementsAre("new"));
  EXPECT_EQ(sessions.answers.at(0).status, CommandStatus::ESME_ROK);
  EXPECT_EQ(flow.probe().replaced, 0U);
}

TEST_F(StoredMatching, AFullStoreThrottlesAndKeepsTheOld) {
  submit_one({"elsewhere"});
  turns(3);
  disks[0].has_room(store::Room::kOwedOnly);
  turns(2);
  submit_one({"new", true, "258840000000"});
  turns(6);
  EXPECT_EQ(sessions.answers.back().status, CommandStatus::ESME_RTHROTTLED);
  EXPECT_THAT(texts(), ElementsAre("elsewhere"));
}

TEST_F(StoredMatching, CancelByAddressesEndsAllOfTheKindAndNoOther) {
  submit_one({"1"});
  submit_one({"2"});
  submit_one({"service", false, "258841234567", "CMT"});
  submit_one({"client", false, "258841234567", "", "other"});
  turns(3);
  EXPECT_EQ(cancel("258840000000"), CommandStatus::ESME_RCANCELFAIL);
  EXPECT_EQ(texts().size(), 4U);
  EXPECT_EQ(cancel("258841234567"), CommandStatus::ESME_ROK);
  EXPECT_THAT(texts(), ElementsAre("service", "client"));
  EXPECT_EQ(flow.probe().cancelled, 2U);
  EXPECT_EQ(cancel("258841234567"), CommandStatus::ESME_RCANCELFAIL) << "there is none left";
}

class StoredMatchingOnTwo : public StoredMatching {
 protected:
  StoredMatchingOnTwo() : StoredMatching(2) {}
};

TEST_F(StoredMatchingOnTwo, TheOneToReplaceIsFoundOnAnotherShard) {
  submit_one({"old", false, "258841234567", "", "shop", 1});
  turns(3);
  submit_one({"new", true});
  turns(12);
  EXPECT_THAT(texts(), ElementsAre("new"));
  EXPECT_TRUE(disks[0].items.empty()) << "it took the place of the other";
  EXPECT_EQ(sessions.answers.size(), 1U) << "on the shard it came to";
  submit_one({"newest", true, "258841234567", "", "shop", 1});
  turns(12);
  EXPECT_THAT(texts(), ElementsAre("newest"));
}

TEST_F(StoredMatchingOnTwo, CancelByAddressesGoesRoundTheShards) {
  submit_one({"1"});
  submit_one({"2", false, "258841234567", "", "shop", 1});
  turns(3);
  EXPECT_EQ(cancel("258841234567"), CommandStatus::ESME_ROK);
  EXPECT_TRUE(texts().empty());
}

}  // namespace
}  // namespace smppd::flow
