#include "plugins/store/memory/memory_store.h"

#include <algorithm>
#include <chrono>
#include <string>

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

class SmallMemoryStore : public testing::Test {
 protected:
  static std::unique_ptr<Store> open_small() {
    StoreOptions options;
    options.durability = Durability::kNone;
    options.max_bytes = 100'000;  // half of it for records
    auto opened = plugins::kMemoryStore.open(options);
    return opened ? std::move(*opened) : nullptr;
  }
  void fill(std::string_view prefix, Moment expires) {
    for (int i = 0; i < 100; ++i) {
      Transaction letter;
      letter.put(Table::kDeadLetters, std::string(prefix) + std::to_string(i), as_bytes(std::string(500, 'l')),
                 expires);
      shard_.commit(letter, Intake::kOwed);
    }
  }

  Moment now_{std::chrono::milliseconds(1'800'000'000'000)};
  std::unique_ptr<Store> store_ = open_small();
  Shard shard_{store_->partition(0), now_};
};

TEST_F(SmallMemoryStore, GivesTheRoomOfExpiredRecordsBackWithinASecondHoweverLongTheyWereKept) {
  for (const auto kept : {std::chrono::hours(1), std::chrono::hours(20), std::chrono::hours(100)}) {
    fill("letter", now_ + kept);
    shard_.turn();
    EXPECT_EQ(shard_.room(), Room::kOwedOnly);
    for (const Moment end = now_ + kept; now_ < end; now_ = std::min(end, now_ + std::chrono::minutes(7)))
      shard_.turn();
    EXPECT_EQ(shard_.room(), Room::kOwedOnly);
    now_ += std::chrono::seconds(1);
    shard_.turn();
    EXPECT_EQ(shard_.room(), Room::kOpen) << kept;
  }
}

TEST_F(SmallMemoryStore, FindsWhatExpiredWhileNobodyLooked) {
  fill("letter", now_ + std::chrono::hours(1));
  fill("later", now_ + std::chrono::hours(1000));
  now_ += std::chrono::hours(500);
  for (int turns = 0; turns < 64; ++turns) shard_.turn();
  EXPECT_EQ(shard_.room(), Room::kOwedOnly);
  EXPECT_EQ(shard_.scan(Table::kDeadLetters).size(), 100U);
  now_ += std::chrono::hours(501);
  for (int turns = 0; turns < 64; ++turns) shard_.turn();
  EXPECT_EQ(shard_.room(), Room::kOpen);
}

TEST_F(SmallMemoryStore, ARecordThatIsWrittenAgainExpiresWhenTheLastOneDoes) {
  for (int i = 0; i < 3; ++i) fill("letter", now_ + std::chrono::hours(1 + i));
  now_ += std::chrono::hours(2);
  shard_.turn();
  EXPECT_EQ(shard_.get(Table::kDeadLetters, "letter7"), std::string(500, 'l'));
  now_ += std::chrono::hours(2);
  shard_.turn();
  EXPECT_EQ(shard_.get(Table::kDeadLetters, "letter7"), std::nullopt);
  EXPECT_EQ(shard_.room(), Room::kOpen);
}

TEST_F(SmallMemoryStore, WhatIsFinishedWhileItIsLookedAtStaysUntilTheLookIsOver) {
  class Finisher final : public Consumer {
   public:
    explicit Finisher(Partition& partition) : partition_(partition) {}
    void on_durable(Sequence) noexcept override {}
    void on_read(const ReadAnswer& answer) noexcept override {
      for (const ItemView& item : answer.items) {
        Transaction swap;
        swap.finish(item.id);
        swap.enqueue(item.id + 100, queued(LaneId(2), Moment{}), as_bytes(std::string(item.body.size(), 'x')));
        EXPECT_NE(partition_.append(swap, Intake::kOwed), 0U);
        seen.emplace_back(as_text(item.body));
      }
    }
    void on_ready(LaneId) noexcept override {}
    void on_expired(std::span<const ItemId>) noexcept override {}
    void on_room(Room) noexcept override {}
    std::vector<std::string> seen;

   private:
    Partition& partition_;
  };
  const auto store = open_small();
  Partition& partition = store->partition(0);
  Finisher finisher(partition);
  partition.attach(finisher, [] {});
  std::vector<std::string> written;
  for (ItemId id = 1; id <= 3; ++id) {
    written.push_back("body " + std::to_string(id));
    EXPECT_NE(partition.append(one_item(id, queued(LaneId(1), Moment{}), written.back()), Intake::kNew), 0U);
  }
  ReadRequest request;
  request.kind = ReadRequest::Kind::kTake;
  request.lane = LaneId(1);
  request.limit = 10;
  partition.read(request);
  partition.turn(now_);
  EXPECT_EQ(finisher.seen, written);
}

}  // namespace smppd::store::conformance
