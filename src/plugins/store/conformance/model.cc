// A store against a few maps that do the same, under random operations; durable ones with restarts in between.
#include <algorithm>
#include <random>
#include <set>

#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

namespace {

struct Model {
  std::map<ItemId, KeptItem> items;
  std::map<std::pair<Table, std::string>, std::string> records;
};

class RandomRun {
 public:
  RandomRun(Shard& shard, Model& model, Moment now, std::mt19937_64& random)
      : shard_(shard), model_(model), now_(now), random_(random) {}

  void step() {
    Transaction transaction;
    for (std::uint64_t changes = 1 + below(4); changes > 0; --changes) change(transaction);
    last_ = shard_.append(transaction, Intake::kOwed);
    ASSERT_NE(last_, 0U);
    if (below(10) == 0) shard_.turn();
    if (below(60) == 0) shard_.wait_durable(last_);
    if (below(40) == 0) take();
  }
  void settle() {
    if (last_ != 0) shard_.wait_durable(last_);
  }

  void compare() {
    for (const auto& [id, item] : model_.items) {
      const auto kept = shard_.item(id);
      ASSERT_TRUE(kept) << id;
      ASSERT_EQ(kept->body, item.body) << id;
      ASSERT_EQ(kept->progress.state, item.progress.state) << id;
      ASSERT_EQ(kept->progress.attempts, item.progress.attempts);
      ASSERT_EQ(kept->progress.lane, item.progress.lane);
      ASSERT_EQ(kept->progress.mark, item.progress.mark);
      ASSERT_EQ(kept->progress.order, item.progress.order);
      ASSERT_EQ(kept->progress.expires, item.progress.expires);
    }
    ASSERT_EQ(shard_.partition().stats().items, model_.items.size());
    for (const Table table : {Table::kCorrelations, Table::kDeadLetters}) {
      for (int i = 0; i < 60; ++i) {
        const std::string key = "key " + std::to_string(i);
        const auto expected = model_.records.find({table, key});
        const auto found = shard_.get(table, key);
        ASSERT_EQ(found.has_value(), expected != model_.records.end()) << key;
        if (!found) continue;
        ASSERT_EQ(*found, expected->second);
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  Progress progress() {
    Progress made = queued(LaneId(static_cast<std::uint32_t>(1 + below(3))), now_, static_cast<std::uint8_t>(below(9)));
    made.attempts = static_cast<std::uint16_t>(below(100));
    made.mark = static_cast<std::uint32_t>(random_());
    if (below(3) == 0) made.order = static_cast<std::uint32_t>(1 + below(20));
    if (below(3) == 0) made.expires = now_ + 1s + std::chrono::seconds(below(4000));
    if (below(3) == 0) made.due = now_ + std::chrono::seconds(below(4000));
    return made;
  }

  void change(Transaction& transaction) {
    const ItemId id = 1 + below(400);
    const Table table = below(2) == 0 ? Table::kCorrelations : Table::kDeadLetters;
    const std::string key = "key " + std::to_string(below(60));
    switch (below(6)) {
      case 0:
      case 1: {
        const KeptItem item{id, progress(), std::string(below(700), static_cast<char>('a' + below(26))), false};
        transaction.enqueue(id, item.progress, as_bytes(item.body));
        model_.items[id] = item;
        break;
      }
      case 2: {
        Progress next = progress();
        transaction.amend(id, next);
        if (const auto item = model_.items.find(id); item != model_.items.end()) {
          next.order = item->second.progress.order;
          item->second.progress = next;
        }
        break;
      }
      case 3:
        transaction.finish(id);
        model_.items.erase(id);
        break;
      case 4: {
        const std::string value = "value " + std::to_string(random_());
        transaction.put(table, key, as_bytes(value), kNever);
        model_.records[{table, key}] = value;
        break;
      }
      default: transaction.erase(table, key); model_.records.erase({table, key});
    }
  }

  [[nodiscard]] bool oldest_of_its_order(ItemId id, std::uint32_t order) const {
    const auto oldest = std::find_if(model_.items.begin(), model_.items.end(),
                                     [&](const auto& one) { return one.second.progress.order == order; });
    return order == 0 || oldest->first == id;
  }

  void take() {
    for (const auto& item : shard_.take(LaneId(static_cast<std::uint32_t>(1 + below(3))), 20)) {
      const auto expected = model_.items.find(item.id);
      ASSERT_NE(expected, model_.items.end()) << item.id;
      EXPECT_EQ(item.body, expected->second.body);
      EXPECT_TRUE(oldest_of_its_order(item.id, expected->second.progress.order)) << item.id;
      shard_.partition().put_back(item.id, now_);
      expected->second.progress.due = now_;
    }
  }

  Shard& shard_;
  Model& model_;
  Moment now_;
  std::mt19937_64& random_;
  Sequence last_ = 0;
};

}  // namespace

TEST_P(StoreConformance, RandomOperationsLeaveWhatTheModelSays) {
  options_.segment_bytes = 256 * 1024;  // many segments come and go
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Model model;
    options_.path = directory_.path();
    open();
    {
      // What the seed before left.
      Transaction clean;
      for (ItemId id = 1; id <= 400; ++id) clean.finish(id);
      for (int i = 0; i < 60; ++i) {
        clean.erase(Table::kCorrelations, "key " + std::to_string(i));
        clean.erase(Table::kDeadLetters, "key " + std::to_string(i));
      }
      shard().commit(clean, Intake::kOwed);
    }
    for (int part = 0; part < 4 && !HasFatalFailure(); ++part) {
      RandomRun run(shard(), model, now_, random);
      for (int i = 0; i < 1500 && !HasFatalFailure(); ++i) run.step();
      run.settle();
      run.compare();
      if (durable()) {
        open();
        RandomRun(shard(), model, now_, random).compare();
      }
    }
  }
}

}  // namespace smppd::store::conformance
