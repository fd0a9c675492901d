#include "plugins/store/conformance/driver.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <thread>

namespace smppd::store::conformance {

void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.plugin->name; }

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "smppd-store-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  path_ = name;
}
TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Shard::Shard(Partition& partition, const Moment& now) : partition_(partition), now_(now) {
  partition_.attach(*this, [] {});
}

void Shard::turn_until(const std::function<bool()>& done, const char* what) {
  std::chrono::steady_clock::duration waited{};
  auto last = std::chrono::steady_clock::now();
  partition_.turn(now_);
  while (!done()) {
    const auto now = std::chrono::steady_clock::now();
    waited +=
        std::min<std::chrono::steady_clock::duration>(now - last, 10ms);  // the whole process may have been stopped
    last = now;
    if (waited > 20s) {
      ADD_FAILURE() << "never came: " << what;
      return;
    }
    std::this_thread::sleep_for(50us);
    partition_.turn(now_);
  }
}

Sequence Shard::append(const Transaction& transaction, Intake intake) { return partition_.append(transaction, intake); }

void Shard::wait_durable(Sequence sequence) {
  turn_until([&] { return durable_ >= sequence; }, "durability");
}

void Shard::commit(const Transaction& transaction, Intake intake) {
  const Sequence sequence = append(transaction, intake);
  ASSERT_NE(sequence, 0U) << "refused";
  wait_durable(sequence);
}

KeptAnswer Shard::read(ReadRequest request) {
  request.tag = next_tag_++;
  partition_.read(request);
  turn_until([&] { return answers_.contains(request.tag); }, "an answer");
  auto answer = std::move(answers_[request.tag]);
  answers_.erase(request.tag);
  EXPECT_FALSE(answer.failed);
  return answer;
}

std::vector<KeptAnswer> Shard::read_together(std::vector<ReadRequest> requests) {
  const std::uint64_t first = next_tag_;
  for (ReadRequest& request : requests) {
    request.tag = next_tag_++;
    partition_.read(request);
  }
  turn();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::vector<KeptAnswer> answers;
  for (std::uint64_t tag = first; tag < next_tag_; ++tag) {
    turn_until([&] { return answers_.contains(tag); }, "an answer");
    answers.push_back(std::move(answers_[tag]));
    answers_.erase(tag);
  }
  return answers;
}

std::vector<KeptItem> Shard::take(LaneId lane, std::uint32_t limit) {
  ReadRequest request;
  request.kind = ReadRequest::Kind::kTake;
  request.lane = lane;
  request.limit = limit;
  return read(request).items;
}

std::optional<KeptItem> Shard::item(ItemId id) {
  ReadRequest request;
  request.kind = ReadRequest::Kind::kItem;
  request.id = id;
  auto items = read(request).items;
  if (items.empty()) return std::nullopt;
  return items.front();
}

std::optional<std::string> Shard::get(Table table, std::string_view key) {
  ReadRequest request;
  request.kind = ReadRequest::Kind::kGet;
  request.table = table;
  request.key = key;
  auto records = read(request).records;
  if (records.empty()) return std::nullopt;
  EXPECT_EQ(records.front().key, key);
  return records.front().value;
}

std::vector<KeptRecord> Shard::scan(Table table, std::string_view from, std::uint32_t limit) {
  ReadRequest request;
  request.kind = ReadRequest::Kind::kScan;
  request.table = table;
  request.key = from;
  request.limit = limit;
  return read(request).records;
}

void Shard::on_durable(Sequence last) noexcept {
  EXPECT_GT(last, durable_);
  durable_ = last;
}

void Shard::on_read(const ReadAnswer& answer) noexcept {
  KeptAnswer kept;
  for (const auto& item : answer.items) {
    kept.items.push_back({item.id, item.progress, std::string(as_text(item.body)), item.damaged});
  }
  for (const auto& record : answer.records) {
    kept.records.push_back({std::string(record.key), std::string(as_text(record.value)), record.expires});
  }
  kept.more = answer.more;
  kept.failed = answer.failed;
  EXPECT_TRUE(answers_.emplace(answer.tag, std::move(kept)).second) << "answered twice";
}

void Shard::on_expired(std::span<const ItemId> items) noexcept {
  EXPECT_FALSE(items.empty());
  EXPECT_LE(items.size(), Partition::kExpiredAtOnce);
  expired.insert(expired.end(), items.begin(), items.end());
}

void StoreConformance::open(unsigned shards) {
  close();
  options_.path = directory_.path();
  options_.durability = GetParam().durability;
  options_.shards = shards;
  auto opened = GetParam().plugin->open(options_);
  ASSERT_TRUE(opened) << opened.error();
  store_ = std::move(*opened);
  for (unsigned i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(store_->partition(i), now_));
    shards_.back()->turn();  // the clock of the test, which is not the one that opening went by
  }
}

void StoreConformance::close() {
  // Partitions may wake a shard until the store is gone.
  store_.reset();
  shards_.clear();
}

Progress queued(LaneId lane, Moment due, std::uint8_t state) {
  Progress progress;
  progress.lane = lane;
  progress.due = due;
  progress.state = state;
  return progress;
}

Transaction one_item(ItemId id, const Progress& progress, std::string_view body) {
  Transaction transaction;
  transaction.enqueue(id, progress, as_bytes(body));
  return transaction;
}

}  // namespace smppd::store::conformance
