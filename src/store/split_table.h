// A hash table of small slots in 1,024 parts that grow one by one, so that no insertion pays for more than one part: at
// ten million entries that is a pause of a hundred microseconds, never of a second. Linear probing, shifts back on
// erase. Shard-local.
//
// A slot is trivially copyable and Slot{} means "nothing". What its hash is, the caller's `hash_of(slot)` says, of
// which the upper 32 bits are enough; hashes must be well mixed (mix()).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/prefetch.h"

namespace smppd::store {

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  return value ^ (value >> 32);
}

template <typename Slot>
class SplitTable {
 public:
  // The slot of this hash for which `same(slot)` holds, or null. Valid until the next insert or erase.
  template <typename Same>
  [[nodiscard]] Slot* find(std::uint64_t hash, Same&& same) noexcept {
    Part& part = part_of(hash);
    if (part.used == 0) return nullptr;
    for (std::uint32_t at = home(hash) & part.mask;; at = (at + 1) & part.mask) {
      Slot& slot = part.slots[at];
      if (slot == Slot{}) return nullptr;
      if (same(slot)) return &slot;
    }
  }

  // So that a find() a little later need not wait for memory.
  void prefetch(std::uint64_t hash) noexcept {
    const Part& part = part_of(hash);
    if (part.used != 0) prefetch_to_write(&part.slots[home(hash) & part.mask]);
  }

  // The caller knows that it is not there yet.
  template <typename HashOf>
  void insert(std::uint64_t hash, Slot slot, HashOf&& hash_of) {
    Part& part = part_of(hash);
    if (part.slots == nullptr || (part.used + 1) * 4 > (part.mask + 1) * 3) grow(part, hash_of);
    place(part, hash, slot);
    ++part.used;
    ++size_;
  }

  template <typename HashOf>
  void erase(std::uint64_t hash, Slot* slot, HashOf&& hash_of) noexcept {
    Part& part = part_of(hash);
    auto hole = static_cast<std::uint32_t>(slot - part.slots.get());
    for (std::uint32_t at = (hole + 1) & part.mask; part.slots[at] != Slot{}; at = (at + 1) & part.mask) {
      const std::uint32_t wanted = home(hash_of(part.slots[at])) & part.mask;
      if (((at - wanted) & part.mask) < ((at - hole) & part.mask)) continue;  // the hole is before its home
      part.slots[hole] = part.slots[at];
      hole = at;
    }
    part.slots[hole] = Slot{};
    --part.used;
    --size_;
  }

  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Part& part : parts_) {
      for (std::uint32_t at = 0; part.slots != nullptr && at <= part.mask; ++at) {
        if (part.slots[at] != Slot{}) visit(part.slots[at]);
      }
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return slots_ * sizeof(Slot) + sizeof *this; }

 private:
  static constexpr std::uint32_t kParts = 1024;
  struct Part {
    std::unique_ptr<Slot[]> slots;
    std::uint32_t mask = 0;
    std::uint32_t used = 0;
  };

  Part& part_of(std::uint64_t hash) noexcept { return parts_[hash & (kParts - 1)]; }
  static std::uint32_t home(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }

  static void place(Part& part, std::uint64_t hash, Slot slot) noexcept {
    std::uint32_t at = home(hash) & part.mask;
    while (part.slots[at] != Slot{}) at = (at + 1) & part.mask;
    part.slots[at] = slot;
  }

  template <typename HashOf>
  void grow(Part& part, HashOf&& hash_of) {
    const std::uint32_t old_count = part.slots == nullptr ? 0 : part.mask + 1;
    const std::uint32_t count = old_count == 0 ? 8 : old_count * 2;
    Part bigger{std::make_unique<Slot[]>(count), count - 1, part.used};
    for (std::uint32_t at = 0; at < old_count; ++at) {
      if (part.slots[at] != Slot{}) place(bigger, hash_of(part.slots[at]), part.slots[at]);
    }
    slots_ += count - old_count;
    part = std::move(bigger);
  }

  std::array<Part, kParts> parts_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace smppd::store
