#include "plugins/store/memory/internal/memory_partition.h"

#include <algorithm>

namespace smppd::plugins::memory_store {

using store::Change;
using store::ItemIndex;

// What a body costs beside its octets.
constexpr std::uint64_t kItemOverhead = 96;
constexpr std::uint64_t kRecordOverhead = 160;

std::string Records::key_of(store::Table table, std::string_view key) {
  std::string whole(1, static_cast<char>(table));
  whole += key;
  return whole;
}

std::uint64_t Records::cost(const std::string& key, const Value& value) noexcept {
  return key.size() + value.value.size() + kRecordOverhead;
}

void Records::remove(Map::iterator at) {
  bytes_ -= cost(at->first, at->second);
  expiries_.erase({at->second.expires, at->first});
  outcomes_.erase(at->second.order);
  records_.erase(at);
}

void Records::put(store::Table table, std::string_view key, ByteSpan value, store::Moment expires) {
  const std::lock_guard lock(mutex_);
  const std::string whole = key_of(table, key);
  auto at = records_.lower_bound(whole);
  if (at != records_.end() && at->first == whole) {
    remove(at);
    at = records_.lower_bound(whole);
  }
  Value kept{std::string(as_text(value)), expires, ++order_};
  bytes_ += cost(whole, kept);
  // Mostly the latest of all.
  expiries_.insert(expiries_.end(), {expires, whole});
  if (table == store::Table::kOutcomes) outcomes_.insert(outcomes_.end(), {kept.order, whole});
  records_.insert(at, {whole, std::move(kept)});
}

void Records::erase(store::Table table, std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (const auto old = records_.find(key_of(table, key)); old != records_.end()) remove(old);
}

bool Records::find(store::Table table, std::string_view key, store::Moment now, std::vector<Record>& found) {
  const std::lock_guard lock(mutex_);
  const auto at = records_.find(key_of(table, key));
  if (at == records_.end() || at->second.expires <= now) return false;
  found.push_back({std::string(key), at->second.value, at->second.expires});
  return false;
}

bool Records::scan(store::Table table, std::string_view from, std::size_t limit, store::Moment now,
                   std::vector<Record>& found) {
  const std::lock_guard lock(mutex_);
  for (auto at = records_.lower_bound(key_of(table, from)); at != records_.end(); ++at) {
    if (at->first[0] != static_cast<char>(table)) return false;
    if (at->second.expires <= now) continue;
    if (found.size() == limit) return true;
    found.push_back({at->first.substr(1), at->second.value, at->second.expires});
  }
  return false;
}

std::uint64_t Records::shrink(store::Moment now) {
  const std::lock_guard lock(mutex_);
  while (!expiries_.empty() && expiries_.begin()->first <= now) remove(records_.find(expiries_.begin()->second));
  std::uint64_t evicted = 0;
  for (; bytes_ > max_bytes_ && !outcomes_.empty(); ++evicted) remove(records_.find(outcomes_.begin()->second));
  return evicted;
}

bool Records::full() const {
  const std::lock_guard lock(mutex_);
  return bytes_ > max_bytes_;
}

store::Room MemoryPartition::room() const {
  const bool full = index_.size() >= bounds_.items || bytes_ >= bounds_.bytes || records_.full();
  return full ? store::Room::kOwedOnly : store::Room::kOpen;
}

store::Sequence MemoryPartition::append(const store::Transaction& transaction, store::Intake intake) noexcept {
  const bool too_long = transaction.bytes().size() > store::Transaction::kMaxBytes;
  if (too_long || (intake == store::Intake::kNew && room() != store::Room::kOpen)) {
    ++refused_;
    return 0;
  }
  store::ChangeReader reader(transaction.bytes());
  Change change;
  while (reader.next(change)) apply(change);
  return ++appended_;
}

void MemoryPartition::forget(ItemIndex::Index index) {
  const auto place = index_.place(index);
  bytes_ -= bodies_[place.position].size() + kItemOverhead;
  bodies_[place.position] = {};
  free_bodies_.push_back(place.position);
  index_.remove(index);
}

void MemoryPartition::apply(const Change& change) {
  if (change.kind == Change::Kind::kPut) return records_.put(change.table, change.key, change.body, change.expires);
  if (change.kind == Change::Kind::kErase) return records_.erase(change.table, change.key);
  const ItemIndex::Index index = index_.find(change.id);
  if (change.kind == Change::Kind::kEnqueue) {
    if (index != ItemIndex::kNone) forget(index);
    if (free_bodies_.empty()) {
      free_bodies_.push_back(bodies_.size());
      bodies_.emplace_back();
    }
    const std::uint64_t slot = free_bodies_.back();
    free_bodies_.pop_back();
    bodies_[slot].assign(change.body.begin(), change.body.end());
    bytes_ += change.body.size() + kItemOverhead;
    index_.add(change.id, change.progress, {slot, 0});
  } else if (index != ItemIndex::kNone) {
    change.kind == Change::Kind::kAmend ? index_.amend(index, change.progress) : forget(index);
  }
}

void MemoryPartition::read(const store::ReadRequest& request) noexcept {
  questions_.push_back({request, std::string(request.key)});
}

bool MemoryPartition::put_back(store::ItemId id, store::Moment due) noexcept {
  const ItemIndex::Index index = index_.find(id);
  if (index == ItemIndex::kNone) return false;
  index_.put_back(index, due);
  return true;
}

store::ItemView MemoryPartition::view_of(ItemIndex::Index index) const {
  return {index_.id(index), index_.progress(index), bodies_[index_.place(index).position], false};
}

void MemoryPartition::take(const store::ReadRequest& request, std::vector<store::ItemView>& views, bool& more) {
  std::vector<ItemIndex::Index> taken;
  more = index_.take(request.lane, request.limit, taken);
  views.reserve(taken.size());
  for (const ItemIndex::Index index : taken) views.push_back(view_of(index));
}

void MemoryPartition::answer(const Question& question) {
  const store::ReadRequest& request = question.request;
  std::vector<store::ItemView> items;
  std::vector<Records::Record> found;
  std::vector<store::RecordView> records;
  bool more = false;
  switch (request.kind) {
    case store::ReadRequest::Kind::kTake: take(request, items, more); break;
    case store::ReadRequest::Kind::kItem:
      if (const auto index = index_.find(request.id); index != ItemIndex::kNone) items.push_back(view_of(index));
      break;
    case store::ReadRequest::Kind::kGet: more = records_.find(request.table, question.key, now_, found); break;
    case store::ReadRequest::Kind::kScan:
      more = records_.scan(request.table, question.key, request.limit, now_, found);
      break;
  }
  records.reserve(found.size());
  for (const auto& record : found) records.push_back({record.key, as_bytes(record.value), record.expires});
  // The consumer may finish what it is given while it looks at it: bodies move only when the answer is over.
  std::vector<std::vector<std::uint8_t>> bodies;
  bodies.reserve(items.size());
  for (auto& item : items) {
    bodies.emplace_back(item.body.begin(), item.body.end());
    item.body = bodies.back();
  }
  consumer().on_read({request.tag, items, records, more, false});
}

bool MemoryPartition::tell_expired() {
  if (now_ < next_sweep_) return false;
  expired_.clear();
  const bool more = index_.expire(now_, kExpiredAtOnce, kSweptAtOnce, expired_);
  if (!more) next_sweep_ = now_ + kSweepEvery;
  if (!expired_.empty()) consumer().on_expired(expired_);
  return more;
}

void MemoryPartition::turn(store::Moment now) noexcept {
  now_ = std::max(now_, now);
  asked_for_turn_ = false;
  evicted_ += records_.shrink(now_);
  woken_.clear();
  bool again = index_.advance(now_, 4096, woken_);
  if (const store::Sequence durable = appended_; durable != told_) {
    told_ = durable;
    consumer().on_durable(durable);
  }
  for (std::size_t left = questions_.size(); left > 0; --left) {
    const Question question = std::move(questions_.front());
    questions_.pop_front();
    answer(question);
  }
  for (const store::LaneId lane : woken_) consumer().on_ready(lane);
  again = tell_expired() || again;
  if (const store::Room now_room = room(); now_room != told_room_) {
    told_room_ = now_room;
    consumer().on_room(now_room);
  }
  // What the consumer asked for just now is answered in the next turn.
  again = again || !questions_.empty() || appended_ != told_;
  if (again && !asked_for_turn_) {
    asked_for_turn_ = true;
    wake_shard();
  }
}

store::PartitionStats MemoryPartition::stats() const {
  store::PartitionStats stats;
  stats.items = index_.size();
  stats.held = index_.held();
  stats.item_bytes = bytes_;
  stats.memory_bytes = bytes_ + index_.memory_bytes();
  stats.appended = appended_;
  stats.refused = refused_;
  stats.evicted = evicted_;
  stats.room = room();
  index_.lanes(stats.lanes);
  return stats;
}

}  // namespace smppd::plugins::memory_store
