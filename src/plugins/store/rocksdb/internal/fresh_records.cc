#include "plugins/store/rocksdb/internal/fresh_records.h"

#include <algorithm>
#include <cassert>

#include "plugins/store/rocksdb/internal/format.h"

namespace smppd::plugins::rocks_store {

namespace {

// key size (4)  value size (4)  key  value  up to a multiple of kUnit; a key size of 0 ends a block early
constexpr std::size_t kHead = 8;
constexpr std::uint32_t kErased = 0xFFFF'FFFF;

struct Head {
  std::uint32_t key = 0;
  std::uint32_t value = 0;

  [[nodiscard]] std::size_t value_size() const noexcept { return value == kErased ? 0 : value; }
  [[nodiscard]] std::size_t size() const noexcept { return (kHead + key + value_size() + kUnit - 1) / kUnit * kUnit; }
};

Head head_at(const std::uint8_t* at) noexcept {
  Head head;
  std::memcpy(&head, at, sizeof head);
  return head;
}

std::uint8_t* grow(std::vector<std::uint8_t>& octets, const Head& head) {
  const std::size_t before = octets.size();
  octets.resize(before + head.size());
  std::memcpy(&octets[before], &head, sizeof head);
  return &octets[before + kHead];
}

std::uint64_t beginning_of(std::string_view key) noexcept {
  key.remove_prefix(std::min<std::size_t>(key.size(), 1));
  if (key.size() >= 8) return load_be<std::uint64_t>(as_bytes(key).data());
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | (i < key.size() ? static_cast<std::uint8_t>(key[i]) : 0U);
  return number;
}

std::uint64_t hash_of_key(std::string_view key) noexcept { return key_hash(store::Table::kOutcomes, key); }
std::uint32_t upper(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

void FreshRecords::write(std::vector<std::uint8_t>& octets, char letter, std::string_view key, ByteSpan head,
                         ByteSpan value) {
  std::uint8_t* at = grow(
      octets, {static_cast<std::uint32_t>(1 + key.size()), static_cast<std::uint32_t>(head.size() + value.size())});
  *at++ = static_cast<std::uint8_t>(letter);
  at = std::copy(key.begin(), key.end(), at);
  at = std::copy(head.begin(), head.end(), at);
  std::copy(value.begin(), value.end(), at);
}

void FreshRecords::write_erased(std::vector<std::uint8_t>& octets, char letter, std::string_view key) {
  std::uint8_t* at = grow(octets, {static_cast<std::uint32_t>(1 + key.size()), kErased});
  *at++ = static_cast<std::uint8_t>(letter);
  std::copy(key.begin(), key.end(), at);
}

// As many whole records as fit into a block are copied at once.
void FreshRecords::add(ByteSpan octets) {
  while (!octets.empty()) {
    const std::size_t room = kBlock - end_ % kBlock;
    std::size_t fits = 0;
    while (fits < octets.size()) {
      const std::size_t size = head_at(&octets[fits]).size();
      assert(size <= kBlock);
      if (fits + size > room) break;
      fits += size;
    }
    if (end_ / kBlock == blocks_.size()) blocks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kBlock));
    std::uint8_t* to = blocks_[end_ / kBlock].get() + end_ % kBlock;
    std::memcpy(to, octets.data(), fits);
    octets = octets.subspan(fits);
    end_ += fits;
    if (octets.empty()) return;
    if (fits < room) std::memset(to + fits, 0, kHead);
    end_ += room - fits;
  }
}

FreshRecords::Record FreshRecords::read(std::uint64_t place) const noexcept {
  const std::uint8_t* from = at(place);
  const Head head = head_at(from);
  const char* key = reinterpret_cast<const char*>(from + kHead);
  return {{key, head.key}, {key + head.key, head.value_size()}, head.value == kErased};
}

std::uint64_t FreshRecords::skip_gap(std::uint64_t place) const noexcept {
  if (place >= end_ || place % kBlock == 0 || head_at(at(place)).key != 0) return place;
  return (place / kBlock + 1) * kBlock;
}

FreshRecords::Slot* FreshRecords::slot_of(std::string_view key, std::uint64_t hash) noexcept {
  return index_->find(hash, [&](const Slot& each) {
    return each.hash == upper(hash) && read((std::uint64_t{each.place} - 1) * kUnit).key == key;
  });
}

void FreshRecords::bring_index_up_to_date() {
  if (index_ == nullptr) index_ = std::make_unique<Index>();
  const auto hash_of = [](const Slot& each) { return std::uint64_t{each.hash} << 32; };
  for (indexed_ = skip_gap(indexed_); indexed_ < end_;) {
    const Record record = read(indexed_);
    const std::uint64_t hash = hash_of_key(record.key);
    const auto place = static_cast<std::uint32_t>(indexed_ / kUnit + 1);
    if (Slot* known = slot_of(record.key, hash)) {
      known->place = place;
    } else {
      index_->insert(hash, {place, upper(hash)}, hash_of);
    }
    indexed_ = skip_gap(indexed_ + head_at(at(indexed_)).size());
  }
}

std::optional<FreshRecords::Record> FreshRecords::find(std::string_view key) {
  if (empty()) return std::nullopt;
  bring_index_up_to_date();
  const Slot* found = slot_of(key, hash_of_key(key));
  if (found == nullptr) return std::nullopt;
  return read((std::uint64_t{found->place} - 1) * kUnit);
}

// They come nearly in order: our ids grow.
void FreshRecords::sort() {
  order_.clear();
  for (std::uint64_t place = 0; place < end_;) {
    order_.push_back({beginning_of(read(place).key), place});
    place = skip_gap(place + head_at(at(place)).size());
  }
  std::stable_sort(order_.begin(), order_.end(), [this](const Ref& a, const Ref& b) {
    if (a.beginning != b.beginning) return a.beginning < b.beginning;
    return read(a.place).key < read(b.place).key;
  });
}

void FreshRecords::clear() noexcept {
  end_ = 0;
  indexed_ = 0;
  index_.reset();
  order_.clear();
}

}  // namespace smppd::plugins::rocks_store
