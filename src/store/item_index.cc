#include "store/item_index.h"

#include <algorithm>

namespace smppd::store {

namespace {
constexpr std::size_t kPutBackLooks = 1024;
constexpr std::size_t kPassedAtOnce = 1024;

std::uint64_t number_of_due(Moment moment) noexcept {
  return static_cast<std::uint64_t>(moment.time_since_epoch().count());
}
}  // namespace

ItemIndex::ItemIndex() = default;

void ItemIndex::remark(Index index, std::uint32_t before, std::uint32_t after) {
  if (before != 0) marks_->items.erase({before, index});
  if (after != 0) marks_->items.insert({after, index});
}

void ItemIndex::write(Index index, const Progress& progress) noexcept {
  Item& item = at(index);
  item.state = progress.state;
  item.lane = progress.lane.value();
  if (marks_ != nullptr && item.mark != progress.mark) [[unlikely]]
    remark(index, item.mark, progress.mark);
  item.mark = progress.mark;
  item.expires = expiry_seconds(progress.expires);
  if (item.expires != 0 && !progress.held) {
    std::uint32_t& first = first_expiry_[index >> kBlockBits];
    first = std::min(first, item.expires);
  }
  item.due_and_attempts = number_of_due(progress.due) << 16 | progress.attempts;
}

ItemIndex::Index ItemIndex::allocate() {
  if (free_ == kNone) {
    const auto first = static_cast<Index>(blocks_.size() << kBlockBits);
    blocks_.push_back(std::make_unique<Item[]>(std::size_t{1} << kBlockBits));
    first_expiry_.push_back(kNoExpiry);
    for (Index i = 1U << kBlockBits; i-- > 0;) {
      if (first + i == kNone) continue;
      at(first + i).next = free_;
      free_ = first + i;
    }
  }
  const Index index = free_;
  free_ = at(index).next;
  return index;
}

ItemIndex::Index ItemIndex::find(ItemId id) noexcept {
  const std::uint64_t hash = mix(id);
  const Slot* slot =
      by_id_.find(hash, [&](const Slot& each) { return each.hash == upper(hash) && at(each.index).id == id; });
  return slot == nullptr ? kNone : slot->index;
}

void ItemIndex::prefetch_item(ItemId id) noexcept {
  const std::uint64_t hash = mix(id);
  const Slot* slot = by_id_.find(hash, [&](const Slot& each) { return each.hash == upper(hash); });
  if (slot != nullptr) prefetch_to_write(&at(slot->index));
}

ItemIndex::Index ItemIndex::add(ItemId id, const Progress& progress, Place place) {
  const Index index = allocate();
  Item& item = at(index);
  item = Item{};
  item.id = id;
  write(index, progress);
  set_place(index, place);
  const std::uint64_t hash = mix(id);
  by_id_.insert(hash, {index, upper(hash)}, hash_of);
  ++lane_of(item).items;
  if (progress.order != 0) [[unlikely]]
    join_order(index, progress.order);
  enlist(index, progress.held);
  return index;
}

void ItemIndex::amend(Index index, const Progress& progress) {
  delist(index);
  Item& item = at(index);
  if (item.lane != progress.lane.value()) {
    --lane_of(item).items;
    item.lane = progress.lane.value();
    ++lane_of(item).items;
  }
  write(index, progress);
  enlist(index, progress.held);
}

void ItemIndex::put_back(Index index, Moment due) {
  if (at(index).list != List::kHeld || number_of_due(due) > now_) {
    Progress changed = progress(index);
    changed.due = due;
    changed.held = false;
    amend(index, changed);
    return;
  }
  Item& item = at(index);
  item.due_and_attempts = number_of_due(due) << 16 | (item.due_and_attempts & 0xFFFF);
  --held_;
  make_ready_again(index);
}

// Before what came after it: nearly always among the first, for what was taken with it is put back with it.
void ItemIndex::make_ready_again(Index index) noexcept {
  Item& item = at(index);
  Lane& lane = lane_of(item);
  const auto is_before = [&](Index one) {
    return std::pair(due_of(at(one)), at(one).id) < std::pair(due_of(item), item.id);
  };
  Index place = lane.ready.first;
  for (std::size_t seen = 0; place != kNone && seen < kPutBackLooks && is_before(place); ++seen) place = at(place).next;
  link_before(lane.ready, place, index);
  item.list = List::kReady;
  ++lane.ready_items;
  if (!lane.announced) {
    lane.announced = true;
    to_announce_.push_back(LaneId(item.lane));
  }
}

void ItemIndex::remove(Index index) noexcept {
  delist(index);
  Item& item = at(index);
  --lane_of(item).items;
  const std::uint64_t hash = mix(item.id);
  Slot* slot = by_id_.find(hash, [&](const Slot& each) { return each.index == index; });
  by_id_.erase(hash, slot, hash_of);
  if (marks_ != nullptr) remark(index, item.mark, 0);
  if (item.ordered) [[unlikely]]
    leave_order(index);
  item = Item{};
  item.next = free_;
  free_ = index;
}

void ItemIndex::join_order(Index index, std::uint32_t order) {
  if (orders_ == nullptr) orders_ = std::make_unique<Orders>();
  Item& item = at(index);
  item.ordered = true;
  orders_->items.insert({order, item.id});
  orders_->of.emplace(index, order);
}

void ItemIndex::set_order(Index index, std::uint32_t order) {
  if (at(index).ordered) leave_order(index);
  if (order != 0) join_order(index, order);
}

// Who is the first now, and has been passed by, may be taken.
void ItemIndex::leave_order(Index index) noexcept {
  const auto of = orders_->of.find(index);
  const std::uint32_t order = of->second;
  orders_->of.erase(of);
  at(index).ordered = false;
  orders_->items.erase({order, at(index).id});
  const auto first = orders_->items.lower_bound({order, 0});
  if (first == orders_->items.end() || first->first != order) return;
  const Index next = find(first->second);
  if (at(next).list == List::kBehind) make_ready_again(next);
}

bool ItemIndex::behind_another(Index index) const noexcept {
  const std::uint32_t order = orders_->of.find(index)->second;
  return orders_->items.lower_bound({order, 0})->second != at(index).id;
}

bool ItemIndex::in_order(std::uint32_t order) const noexcept {
  if (orders_ == nullptr) return false;
  const auto first = orders_->items.lower_bound({order, 0});
  return first != orders_->items.end() && first->first == order;
}

bool ItemIndex::hold(Index index) {
  if (at(index).list == List::kHeld) return false;
  delist(index);
  enlist(index, true);
  return true;
}

bool ItemIndex::marked(std::uint32_t mark, std::size_t budget, std::vector<Index>& found) {
  if (marks_ == nullptr) marks_ = std::make_unique<Marks>();
  for (std::size_t looked_at = 0; marks_->next_block < blocks_.size(); ++marks_->next_block) {
    if (looked_at >= budget) return false;
    looked_at += std::size_t{1} << kBlockBits;
    const auto base = static_cast<Index>(marks_->next_block << kBlockBits);
    for (Index index = base; index < base + (1U << kBlockBits); ++index) remark(index, 0, at(index).mark);
  }
  for (auto one = marks_->items.lower_bound({mark, 0}); one != marks_->items.end() && one->first == mark; ++one) {
    found.push_back(one->second);
  }
  return true;
}

Progress ItemIndex::progress(Index index) const noexcept {
  const Item& item = at(index);
  Progress progress;
  progress.state = item.state;
  progress.attempts = static_cast<std::uint16_t>(item.due_and_attempts & 0xFFFF);
  progress.lane = LaneId(item.lane);
  progress.due = Moment(std::chrono::milliseconds(static_cast<std::int64_t>(due_of(item))));
  progress.mark = item.mark;
  progress.expires = expiry_moment(item.expires);
  progress.held = item.list == List::kHeld;
  if (item.ordered) [[unlikely]]
    progress.order = orders_->of.find(index)->second;
  return progress;
}

ItemIndex::Place ItemIndex::place(Index index) const noexcept {
  const std::uint64_t packed = at(index).place;
  return {packed >> 16, static_cast<std::uint32_t>(packed & 0xFFFF)};
}

void ItemIndex::set_place(Index index, Place place) noexcept {
  at(index).place = place.position << 16 | (place.units & 0xFFFF);
}

ItemIndex::Lane& ItemIndex::lane_of(const Item& item) {
  if (last_lane_ == nullptr || last_lane_id_ != item.lane) {
    last_lane_ = &lanes_[item.lane];  // lanes are never erased: only the next one may move them
    last_lane_id_ = item.lane;
  }
  return *last_lane_;
}

void ItemIndex::link_last(Ends& ends, Index index) noexcept {
  Item& item = at(index);
  item.previous = ends.last;
  item.next = kNone;
  if (ends.last == kNone) {
    ends.first = index;
  } else {
    at(ends.last).next = index;
  }
  ends.last = index;
}

// kNone: at the end.
void ItemIndex::link_before(Ends& ends, Index place, Index index) noexcept {
  if (place == kNone) {
    link_last(ends, index);
    return;
  }
  Item& item = at(index);
  item.next = place;
  item.previous = at(place).previous;
  (item.previous == kNone ? ends.first : at(item.previous).next) = index;
  at(place).previous = index;
}

void ItemIndex::unlink(Ends& ends, Index index) noexcept {
  const Item& item = at(index);
  (item.previous == kNone ? ends.first : at(item.previous).next) = item.next;
  (item.next == kNone ? ends.last : at(item.next).previous) = item.previous;
}

void ItemIndex::make_ready(Index index) {
  Item& item = at(index);
  item.list = List::kReady;
  Lane& lane = lane_of(item);
  if (lane.ready.last != kNone && at(lane.ready.last).id > item.id) lane.unsorted = true;
  link_last(lane.ready, index);
  ++lane.ready_items;
  if (!lane.announced) {
    lane.announced = true;
    to_announce_.push_back(LaneId(item.lane));
  }
}

void ItemIndex::enlist(Index index, bool held) {
  Item& item = at(index);
  if (held) {
    item.list = List::kHeld;
    ++held_;
  } else if (due_of(item) <= now_) {
    make_ready(index);
  } else {
    item.list = List::kWaiting;
    link_last(waiting_[due_of(item) >> kTickBits], index);
  }
}

void ItemIndex::delist(Index index) noexcept {
  Item& item = at(index);
  switch (item.list) {
    case List::kHeld: --held_; break;
    case List::kReady: {
      Lane& lane = lane_of(item);
      unlink(lane.ready, index);
      --lane.ready_items;
      break;
    }
    case List::kWaiting: {
      const auto tick = waiting_.find(due_of(item) >> kTickBits);
      unlink(tick->second, index);
      if (tick->second.first == kNone) waiting_.erase(tick);
      break;
    }
    case List::kBehind: break;
  }
}

bool ItemIndex::take(LaneId lane_id, std::size_t limit, std::vector<Index>& taken) {
  const auto found = lanes_.find(lane_id.value());
  if (found == lanes_.end()) return false;
  Lane& lane = found->second;
  for (std::size_t passed = 0; limit > 0 && passed < kPassedAtOnce && lane.ready.first != kNone;) {
    const Index index = lane.ready.first;
    Item& item = at(index);
    unlink(lane.ready, index);
    --lane.ready_items;
    if (item.ordered && behind_another(index)) [[unlikely]] {
      item.list = List::kBehind;
      ++passed;
      continue;
    }
    item.list = List::kHeld;
    ++held_;
    taken.push_back(index);
    --limit;
  }
  lane.announced = lane.ready.first != kNone;
  return lane.announced;
}

bool ItemIndex::advance(Moment now, std::size_t budget, std::vector<LaneId>& woken) {
  now_ = std::max(now_, number_of_due(now));
  bool more = false;
  while (!waiting_.empty() && waiting_.begin()->first <= now_ >> kTickBits && !more) {
    // Of the tick that has begun, only what is due; the rest of the list stays.
    const auto tick = waiting_.begin();
    bool rest = false;
    for (Index index = tick->second.first; index != kNone;) {
      const Index next = at(index).next;
      if (due_of(at(index)) > now_) {
        rest = true;
      } else if (budget == 0) {
        more = true;
        break;
      } else {
        --budget;
        unlink(tick->second, index);
        make_ready(index);
      }
      index = next;
    }
    if (tick->second.first == kNone) waiting_.erase(tick);
    if (rest) break;
  }
  woken.insert(woken.end(), to_announce_.begin(), to_announce_.end());
  to_announce_.clear();
  return more;
}

bool ItemIndex::expire_block(std::size_t block, std::uint32_t now, std::size_t limit, std::vector<ItemId>& expired) {
  const auto base = static_cast<Index>(block << kBlockBits);
  std::uint32_t first = kNoExpiry;
  for (Index index = base; index < base + (1U << kBlockBits); ++index) {
    Item& item = at(index);
    if (item.list == List::kHeld || item.expires == 0) continue;  // what is free counts as held
    if (item.expires > now) {
      first = std::min(first, item.expires);
      continue;
    }
    if (expired.size() == limit) return true;
    delist(index);
    enlist(index, true);
    expired.push_back(item.id);
  }
  first_expiry_[block] = first;
  return false;
}

bool ItemIndex::expire(Moment now, std::size_t limit, std::size_t budget, std::vector<ItemId>& expired) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const auto now_second = static_cast<std::uint32_t>(std::clamp<std::int64_t>(second, 0, kNoExpiry - 1));
  std::size_t looked_at = 0;
  for (std::size_t left = blocks_.size(); left > 0 && looked_at < budget; --left) {
    if (sweep_ >= blocks_.size()) sweep_ = 0;
    if (first_expiry_[sweep_] <= now_second) {
      looked_at += std::size_t{1} << kBlockBits;
      if (expire_block(sweep_, now_second, limit, expired)) return true;
    }
    ++sweep_;
  }
  return false;
}

