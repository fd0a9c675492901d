// What must be there after the process ended and started again.
#include <algorithm>
#include <set>

#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

constexpr LaneId kLane{3};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreRestart);

TEST_P(StoreRestart, ItemsComeBackWithTheirProgressAndOrder) {
  open();
  for (ItemId id = 1; id <= 300; ++id) {
    Progress progress = queued(kLane, now_ - 1s + std::chrono::milliseconds(id), 2);
    progress.attempts = static_cast<std::uint16_t>(id);
    progress.mark = static_cast<std::uint32_t>(id) << 20;
    shard().commit(one_item(id, progress, "body " + std::to_string(id)));
  }
  Transaction steps;
  steps.finish(5);
  Progress sent = queued(kLane, now_ + 1h, 7);
  sent.mark = 77;
  sent.held = true;
  steps.amend(6, sent);
  shard().commit(steps, Intake::kOwed);
  EXPECT_EQ(shard().take(kLane, 10).size(), 10U);  // in flight when the process ends
  open();
  EXPECT_EQ(store_->recovery().items, 299U);
  EXPECT_TRUE(store_->recovery().reports.empty()) << store_->recovery().reports.front();
  const auto items = shard().take(kLane);
  ASSERT_EQ(items.size(), 298U);
  ItemId expected = 0;
  for (const KeptItem& item : items) {
    do ++expected;
    while (expected == 5 || expected == 6);
    ASSERT_EQ(item.id, expected);
    EXPECT_EQ(item.body, "body " + std::to_string(item.id));
    EXPECT_EQ(item.progress.attempts, item.id);
    EXPECT_EQ(item.progress.mark, item.id << 20);
  }
  now_ += 1h;
  shard().turn();
  const auto held = shard().take(kLane);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].id, 6U);
  EXPECT_EQ(held[0].progress.state, 7);
  EXPECT_EQ(held[0].progress.mark, 77U);
}

// Also where the records were copied into a younger segment, and where the journals are others.
TEST_P(StoreRestart, AnOrderHoldsAfterARestart) {
  options_.segment_bytes = 256 * 1024;
  for (const unsigned shard_count : {1U, 1U, 2U}) {
    SCOPED_TRACE(shard_count);
    open(shard_count);
    if (shard_count == 1 && shard().item(1) == std::nullopt) {
      for (ItemId id = 1; id <= 6; ++id) {
        Progress progress = queued(kLane, now_);
        progress.order = id % 2 == 0 ? 70 : 0;
        shard().commit(one_item(id, progress, "body " + std::to_string(id)));
      }
      for (ItemId id = 100; id < 3'000; ++id) {  // pass by
        shard().commit(one_item(id, queued(LaneId(9), now_), std::string(600, 'x')));
        Transaction gone;
        gone.finish(id);
        shard().commit(gone, Intake::kOwed);
      }
      Transaction later;
      later.amend(2, queued(kLane, now_ + 1h));
      shard().commit(later, Intake::kOwed);
    }
    std::vector<ItemId> taken;
    for (unsigned i = 0; i < shards(); ++i) {
      for (const KeptItem& item : shard(i).take(kLane)) taken.push_back(item.id);
    }
    std::sort(taken.begin(), taken.end());
    EXPECT_EQ(taken, (std::vector<ItemId>{1, 3, 5})) << "the second one waits, so do those behind it";
  }
}

TEST_P(StoreRestart, RecordsComeBack) {
  open();
  Transaction records;
  for (const Table table :
       {Table::kCorrelations, Table::kOutcomes, Table::kDeadLetters, Table::kStrays, Table::kFacts, Table::kNotes}) {
    records.put(table, "kept", as_bytes("value"), now_ + 1h);
    records.put(table, "erased", as_bytes("value"), now_ + 1h);
    records.put(table, "short", as_bytes("value"), now_ + 1s);
  }
  shard().commit(records, Intake::kOwed);
  Transaction erases;
  for (const Table table :
       {Table::kCorrelations, Table::kOutcomes, Table::kDeadLetters, Table::kStrays, Table::kFacts, Table::kNotes}) {
    erases.erase(table, "erased");
  }
  shard().commit(erases, Intake::kOwed);
  for (int restart = 0; restart < 3; ++restart) {
    open();
    for (const Table table :
         {Table::kCorrelations, Table::kOutcomes, Table::kDeadLetters, Table::kStrays, Table::kFacts, Table::kNotes}) {
      EXPECT_EQ(shard().get(table, "kept"), "value");
      EXPECT_EQ(shard().get(table, "erased"), std::nullopt);
    }
  }
  now_ += 2s;
  EXPECT_EQ(shard().get(Table::kCorrelations, "short"), std::nullopt);
  EXPECT_EQ(shard().get(Table::kOutcomes, "short"), std::nullopt);
}

TEST_P(StoreRestart, ARestartAfterARestartFindsTheSame) {
  std::set<ItemId> expected;
  for (ItemId round = 0; round < 6; ++round) {
    open();
    const auto items = shard().take(kLane);
    std::set<ItemId> found;
    for (const auto& item : items) found.insert(item.id);
    EXPECT_EQ(found, expected);
    for (ItemId i = 1; i <= 40; ++i) {
      const ItemId id = round * 100 + i;
      shard().commit(one_item(id, queued(kLane, now_), "x"));
      expected.insert(id);
      if (i % 2 != 0) continue;
      Transaction done;
      done.finish(id - 1);
      shard().commit(done, Intake::kOwed);
      expected.erase(id - 1);
    }
  }
}

TEST_P(StoreRestart, AnotherNumberOfShardsFindsEveryItemOnceAndEveryRecord) {
  std::map<ItemId, std::string> expected;
  ItemId next = 1;
  for (const unsigned count : {2U, 4U, 1U, 3U, 3U, 2U}) {
    open(count);
    std::map<ItemId, std::string> found;
    for (unsigned i = 0; i < count; ++i) {
      for (const auto& item : shard(i).take(kLane)) EXPECT_TRUE(found.emplace(item.id, item.body).second) << item.id;
    }
    EXPECT_EQ(found, expected) << "with " << count << " shards";
    for (ItemId id = 1; id < next; ++id) {
      const std::string key = "carrier/" + std::to_string(id);
      const auto value = shard(static_cast<unsigned>(id) % count).get(Table::kCorrelations, key);
      EXPECT_EQ(value.has_value(), expected.contains(id)) << id;
    }
    for (int i = 0; i < 30; ++i, ++next) {
      Shard& one = shard(static_cast<unsigned>(next) % count);
      Transaction both = one_item(next, queued(kLane, now_), "body of " + std::to_string(next));
      both.put(Table::kCorrelations, "carrier/" + std::to_string(next), as_bytes("x"), kNever);
      one.commit(both);
      expected[next] = "body of " + std::to_string(next);
    }
    // Finish some that were there before, wherever they are now.
    for (unsigned i = 0; i < count; ++i) {
      for (ItemId id = 1; id < next; id += 7) {
        if (!expected.contains(id) || !shard(i).item(id)) continue;
        Transaction done;
        done.finish(id);
        shard(i).commit(done, Intake::kOwed);
        Transaction forget;
        forget.erase(Table::kCorrelations, "carrier/" + std::to_string(id));
        for (unsigned each = 0; each < count; ++each) shard(each).commit(forget, Intake::kOwed);
        expected.erase(id);
      }
    }
  }
}

}  // namespace smppd::store::conformance
