#include "flow/internal/index_table.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace smppd::flow::internal {
namespace {

// A table and what it should hold: the hash of each index, and whether it is in.
class Model {
 public:
  explicit Model(std::uint32_t bound) : table_(bound), hashes_(bound), in_(bound) {}

  void insert(std::uint32_t index, std::uint32_t hash) {
    hashes_[index] = hash;
    in_[index] = true;
    const auto hash_of = [this](std::uint32_t i) {
      ++looked_at_;
      return hashes_[i];
    };
    ASSERT_TRUE(table_.insert_or_replace(hash, index, [](std::uint32_t) { return false; }, hash_of));
  }
  void erase(std::uint32_t index) {
    ASSERT_EQ(table_.erase(hashes_[index], index), in_[index]) << index;
    in_[index] = false;
  }
  void check() const {
    for (std::uint32_t index = 0; index < hashes_.size(); ++index) {
      const auto found = table_.find(hashes_[index], [&](std::uint32_t i) { return i == index; });
      ASSERT_EQ(found, in_[index] ? index : IndexTable::kNone) << index;
    }
  }
  // How many of those that are in look() does not miss.
  [[nodiscard]] std::size_t seen() const {
    std::size_t count = 0;
    for (std::uint32_t index = 0; index < hashes_.size(); ++index) {
      table_.look(hashes_[index], [&](std::uint32_t i) { count += i == index ? 1U : 0U; });
    }
    return count;
  }
  [[nodiscard]] std::size_t records_looked_at() const { return looked_at_; }

 private:
  IndexTable table_;
  std::vector<std::uint32_t> hashes_;
  std::vector<bool> in_;
  std::size_t looked_at_ = 0;
};

std::uint32_t any_hash(std::mt19937_64& random) { return static_cast<std::uint32_t>(random()); }
// All of them name the same four lines, so that many lie far from theirs.
std::uint32_t crowded_hash(std::mt19937_64& random) { return any_hash(random) & ~0x3CU; }

void run(std::uint32_t bound, std::uint32_t (*next_hash)(std::mt19937_64&)) {
  std::mt19937_64 random(bound);
  Model model(bound);
  for (std::uint32_t index = 0; index < bound; ++index) {
    model.insert(index, next_hash(random));
    if (random() % 4 == 0) {  // another takes its place, under another hash
      const auto gone = static_cast<std::uint32_t>(random() % (index + 1));
      model.erase(gone);
      if (random() % 2 == 0) model.insert(gone, next_hash(random));
    }
  }
  model.check();
}

TEST(IndexTable, FindsWhatIsInAndNothingElseWhileItGrows) {
  run(3'000, any_hash);
  run(200'000, any_hash);  // beyond the size from which a split knows the hashes by its lines
}

TEST(IndexTable, ALookSeesNearlyAllWhereTheyAreLookedForFirst) {
  std::mt19937_64 random(5);
  constexpr std::uint32_t kCount = 100'000;
  Model model(kCount);
  for (std::uint32_t index = 0; index < kCount; ++index) model.insert(index, any_hash(random));
  EXPECT_GT(model.seen(), kCount * 97 / 100);
}

TEST(IndexTable, FindsWhatLiesFarFromTheLineThatItsHashNames) { run(100'000, crowded_hash); }

TEST(IndexTable, ASplitOfALargeTableLooksAtFewRecords) {
  constexpr std::uint32_t kGrown = 100'000;
  std::mt19937_64 random(7);
  Model model(2 * kGrown);
  for (std::uint32_t index = 0; index < kGrown; ++index) model.insert(index, any_hash(random));
  const auto before = model.records_looked_at();
  for (std::uint32_t index = kGrown; index < 2 * kGrown; ++index) model.insert(index, any_hash(random));
  EXPECT_LT(model.records_looked_at() - before, kGrown / 20);
}

TEST(IndexTable, ALineThatTooManyPassedToCountIsPassedForGood) {
  IndexLine line;
  EXPECT_FALSE(line.passed());
  line.pass();
  line.unpass();
  EXPECT_FALSE(line.passed());
  for (int i = 0; i < 300; ++i) line.pass();
  for (int i = 0; i < 300; ++i) line.unpass();
  EXPECT_TRUE(line.passed());
}

TEST(IndexTable, ASlotKeepsItsOwnDistanceAndBits) {
  IndexLine line;
  for (std::uint32_t at = 0; at < IndexLine::kSlots; ++at) line.put(at, at + 1, static_cast<std::uint8_t>(at), at % 5);
  line.pass();
  line.put(3, 99, 7, 1);
  for (std::uint32_t at = 0; at < IndexLine::kSlots; ++at) {
    EXPECT_EQ(line[at], at == 3 ? 99 : at + 1);
    EXPECT_EQ(line.more(at), at == 3 ? 7 : at);
    EXPECT_EQ(line.distance(at), at == 3 ? 1U : std::min(at % 5, IndexLine::kFar));
  }
  EXPECT_TRUE(line.passed());
  EXPECT_EQ(line.free(), 0U);
  line.clear(5);
  EXPECT_EQ(line.free(), 1U << 5U);
}

}  // namespace
}  // namespace smppd::flow::internal