Moment ItemIndex::next_due() const noexcept {
  if (waiting_.empty()) return kNever;
  return Moment(std::chrono::milliseconds(static_cast<std::int64_t>(waiting_.begin()->first << kTickBits)));
}

void ItemIndex::sort_ready() {
  std::vector<std::pair<std::pair<std::uint64_t, ItemId>, Index>> order;
  for (auto& [id, lane] : lanes_) {
    if (!lane.unsorted) continue;
    order.clear();
    for (Index index = lane.ready.first; index != kNone; index = at(index).next) {
      order.push_back({{due_of(at(index)), at(index).id}, index});
    }
    std::sort(order.begin(), order.end());
    lane.ready = {};
    for (const auto& entry : order) link_last(lane.ready, entry.second);
    lane.unsorted = false;
  }
}

std::size_t ItemIndex::memory_bytes() const noexcept {
  return blocks_.size() * (sizeof(Item) * (std::size_t{1} << kBlockBits) + sizeof(std::uint32_t)) +
         by_id_.memory_bytes() + waiting_.size() * sizeof(std::pair<std::uint64_t, Ends>) +
         (marks_ == nullptr ? 0 : marks_->items.size() * sizeof(std::pair<std::uint32_t, Index>)) +
         (orders_ == nullptr ? 0
                             : orders_->items.size() * sizeof(std::pair<std::uint32_t, ItemId>) +
                                   orders_->of.capacity() * (sizeof(std::pair<Index, std::uint32_t>) + 1));
}

void ItemIndex::lanes(std::vector<LaneStats>& lanes) const {
  for (const auto& [id, lane] : lanes_) {
    if (lane.items > 0) lanes.push_back({LaneId(id), lane.items, lane.ready_items});
  }
  std::sort(lanes.begin(), lanes.end(), [](const auto& a, const auto& b) { return a.lane < b.lane; });
}

}  // namespace smppd::store
