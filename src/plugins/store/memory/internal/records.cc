#include "plugins/store/memory/internal/records.h"

#include <algorithm>

namespace smppd::plugins::memory_store {

namespace {

// What a record costs beside its octets.
constexpr std::uint64_t kRecordOverhead = 160;
constexpr std::size_t kSweptAtOnce = 1024;
constexpr std::size_t kBucketsAtOnce = 16 * 1024;

}  // namespace

Records::Records(std::uint64_t max_bytes) : max_bytes_(max_bytes), buckets_(kBuckets, kNone) {}

Records::~Records() {
  by_key_.for_each([this](const Slot& slot) {
    const Node& node = at(slot.index);
    octets_.give_back(node.octets, std::size_t{node.key_size} + node.value_size);
  });
}

std::uint64_t Records::hash_of(store::Table table, std::string_view key) noexcept {
  std::uint64_t hash = 0x9E3779B97F4A7C15ULL * static_cast<std::uint8_t>(table) + key.size();
  for (; key.size() >= sizeof hash; key.remove_prefix(sizeof hash)) {
    hash = store::mix(hash ^ load_be<std::uint64_t>(as_bytes(key).data()));
  }
  std::uint64_t rest = 0;
  if (!key.empty()) std::memcpy(&rest, key.data(), key.size());
  return rest == 0 ? hash : store::mix(hash ^ rest);
}

bool Records::in_order(store::Table table) noexcept {
  return table != store::Table::kCorrelations && table != store::Table::kOutcomes;
}

std::string Records::name_of(store::Table table, std::string_view key) {
  std::string whole(1, static_cast<char>(table));
  whole += key;
  return whole;
}

Records::Slot* Records::find_slot(std::uint64_t hash, store::Table table, std::string_view key) noexcept {
  return by_key_.find(hash, [&](const Slot& slot) {
    if (slot.hash != static_cast<std::uint32_t>(hash >> 32)) return false;
    const Node& node = at(slot.index);
    return node.table == table && key_of(node) == key;
  });
}

void Records::join_arrivals(Index index) noexcept {
  Node& node = at(index);
  node.arrival = {outcomes_.newest, kNone};
  (outcomes_.newest == kNone ? outcomes_.oldest : at(outcomes_.newest).arrival.newer) = index;
  outcomes_.newest = index;
}

void Records::leave_arrivals(const Node& node) noexcept {
  (node.arrival.older == kNone ? outcomes_.oldest : at(node.arrival.older).arrival.newer) = node.arrival.newer;
  (node.arrival.newer == kNone ? outcomes_.newest : at(node.arrival.newer).arrival.older) = node.arrival.older;
}

// Behind the tick of its expiry, and behind the bucket that is being swept.
void Records::join_bucket(Index index) noexcept {
  Node& node = at(index);
  node.bucket = kNoBucket;
  if (node.expires >= store::kNever) return;
  const std::int64_t tick = (node.expires.time_since_epoch().count() >> kTickBits) + 1;
  node.bucket = static_cast<std::uint32_t>(std::max(tick, swept_.load(std::memory_order_relaxed) + 2)) % kBuckets;
  Index& first = buckets_[node.bucket];
  node.expiry = {first, kNone};
  if (first != kNone) at(first).expiry.newer = index;
  first = index;
}

void Records::leave_bucket(Index index) noexcept {
  const Node& node = at(index);
  if (node.bucket == kNoBucket) return;
  if (sweep_at_ == index) sweep_at_ = node.expiry.older;
  (node.expiry.newer == kNone ? buckets_[node.bucket] : at(node.expiry.newer).expiry.older) = node.expiry.older;
  if (node.expiry.older != kNone) at(node.expiry.older).expiry.newer = node.expiry.newer;
}

Records::Index Records::new_node() {
  if (!free_.empty()) {
    const Index index = free_.back();
    free_.pop_back();
    return index;
  }
  if (unused_ >> kBlockBits >= nodes_.size()) nodes_.push_back(std::make_unique<Node[]>(std::size_t{1} << kBlockBits));
  return unused_++;
}

void Records::remove(std::uint64_t hash, Slot* slot) noexcept {
  const Index index = slot->index;
  by_key_.erase(hash, slot, [](const Slot& each) { return std::uint64_t{each.hash} << 32; });
  Node& node = at(index);
  leave_bucket(index);
  if (node.table == store::Table::kOutcomes) leave_arrivals(node);
  if (in_order(node.table)) ordered_.erase(name_of(node.table, key_of(node)));
  const std::size_t size = std::size_t{node.key_size} + node.value_size;
  bytes_.fetch_sub(size + kRecordOverhead, std::memory_order_relaxed);
  octets_.give_back(node.octets, size);
  node.octets = nullptr;
  free_.push_back(index);
}

void Records::remove(Index index) noexcept {
  const Node& node = at(index);
  const std::uint64_t hash = hash_of(node.table, key_of(node));
  remove(hash, by_key_.find(hash, [index](const Slot& slot) { return slot.index == index; }));
}

std::uint64_t Records::put(store::Table table, std::string_view key, ByteSpan value, store::Moment expires) {
  const std::uint64_t hash = hash_of(table, key);
  const std::lock_guard lock(mutex_);
  if (Slot* old = find_slot(hash, table, key); old != nullptr) remove(hash, old);
  const Index index = new_node();
  Node& node = at(index);
  node.octets = octets_.take(key.size() + value.size());
  std::memcpy(node.octets, key.data(), key.size());
  if (!value.empty()) std::memcpy(node.octets + key.size(), value.data(), value.size());
  node.key_size = static_cast<std::uint16_t>(key.size());
  node.value_size = static_cast<std::uint32_t>(value.size());
  node.table = table;
  node.expires = expires;
  node.hash = static_cast<std::uint32_t>(hash >> 32);
  join_bucket(index);
  if (table == store::Table::kOutcomes) join_arrivals(index);
  if (in_order(table)) ordered_.emplace(name_of(table, key), index);
  by_key_.insert(hash, {index, node.hash}, [](const Slot& each) { return std::uint64_t{each.hash} << 32; });
  bytes_.fetch_add(key.size() + value.size() + kRecordOverhead, std::memory_order_relaxed);
  std::uint64_t evicted = 0;
  for (; full() && outcomes_.oldest != kNone; ++evicted) remove(outcomes_.oldest);
  return evicted;
}

void Records::erase(store::Table table, std::string_view key) {
  const std::uint64_t hash = hash_of(table, key);
  const std::lock_guard lock(mutex_);
  if (Slot* old = find_slot(hash, table, key); old != nullptr) remove(hash, old);
}

void Records::copy(const Node& node, std::vector<Record>& found) const {
  found.push_back({std::string(key_of(node)), std::string(as_text(value_of(node))), node.expires});
}

bool Records::find(store::Table table, std::string_view key, store::Moment now, std::vector<Record>& found) {
  const std::uint64_t hash = hash_of(table, key);
  const std::lock_guard lock(mutex_);
  const Slot* slot = find_slot(hash, table, key);
  if (slot != nullptr && at(slot->index).expires > now) copy(at(slot->index), found);
  return false;
}

bool Records::scan_all(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
                       std::vector<Record>& found) {
  std::vector<Index> chosen;
  by_key_.for_each([&](const Slot& slot) {
    const Node& node = at(slot.index);
    if (node.table == table && node.expires > now && key_of(node) >= from) chosen.push_back(slot.index);
  });
  const std::size_t count = std::min(limit, chosen.size());
  std::partial_sort(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(count), chosen.end(),
                    [this](Index a, Index b) { return key_of(at(a)) < key_of(at(b)); });
  for (std::size_t i = 0; i < count; ++i) copy(at(chosen[i]), found);
  return chosen.size() > count;
}

bool Records::scan(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
                   std::vector<Record>& found) {
  const std::lock_guard lock(mutex_);
  if (!in_order(table)) return scan_all(table, from, limit, now, found);
  for (auto each = ordered_.lower_bound(name_of(table, from)); each != ordered_.end(); ++each) {
    if (each->first[0] != static_cast<char>(table)) return false;
    const Node& node = at(each->second);
    if (node.expires <= now) continue;
    if (found.size() == limit) return true;
    copy(node, found);
  }
  return false;
}

// Bucket by bucket up to the tick `until`, within what one turn may spend.
void Records::sweep(std::int64_t until, store::Moment now) noexcept {
  std::int64_t swept = swept_.load(std::memory_order_relaxed);
  if (until - swept > std::int64_t{kBuckets}) {
    swept = by_key_.size() == 0 ? until : until - std::int64_t{kBuckets};
    sweep_at_ = kNone;
  }
  std::size_t looked_at = 0;
  for (std::size_t buckets = 0; swept < until && buckets < kBucketsAtOnce; ++buckets) {
    if (sweep_at_ == kNone) sweep_at_ = buckets_[static_cast<std::uint64_t>(swept + 1) % kBuckets];
    while (sweep_at_ != kNone && looked_at < kSweptAtOnce) {
      const Index index = sweep_at_;
      sweep_at_ = at(index).expiry.older;
      ++looked_at;
      if (at(index).expires <= now) remove(index);
    }
    if (sweep_at_ != kNone) break;
    ++swept;
  }
  swept_.store(swept, std::memory_order_relaxed);
}

void Records::expire(store::Moment now) {
  const std::int64_t until = now.time_since_epoch().count() >> kTickBits;
  if (until <= swept_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  sweep(until, now);
}

}  // namespace smppd::plugins::memory_store
