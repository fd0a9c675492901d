// Records: put, found, listed, erased, expired.
#include <algorithm>

#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

namespace {
constexpr Table kAll[] = {Table::kCorrelations, Table::kOutcomes, Table::kDeadLetters,
                          Table::kStrays,       Table::kFacts,    Table::kNotes};

Transaction one_record(Table table, std::string_view key, std::string_view value, Moment expires = kNever) {
  Transaction transaction;
  transaction.put(table, key, as_bytes(value), expires);
  return transaction;
}
Transaction one_erase(Table table, std::string_view key) {
  Transaction transaction;
  transaction.erase(table, key);
  return transaction;
}
}  // namespace

TEST_P(StoreConformance, ARecordIsFoundByItsKeyInItsTableOnly) {
  open();
  for (const Table table : kAll) {
    const std::string own = "value " + std::to_string(static_cast<int>(table));
    shard().commit(one_record(table, "key", own));
  }
  for (const Table table : kAll) {
    EXPECT_EQ(shard().get(table, "key"), "value " + std::to_string(static_cast<int>(table)));
    EXPECT_EQ(shard().get(table, "ke"), std::nullopt);
    EXPECT_EQ(shard().get(table, "key2"), std::nullopt);
  }
}

TEST_P(StoreConformance, KeysAndValuesAreAnyOctets) {
  open();
  const std::string key("\0\xFF\x01key\0", 7);
  const std::string value("\0\0value\xFF", 8);
  for (const Table table : kAll) {
    shard().commit(one_record(table, key, value));
    shard().commit(one_record(table, "empty", ""));
    EXPECT_EQ(shard().get(table, key), value);
    EXPECT_EQ(shard().get(table, "empty"), "");
  }
}

TEST_P(StoreConformance, TheLastPutWinsAndAnErasedRecordIsGone) {
  open();
  for (const Table table : kAll) {
    shard().commit(one_record(table, "a", "first"));
    shard().commit(one_record(table, "a", "second"));
    EXPECT_EQ(shard().get(table, "a"), "second");
    shard().commit(one_erase(table, "a"));
    EXPECT_EQ(shard().get(table, "a"), std::nullopt);
    shard().commit(one_erase(table, "a"));
    shard().commit(one_record(table, "a", "third"));
    EXPECT_EQ(shard().get(table, "a"), "third");
  }
}

TEST_P(StoreConformance, ARecordThatExpiredIsNotFound) {
  open();
  for (const Table table : kAll) shard().commit(one_record(table, "short", "x", now_ + 10s));
  now_ += 9s;
  for (const Table table : kAll) EXPECT_EQ(shard().get(table, "short"), "x");
  now_ += 1s;
  for (const Table table : kAll) {
    EXPECT_EQ(shard().get(table, "short"), std::nullopt);
    if (table == Table::kCorrelations) continue;
    EXPECT_TRUE(shard().scan(table).empty());
  }
}

TEST_P(StoreConformance, ATableIsListedInTheOrderOfItsKeysPageByPage) {
  open();
  for (const Table table : {Table::kOutcomes, Table::kDeadLetters, Table::kStrays, Table::kFacts, Table::kNotes}) {
    for (int i = 99; i >= 0; --i) {
      const std::string number = std::to_string(1000 + i);
      shard().commit(one_record(table, number, "v" + number));
    }
    shard().commit(one_erase(table, "1050"));
    std::vector<std::string> keys;
    std::string from;
    for (;;) {
      const auto page = shard().scan(table, from, 7);
      for (const auto& record : page) {
        EXPECT_EQ(record.value, "v" + record.key);
        EXPECT_EQ(record.expires, kNever);
        keys.push_back(record.key);
      }
      if (page.size() < 7) break;
      from = page.back().key + '\0';
    }
    ASSERT_EQ(keys.size(), 99U);
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  }
}

TEST_P(StoreConformance, ItemsAndRecordsOfOneTransactionComeTogether) {
  open();
  shard().commit(one_item(1, queued(LaneId(1), now_), "message"));
  Transaction answered;
  answered.finish(1);
  answered.put(Table::kCorrelations, "carrier/4711", as_bytes("1"), now_ + 1h);
  answered.put(Table::kOutcomes, "1", as_bytes("accepted"), now_ + 1h);
  answered.enqueue(2, queued(LaneId(2), now_), as_bytes("receipt"));
  shard().commit(answered, Intake::kOwed);
  EXPECT_FALSE(shard().item(1));
  EXPECT_EQ(shard().get(Table::kCorrelations, "carrier/4711"), "1");
  EXPECT_EQ(shard().get(Table::kOutcomes, "1"), "accepted");
  EXPECT_EQ(shard().item(2)->body, "receipt");
}

TEST_P(StoreConformance, RecordsOfSharedTablesAreFoundThroughEveryPartition) {
  open(3);
  for (unsigned i = 0; i < 3; ++i) shard(i).commit(one_record(Table::kFacts, "by " + std::to_string(i), "x"));
  for (unsigned i = 0; i < 3; ++i) {
    // Soon: what another partition wrote may still be on its way to the tables.
    shard(i).turn_until([&] { return shard(i).scan(Table::kFacts).size() == 3; }, "the records of the others");
  }
}

}  // namespace smppd::store::conformance
