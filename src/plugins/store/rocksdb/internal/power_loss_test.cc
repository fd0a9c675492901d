// The machine loses power at a random instant, again and again: what was durable is there, what was done stays done.
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "plugins/store/conformance/driver.h"
#include "plugins/store/conformance/simulated_disk.h"
#include "plugins/store/rocksdb/rocks_store.h"

namespace smppd::plugins::rocks_store {

using store::conformance::Shard;
using store::conformance::SimulatedDisk;

namespace {

constexpr store::LaneId kLane{2};

// What each number may be after the crash: the state that was durable, or any later one.
class Ledger {
 public:
  void changed(store::ItemId id, store::Sequence sequence, std::optional<std::string> body) {
    histories_[id].push_back({sequence, std::move(body)});
  }
  void durable_at(store::Sequence durable) { durable_ = durable; }
  void crashed(const std::map<store::ItemId, std::string>& found) {
    for (const auto& [id, body] : found) EXPECT_TRUE(histories_.contains(id)) << "an item nobody made: " << id;
    for (auto& [id, history] : histories_) {
      const auto at = found.find(id);
      const std::optional<std::string> now = at == found.end() ? std::nullopt : std::optional(at->second);
      std::size_t first = 0;
      for (std::size_t i = 0; i < history.size(); ++i) {
        if (history[i].sequence <= durable_) first = i;
      }
      const bool any_was_durable = !history.empty() && history[first].sequence <= durable_;
      bool allowed = !any_was_durable && !now;
      for (std::size_t i = first; i < history.size(); ++i) allowed = allowed || history[i].body == now;
      EXPECT_TRUE(allowed) << "item " << id << (now ? " came back or is not what it was" : " is lost");
      history = {{0, now}};
    }
  }

 private:
  struct Step {
    store::Sequence sequence = 0;
    std::optional<std::string> body;
  };
  std::map<store::ItemId, std::vector<Step>> histories_;
  store::Sequence durable_ = 0;
};

class PowerLoss : public testing::TestWithParam<int> {};

void work(Shard& shard, Ledger& ledger, std::mt19937_64& random, store::ItemId& next, store::Moment now) {
  const std::uint64_t steps = 20 + random() % 400;
  for (std::uint64_t step = 0; step < steps; ++step) {
    store::Transaction transaction;
    std::vector<std::pair<store::ItemId, std::optional<std::string>>> changes;
    for (std::uint64_t i = 0; i <= random() % 3; ++i) {
      if (random() % 5 < 2 || next < 50) {
        std::string body(random() % 900, static_cast<char>('a' + next % 26));
        store::Progress progress = store::conformance::queued(kLane, now);
        progress.held = random() % 3 == 0;  // only until the crash
        transaction.enqueue(++next, progress, as_bytes(body));
        changes.emplace_back(next, std::move(body));
      } else {
        const store::ItemId id = next - random() % 49;
        transaction.finish(id);
        changes.emplace_back(id, std::nullopt);
      }
    }
    const store::Sequence sequence = shard.append(transaction, store::Intake::kOwed);
    if (sequence == 0) continue;  // the disk refuses at the moment
    for (auto& [id, body] : changes) ledger.changed(id, sequence, std::move(body));
    if (random() % 8 == 0) shard.turn();
    if (random() % 150 == 0) shard.wait_durable(sequence);
  }
}

}  // namespace

TEST_P(PowerLoss, LosesNothingThatWasDurableAndBringsNothingBack) {
  store::conformance::TemporaryDirectory directory;
  SimulatedDisk disk;
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  Ledger ledger;
  const store::Moment now{std::chrono::milliseconds(1'800'000'000'000)};
  store::ItemId next = 0;
  for (int life = 0; life < 12 && !testing::Test::HasFailure(); ++life) {
    SCOPED_TRACE(life);
    store::StoreOptions options;
    options.path = directory.path();
    options.disk = &disk;
    options.segment_bytes = 64 * 1024;
    options.reserve_bytes = 64 * 1024;
    auto opened = kRocksStore.open(options);
    ASSERT_TRUE(opened) << opened.error();
    Shard shard((*opened)->partition(0), now);
    shard.turn();
    std::map<store::ItemId, std::string> found;
    for (auto& item : shard.take(kLane, 1'000'000)) {
      EXPECT_FALSE(item.damaged);
      EXPECT_TRUE(found.emplace(item.id, item.body).second);
      shard.partition().put_back(item.id, now);
    }
    ledger.crashed(found);
    // Some lives have a disk that fails now and then.
    disk.failures_left = 0;
    disk.write_error = random() % 4 == 0 ? EIO : 0;
    disk.sync_error = random() % 4 == 0 ? EIO : 0;
    if (life % 2 == 1) disk.failures_left = static_cast<int>(random() % 3);
    work(shard, ledger, random, next, now);
    disk.freeze();
    shard.turn();  // what was told until now counts
    const store::Sequence durable = shard.durable();
    opened->reset();
    disk.crash(random());
    // Judged with the next life's eyes: every state since the durable one is allowed.
    ledger.durable_at(durable);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerLoss, testing::Range(1, 13));

}  // namespace smppd::plugins::rocks_store
