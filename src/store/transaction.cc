#include "store/transaction.h"

#include <algorithm>
#include <cassert>

namespace smppd::store {

namespace {

// enqueue  kind state attempts(2) lane(4) number(8) due(8) mark(4) expires(4) [order(4)] body size(4) body
// amend    kind state attempts(2) lane(4) number(8) due(8) mark(4) expires(4)
// finish   kind number(8)
// put      kind table key size(2) value size(4) expires(8) key value
// erase    kind table key size(2) key
constexpr std::uint8_t kHeld = 0x80;     // in kind
constexpr std::uint8_t kOrdered = 0x40;  // in kind of enqueue: there is an order
constexpr std::size_t kItem = 32;
constexpr std::size_t kOrder = 4;
constexpr std::size_t kPut = 16;
constexpr std::size_t kErase = 4;

std::uint64_t number_of(Moment moment) noexcept {
  return static_cast<std::uint64_t>(moment.time_since_epoch().count());
}
Moment moment_of(std::uint64_t number) noexcept {
  return Moment(std::chrono::milliseconds(static_cast<std::int64_t>(number)));
}

bool is_table(std::uint8_t number) noexcept { return number > 0 && number < kTables; }

}  // namespace

std::uint8_t* Transaction::grow(std::size_t bytes) {
  const std::size_t at = size_;
  size_ += bytes;
  if (size_ > bytes_.size()) bytes_.resize(std::max(size_, bytes_.size() * 2));
  return &bytes_[at];
}

void Transaction::item(std::uint8_t kind, ItemId id, const Progress& progress, std::size_t more) {
  std::uint8_t* at = grow(kItem + more);
  at[0] = static_cast<std::uint8_t>(progress.held ? kind | kHeld : kind);
  at[1] = progress.state;
  store_be(at + 2, progress.attempts);
  store_be(at + 4, progress.lane.value());
  store_be(at + 8, id);
  store_be(at + 16, number_of(progress.due));
  store_be(at + 24, progress.mark);
  store_be(at + 28, expiry_seconds(progress.expires));
}

void Transaction::enqueue(ItemId id, const Progress& progress, ByteSpan body) {
  const std::size_t start = size_;
  const bool ordered = progress.order != 0;
  auto kind = static_cast<std::uint8_t>(Change::Kind::kEnqueue);
  if (ordered) kind |= kOrdered;
  item(kind, id, progress, (ordered ? kOrder : 0) + 4 + body.size());
  std::uint8_t* at = &bytes_[start + kItem];
  if (ordered) {
    store_be(at, progress.order);
    at += kOrder;
  }
  store_be(at, static_cast<std::uint32_t>(body.size()));
  if (!body.empty()) std::memcpy(at + 4, body.data(), body.size());
}

void Transaction::amend(ItemId id, const Progress& progress) {
  item(static_cast<std::uint8_t>(Change::Kind::kAmend), id, progress, 0);
}

void Transaction::finish(ItemId id) {
  std::uint8_t* at = grow(9);
  at[0] = static_cast<std::uint8_t>(Change::Kind::kFinish);
  store_be(at + 1, id);
}

void Transaction::put(Table table, std::string_view key, ByteSpan value, Moment expires) {
  assert(!key.empty() && key.size() <= kMaxKey);
  std::uint8_t* at = grow(kPut + key.size() + value.size());
  at[0] = static_cast<std::uint8_t>(Change::Kind::kPut);
  at[1] = static_cast<std::uint8_t>(table);
  store_be(at + 2, static_cast<std::uint16_t>(key.size()));
  store_be(at + 4, static_cast<std::uint32_t>(value.size()));
  store_be(at + 8, number_of(expires));
  std::memcpy(at + kPut, key.data(), key.size());
  if (!value.empty()) std::memcpy(at + kPut + key.size(), value.data(), value.size());
}

void Transaction::erase(Table table, std::string_view key) {
  assert(!key.empty() && key.size() <= kMaxKey);
  std::uint8_t* at = grow(kErase + key.size());
  at[0] = static_cast<std::uint8_t>(Change::Kind::kErase);
  at[1] = static_cast<std::uint8_t>(table);
  store_be(at + 2, static_cast<std::uint16_t>(key.size()));
  std::memcpy(at + kErase, key.data(), key.size());
}

bool ChangeReader::read_item(Change& change, bool with_body) noexcept {
  const bool ordered = with_body && (rest_[0] & kOrdered) != 0;
  std::size_t size = kItem + (ordered ? kOrder : 0);
  if (rest_.size() < size + (with_body ? 4U : 0U)) return false;
  const std::uint8_t* at = rest_.data();
  change.progress.held = (at[0] & kHeld) != 0;
  change.progress.state = at[1];
  change.progress.attempts = load_be<std::uint16_t>(at + 2);
  change.progress.lane = LaneId(load_be<std::uint32_t>(at + 4));
  change.id = load_be<std::uint64_t>(at + 8);
  change.progress.due = moment_of(load_be<std::uint64_t>(at + 16));
  if (change.progress.due < Moment{} || change.progress.due > kNever || change.id == 0) return false;
  change.progress.mark = load_be<std::uint32_t>(at + 24);
  change.progress.expires = expiry_moment(load_be<std::uint32_t>(at + 28));
  change.progress.order = ordered ? load_be<std::uint32_t>(at + kItem) : 0;
  if (with_body) {
    const std::size_t body = load_be<std::uint32_t>(at + size);
    size += 4;
    if (rest_.size() - size < body) return false;
    change.body = rest_.subspan(size, body);
    size += body;
  }
  rest_ = rest_.subspan(size);
  return true;
}

bool ChangeReader::read_record(Change& change, bool with_value) noexcept {
  const std::size_t head = with_value ? kPut : kErase;
  if (rest_.size() < head || !is_table(rest_[1])) return false;
  const std::uint8_t* at = rest_.data();
  const std::size_t key = load_be<std::uint16_t>(at + 2);
  const std::size_t value = with_value ? load_be<std::uint32_t>(at + 4) : 0;
  if (key == 0 || key > Transaction::kMaxKey || rest_.size() - head < key || rest_.size() - head - key < value) {
    return false;
  }
  change.table = static_cast<Table>(at[1]);
  change.expires = with_value ? moment_of(load_be<std::uint64_t>(at + 8)) : Moment{};
  change.key = as_text(rest_.subspan(head, key));
  change.body = rest_.subspan(head + key, value);
  rest_ = rest_.subspan(head + key + value);
  return true;
}

bool ChangeReader::next(Change& change) noexcept {
  if (rest_.empty() || damaged_) return false;
  std::uint8_t kind = rest_[0] & static_cast<std::uint8_t>(~kHeld);
  if (kind == (kOrdered | static_cast<std::uint8_t>(Change::Kind::kEnqueue)))
    kind &= static_cast<std::uint8_t>(~kOrdered);
  const bool held = (rest_[0] & kHeld) != 0;
  change.kind = static_cast<Change::Kind>(kind);
  change.key = {};
  change.body = {};
  bool whole = false;
  switch (change.kind) {
    case Change::Kind::kEnqueue: whole = read_item(change, true); break;
    case Change::Kind::kAmend: whole = read_item(change, false); break;
    case Change::Kind::kFinish:
      if (held || rest_.size() < 9) break;
      change.id = load_be<std::uint64_t>(rest_.data() + 1);
      rest_ = rest_.subspan(9);
      whole = true;
      break;
    case Change::Kind::kPut: whole = !held && read_record(change, true); break;
    case Change::Kind::kErase: whole = !held && read_record(change, false); break;
  }
  damaged_ = !whole;
  return whole;
}

}  // namespace smppd::store
