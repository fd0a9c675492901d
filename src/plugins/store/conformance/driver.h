// Drives one store as a shard would, but waits for each answer, so that a test reads as a list of claims. A backend
// joins the suite by one line in its own test program:
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(Backend{&kMemoryStore, Durability::kNone}));
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/time.h"
#include "store/store.h"

namespace smppd::store::conformance {

struct Backend {
  const StorePlugin* plugin = nullptr;
  Durability durability = Durability::kNone;
};

void PrintTo(const Backend& backend, std::ostream* out);

// A directory of its own, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

struct KeptItem {
  ItemId id = 0;
  Progress progress;
  std::string body;
  bool damaged = false;
  bool operator==(const KeptItem&) const = default;
};
struct KeptRecord {
  std::string key;
  std::string value;
  Moment expires{};
  bool operator==(const KeptRecord&) const = default;
};
struct KeptAnswer {
  std::vector<KeptItem> items;
  std::vector<KeptRecord> records;
  bool more = false;
  bool failed = false;
};

// One partition and what it told.
class Shard final : public Consumer {
 public:
  Shard(Partition& partition, const Moment& now);

  [[nodiscard]] Partition& partition() noexcept { return partition_; }
  // Turns until `done`; a test failure after 20 seconds.
  void turn_until(const std::function<bool()>& done, const char* what);
  void turn() { partition_.turn(now_); }

  Sequence append(const Transaction& transaction, Intake intake = Intake::kNew);
  void wait_durable(Sequence sequence);
  // Both of the above; fails the test when it is refused.
  void commit(const Transaction& transaction, Intake intake = Intake::kNew);
  KeptAnswer read(ReadRequest request);
  // Asked in one turn, answered in one if the store is quick.
  std::vector<KeptAnswer> read_together(std::vector<ReadRequest> requests);

  std::vector<KeptItem> take(LaneId lane, std::uint32_t limit = 1000);
  std::optional<KeptItem> item(ItemId id);
  std::optional<std::string> get(Table table, std::string_view key);
  std::vector<KeptRecord> scan(Table table, std::string_view from = {}, std::uint32_t limit = 1000);

  [[nodiscard]] Sequence durable() const noexcept { return durable_; }
  [[nodiscard]] Room room() const noexcept { return room_; }
  std::vector<LaneId> ready;
  std::vector<ItemId> expired;

  void on_durable(Sequence last) noexcept override;
  void on_read(const ReadAnswer& answer) noexcept override;
  void on_ready(LaneId lane) noexcept override { ready.push_back(lane); }
  void on_expired(std::span<const ItemId> items) noexcept override;
  void on_room(Room room) noexcept override { room_ = room; }

 private:
  Partition& partition_;
  const Moment& now_;
  Sequence durable_ = 0;
  Room room_ = Room::kOpen;
  std::uint64_t next_tag_ = 1;
  std::map<std::uint64_t, KeptAnswer> answers_;
};

class StoreConformance : public testing::TestWithParam<Backend> {
 protected:
  // Opens (again) with so many shards; fails the test when it is refused.
  void open(unsigned shards = 1);
  void close();
  Shard& shard(unsigned index = 0) { return *shards_[index]; }
  [[nodiscard]] unsigned shards() const noexcept { return static_cast<unsigned>(shards_.size()); }
  [[nodiscard]] bool durable() const { return GetParam().plugin->capabilities.keeps_over_restart; }

  TemporaryDirectory directory_;
  StoreOptions options_;
  Moment now_{std::chrono::milliseconds(1'800'000'000'000)};
  std::unique_ptr<Store> store_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

// Only for what survives the end of the process: backends of other capabilities are not asked.
class StoreRestart : public StoreConformance {};

[[nodiscard]] Progress queued(LaneId lane, Moment due, std::uint8_t state = 1);
[[nodiscard]] Transaction one_item(ItemId id, const Progress& progress, std::string_view body);

}  // namespace smppd::store::conformance
