// The ids clients were given lead to what waits in the store, whatever the store calls it.
#include <array>

#include <gmock/gmock.h>

#include "flow/internal/aliases.h"
#include "flow/internal/depot_parts.h"
#include "flow/internal/hand_partition.h"
#include "flow/internal/stored_message.h"
#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::string_view kNobody = R"(
storage: {backend: memory}
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams: [{name: carrier, hosts: [{address: "127.0.0.1:1"}], bind: {system_id: us, password: secret}}]
routes: [{name: all, upstream: carrier}]
clients: [{system_id: shop, password: secret}, {system_id: other, password: secret}]
)";

struct TwoDisks {
  std::array<HandPartition, 2> disks;
};

class StoredOperate : protected TwoDisks, public FlowTest {
 protected:
  explicit StoredOperate(unsigned shard_count = 1) : FlowTest(shard_count, {&disks[0], &disks[1]}) {
    const auto loaded = config::load_text(std::string(kNobody), config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    turns(3);
  }

  Sender sender_33(std::string_view client = "shop") {
    Sender result = sender(1, client);
    result.side.version = smpp::Version::v33;
    return result;
  }
  message::OwnId submitted_33() {
    EXPECT_EQ(submit(sender_33(), "258841234567", ++sequence), Flow::Taken::kYes);
    turns(3);
    return sessions.answers.back().id;
  }
  // The id of a submit_multi to these.
  message::OwnId submitted_multi(const std::vector<std::string_view>& destinations) {
    smpp::PduBuilder builder(CommandId::submit_multi, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP").set(Field::short_message, std::string_view("hello"));
    for (const std::string_view each : destinations) {
      builder.add_destination({smpp::DestFlag::sme_address, 1, 1, each});
    }
    EXPECT_EQ(send(sender(1), builder, ++sequence), Flow::Taken::kYes);
    turns(3);
    return sessions.answers.back().id;
  }
  CommandStatus ask(const Sender& from, CommandId command, message::OwnId id, std::string_view to = "") {
    smpp::PduBuilder builder(command, smpp::Version::v34);
    builder.set(Field::message_id, hex(id)).set(Field::source_addr, "SHOP");
    if (command == CommandId::cancel_sm) builder.set(Field::destination_addr, to);
    if (command == CommandId::replace_sm) builder.set(Field::short_message, std::string_view("new"));
    const std::size_t before = sessions.answers.size();
    EXPECT_EQ(send(from, builder, ++sequence), Flow::Taken::kYes);
    turns(40);
    EXPECT_EQ(sessions.answers.size(), before + 1);
    return sessions.answers.back().status;
  }
  std::vector<std::string> waiting(Field field) {
    std::vector<std::string> all;
    for (const auto& disk : disks) {
      for (const auto& [id, item] : disk.items) {
        smpp::PduView view;
        EXPECT_TRUE(view.decode(decode_stored(item.body)->pdu));
        all.emplace_back(field == Field::short_message ? as_text(view.octets(field)) : view.text(field));
      }
    }
    return all;
  }
  std::size_t aliases() { return disks[0].count(store::Table::kNotes) + disks[1].count(store::Table::kNotes); }

  std::uint32_t sequence = 0;
};

TEST_F(StoredOperate, AShortIdFindsTheQueuedMessageForItsClientAlone) {
  const message::OwnId id = submitted_33();
  ASSERT_LT(id, message::OwnId{1} << 32);
  EXPECT_EQ(aliases(), 1U);
  EXPECT_EQ(ask(sender_33(), CommandId::query_sm, id), CommandStatus::ESME_ROK);
  EXPECT_EQ(ask(sender_33("other"), CommandId::cancel_sm, id), CommandStatus::ESME_RINVMSGID);
  EXPECT_EQ(ask(sender_33(), CommandId::replace_sm, id), CommandStatus::ESME_ROK);
  EXPECT_THAT(waiting(Field::short_message), ElementsAre("new"));
  EXPECT_EQ(ask(sender_33(), CommandId::cancel_sm, id), CommandStatus::ESME_ROK);
  EXPECT_TRUE(disks[0].items.empty());
  EXPECT_EQ(aliases(), 0U) << "it goes with its item";
  EXPECT_EQ(ask(sender_33(), CommandId::query_sm, id), CommandStatus::ESME_ROK) << "how it ended is known";
  EXPECT_EQ(ask(sender_33(), CommandId::cancel_sm, id), CommandStatus::ESME_RINVMSGID);
}

TEST_F(StoredOperate, AnIdOfTheUsualLengthNeedsNoSecondName) {
  ASSERT_EQ(submit(sender(1), "258841234567"), Flow::Taken::kYes);
  turns(3);
  EXPECT_EQ(aliases(), 0U);
}

TEST_F(StoredOperate, TheIdOfASubmitMultiStandsForAllThatWait) {
  const message::OwnId id = submitted_multi({"258841", "258842", "258843"});
  EXPECT_EQ(aliases(), 3U);
  EXPECT_EQ(ask(sender(1), CommandId::query_sm, id), CommandStatus::ESME_ROK);
  EXPECT_EQ(ask(sender(1), CommandId::cancel_sm, id, "258842"), CommandStatus::ESME_ROK);
  EXPECT_THAT(waiting(Field::destination_addr), UnorderedElementsAre("258841", "258843"));
  EXPECT_EQ(ask(sender(1), CommandId::cancel_sm, id, "258849"), CommandStatus::ESME_RINVMSGID);
  EXPECT_EQ(ask(sender(1), CommandId::replace_sm, id), CommandStatus::ESME_ROK);
  EXPECT_THAT(waiting(Field::short_message), ElementsAre("new", "new"));
  EXPECT_EQ(ask(sender(1), CommandId::cancel_sm, id), CommandStatus::ESME_ROK);
  EXPECT_TRUE(disks[0].items.empty());
  EXPECT_EQ(aliases(), 0U);
}

class StoredOperateOnTwoShards : public StoredOperate {
 protected:
  StoredOperateOnTwoShards() : StoredOperate(2) {}
};

// As after a restart with another number of shards: items are dealt out anew.
TEST_F(StoredOperateOnTwoShards, MessagesOfOneSubmitMultiAreFoundWhereverTheyLie) {
  const message::OwnId id = submitted_multi({"258841", "258842", "258843"});
  disks[1].items.insert(disks[0].items.extract(disks[0].items.begin()));
  disks[1].records = disks[0].records;
  EXPECT_EQ(ask(sender(1), CommandId::cancel_sm, id), CommandStatus::ESME_ROK);
  EXPECT_TRUE(disks[0].items.empty());
  EXPECT_TRUE(disks[1].items.empty());
  EXPECT_EQ(flow.probe().cancelled + nodes[1]->flow.probe().cancelled, 3U);
}

TEST(Aliases, OtherIdsRecordsAreNotTaken) {
  const AliasKey key = alias_key(7, 9);
  EXPECT_EQ(aliased_item(view(key), 7), 9U);
  EXPECT_EQ(aliased_item(view(key), 8), 0U);
  EXPECT_EQ(aliased_item(view(key).substr(1), 7), 0U);
}

}  // namespace
}  // namespace smppd::flow
