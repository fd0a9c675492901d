#include "plugins/store/memory/internal/memory_partition.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace smppd::plugins::memory_store {

using store::Change;
using store::ItemIndex;

// What a body costs beside its octets.
constexpr std::uint64_t kItemOverhead = 96;
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

MemoryPartition::~MemoryPartition() {
  for (const ByteSpan body : bodies_) free_octets(body);
}

void MemoryPartition::free_octets(ByteSpan body) noexcept {
  if (body.data() != nullptr) octets_.give_back(const_cast<std::uint8_t*>(body.data()), body.size());
}

void MemoryPartition::forget(ItemIndex::Index index) {
  const auto place = index_.place(index);
  const ByteSpan body = std::exchange(bodies_[place.position], {});
  bytes_ -= body.size() + kItemOverhead;
  if (answering_) {
    retired_.push_back(body);
  } else {
    free_octets(body);
  }
  free_bodies_.push_back(place.position);
  index_.remove(index);
}

void MemoryPartition::apply(const Change& change) {
  if (change.kind == Change::Kind::kPut) {
    evicted_ += records_.put(change.table, change.key, change.body, change.expires);
    return;
  }
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
    std::uint8_t* at = octets_.take(change.body.size());
    if (!change.body.empty()) std::memcpy(at, change.body.data(), change.body.size());
    bodies_[slot] = {at, change.body.size()};
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

bool MemoryPartition::take(const store::ReadRequest& request) {
  taken_.clear();
  const bool more = index_.take(request.lane, request.limit, taken_);
  for (const ItemIndex::Index index : taken_) items_.push_back(view_of(index));
  return more;
}

bool MemoryPartition::marked(const store::ReadRequest& request) {
  taken_.clear();
  (void)index_.marked(request.mark, SIZE_MAX, taken_);
  const bool more = taken_.size() > request.limit;
  taken_.resize(std::min<std::size_t>(taken_.size(), request.limit));
  for (const ItemIndex::Index index : taken_) items_.push_back(view_of(index));
  return more;
}

// The consumer may finish what it is given while it looks at it: its octets stay until the answer is over.
void MemoryPartition::answer(const Question& question) {
  const store::ReadRequest& request = question.request;
  items_.clear();
  found_.clear();
  records_found_.clear();
  bool more = false;
  switch (request.kind) {
    case store::ReadRequest::Kind::kTake: more = take(request); break;
    case store::ReadRequest::Kind::kItem:
      if (const auto index = index_.find(request.id); index != ItemIndex::kNone) items_.push_back(view_of(index));
      break;
    case store::ReadRequest::Kind::kClaim:
      if (const auto index = index_.find(request.id); index != ItemIndex::kNone && index_.hold(index)) {
        items_.push_back(view_of(index));
      }
      break;
    case store::ReadRequest::Kind::kMarked: more = marked(request); break;
    case store::ReadRequest::Kind::kGet: more = records_.find(request.table, question.key, now_, found_); break;
    case store::ReadRequest::Kind::kScan:
      more = records_.scan(request.table, question.key, request.limit, now_, found_);
      break;
  }
  for (const auto& record : found_) records_found_.push_back({record.key, as_bytes(record.value), record.expires});
  answering_ = true;
  consumer().on_read({request.tag, items_, records_found_, more, false});
  answering_ = false;
  for (const ByteSpan body : retired_) free_octets(body);
  retired_.clear();
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
  records_.expire(now_);
  woken_.clear();
  bool again = index_.advance(now_, 4096, woken_);
  if (const store::Sequence durable = appended_; durable != told_) {
    told_ = durable;
    consumer().on_durable(durable);
  }
  answered_.swap(questions_);
  for (const Question& question : answered_) answer(question);
  answered_.clear();
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
