#include "plugins/store/rocksdb/internal/fresh_records.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace smppd::plugins::rocks_store {

namespace {

void put(FreshRecords& records, std::string_view key, std::string_view value) {
  std::vector<std::uint8_t> octets;
  FreshRecords::write(octets, 'o', key, as_bytes("<"), as_bytes(value));
  records.add(octets);
}

void erase(FreshRecords& records, std::string_view key) {
  std::vector<std::uint8_t> octets;
  FreshRecords::write_erased(octets, 'o', key);
  records.add(octets);
}

std::vector<std::string> listed(FreshRecords& records) {
  std::vector<std::string> found;
  records.for_each_sorted([&](const FreshRecords::Record& record) {
    found.push_back(std::string(record.key) + (record.erased ? "!" : std::string(record.value)));
    return true;
  });
  return found;
}

}  // namespace

TEST(FreshRecords, ListsEachKeyOnceInOrderWithWhatItHasAtLast) {
  FreshRecords records;
  put(records, "b", "1");
  put(records, "long key, second", "2");
  put(records, "a", "3");
  put(records, "long key, first", "4");
  put(records, "b", "5");
  erase(records, "a");
  put(records, "", "6");
  EXPECT_EQ(listed(records),
            (std::vector<std::string>{"o<6", "oa!", "ob<5", "olong key, first<4", "olong key, second<2"}));
}

TEST(FreshRecords, FindsTheLastOfAKeyAlsoWhenMoreComeAfterALook) {
  FreshRecords records;
  EXPECT_FALSE(records.find("oa"));
  put(records, "a", "1");
  EXPECT_EQ(records.find("oa")->value, "<1");
  EXPECT_FALSE(records.find("ob"));
  put(records, "b", "2");
  put(records, "a", "3");
  EXPECT_EQ(records.find("oa")->value, "<3");
  EXPECT_EQ(records.find("ob")->value, "<2");
  erase(records, "b");
  EXPECT_TRUE(records.find("ob")->erased);
}

// Several blocks, records of every size, many keys twice, looks in between; and the same again in used memory.
TEST(FreshRecords, ManyRecordsAreWhatAMapOfThemIs) {
  FreshRecords records;
  std::mt19937_64 random(7);
  for (int round = 0; round < 2; ++round) {
    std::map<std::string, std::string> wanted;
    std::vector<std::uint8_t> octets;
    for (int i = 0; i < 20'000; ++i) {
      std::string key = "o" + std::to_string(random() % 15'000);
      if (random() % 10 == 0) key.resize(1 + random() % 300, 'x');
      const bool erased = random() % 8 == 0;
      const std::string value(random() % (random() % 500 == 0 ? 400'000 : 300), static_cast<char>('a' + i % 26));
      if (erased) {
        FreshRecords::write_erased(octets, 'o', key.substr(1));
      } else {
        FreshRecords::write(octets, 'o', key.substr(1), {}, as_bytes(value));
      }
      wanted[key] = erased ? "!" : value;
      if (random() % 20 != 0) continue;
      records.add(octets);
      octets.clear();
      const auto found = records.find(key);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->erased ? "!" : std::string(found->value), wanted[key]);
    }
    records.add(octets);
    EXPECT_GT(records.bytes(), 2 * FreshRecords::kBlock);
    auto next = wanted.begin();
    records.for_each_sorted([&](const FreshRecords::Record& record) {
      EXPECT_EQ(record.key, next->first);
      EXPECT_EQ(record.erased ? "!" : std::string(record.value), next->second);
      ++next;
      return !testing::Test::HasFailure();
    });
    EXPECT_EQ(next, wanted.end());
    records.clear();
    EXPECT_TRUE(records.empty());
    EXPECT_FALSE(records.find(wanted.begin()->first));
  }
}

TEST(FreshRecords, AVisitorThatHasEnoughEndsIt) {
  FreshRecords records;
  for (const char* key : {"a", "b", "c"}) put(records, key, "");
  int seen = 0;
  records.for_each_sorted([&](const FreshRecords::Record&) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

}  // namespace smppd::plugins::rocks_store
