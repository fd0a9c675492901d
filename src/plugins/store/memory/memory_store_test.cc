#include "plugins/store/memory/memory_store.h"

#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(Backend{&plugins::kMemoryStore, Durability::kNone}));

TEST(MemoryStore, RefusesToPromiseWhatItCannotKeep) {
  for (const Durability durability : {Durability::kFsync, Durability::kOs}) {
    StoreOptions options;
    options.durability = durability;
    const auto opened = plugins::kMemoryStore.open(options);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().find("durability: none"), std::string::npos);
  }
  EXPECT_FALSE(plugins::kMemoryStore.capabilities.keeps_over_restart);
}

TEST(MemoryStore, ForgetsHowMessagesEndedBeforeItRefusesNewOnes) {
  StoreOptions options;
  options.durability = Durability::kNone;
  options.max_bytes = 200'000;
  auto store = plugins::kMemoryStore.open(options);
  ASSERT_TRUE(store);
  const Moment now{std::chrono::milliseconds(1'800'000'000'000)};
  Shard shard((*store)->partition(0), now);
  Transaction dead;
  dead.put(Table::kDeadLetters, "letter", as_bytes("kept"), kNever);
  shard.commit(dead, Intake::kOwed);
  const std::string outcome(500, 'o');
  for (int i = 0; i < 1000; ++i) {
    Transaction ended;
    ended.put(Table::kOutcomes, std::to_string(100'000 + i), as_bytes(outcome), kNever);
    shard.commit(ended, Intake::kOwed);
  }
  EXPECT_GT(shard.partition().stats().evicted, 500U);
  EXPECT_EQ(shard.get(Table::kOutcomes, "100000"), std::nullopt);
  EXPECT_EQ(shard.get(Table::kOutcomes, "100999"), outcome);
  EXPECT_EQ(shard.get(Table::kDeadLetters, "letter"), "kept");
  shard.commit(one_item(1, queued(LaneId(1), now), "still taken"), Intake::kNew);
}

}  // namespace smppd::store::conformance
