// From a 32-bit hash to the indices of records that lie elsewhere: four octets a slot and no stall when it grows.
//
// Extendible hashing: a directory over the hash's first bits leads to segments of 1024 slots, each an open-addressing
// table of its own. A segment at its bound is split in two (some tens of microseconds); nothing else ever moves but the
// directory's pointers. A slot holds index + 1 and, in the bits that leaves, a piece of the hash, so that a probe looks
// at few records that it does not want. Shard-local. Memory is not given back before destruction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace smppd::flow::internal {

class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  // Indices will be below `index_bound`, which is at most 2^31 - 1.
  explicit IndexTable(std::uint32_t index_bound)
      : index_bits_(static_cast<unsigned>(std::bit_width(index_bound))), index_mask_((1U << index_bits_) - 1) {
    segments_.push_back(std::make_unique<Segment>());
    directory_.push_back(segments_.back().get());
  }

  // The first index under `hash` that `equal(index)` accepts, oldest first as long as no segment was split; or kNone.
  template <typename Equal>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, Equal&& equal) const noexcept {
    const Segment& segment = segment_of(hash);
    const std::uint32_t tag = tag_of(hash);
    for (std::uint32_t at = home(hash); segment.slots[at] != kEmpty; at = after(at)) {
      const std::uint32_t slot = segment.slots[at];
      if ((slot & ~index_mask_) == tag && equal(index_in(slot))) return index_in(slot);
    }
    return kNone;
  }

  // The same index twice is the caller's mistake. `hash_of(index)` gives the hash of any index in the table. False when
  // too many hashes are equal in their first bits, which a secret seed makes impossible.
  template <typename HashOf>
  [[nodiscard]] bool insert(std::uint32_t hash, std::uint32_t index, HashOf&& hash_of) noexcept {
    while (segment_of(hash).count >= kSplitAt) {
      if (!split(hash, hash_of)) return false;
    }
    place(segment_of(hash), hash, index);
    return true;
  }

  // False when that index is not there.
  template <typename HashOf>
  bool erase(std::uint32_t hash, std::uint32_t index, HashOf&& hash_of) noexcept {
    Segment& segment = segment_of(hash);
    std::uint32_t at = home(hash);
    while (segment.slots[at] != kEmpty && index_in(segment.slots[at]) != index) at = after(at);
    if (segment.slots[at] == kEmpty) return false;
    for (std::uint32_t next = after(at); segment.slots[next] != kEmpty; next = after(next)) {
      // Whoever may move back over the hole does, so that no probe ends early.
      const std::uint32_t displaced = (next - home(hash_of(index_in(segment.slots[next])))) & kSlotMask;
      if (displaced < ((next - at) & kSlotMask)) continue;
      segment.slots[at] = segment.slots[next];
      at = next;
    }
    segment.slots[at] = kEmpty;
    --segment.count;
    return true;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return segments_.size() * (sizeof(Segment) + kHeapOverhead) + segments_.capacity() * sizeof(segments_[0]) +
           directory_.capacity() * sizeof(Segment*);
  }

 private:
  static constexpr unsigned kSlotBits = 10;
  static constexpr std::uint32_t kSlots = 1U << kSlotBits;
  static constexpr std::uint32_t kSlotMask = kSlots - 1;
  static constexpr std::uint32_t kSplitAt = kSlots / 4 * 3;
  static constexpr std::uint32_t kEmpty = 0;
  static constexpr unsigned kMaxDepth = 20;
  static constexpr std::size_t kHeapOverhead = 16;

  struct Segment {
    std::uint32_t count = 0;
    std::uint32_t depth = 0;  // how many first bits its hashes share
    std::array<std::uint32_t, kSlots> slots{};
  };

  [[nodiscard]] static constexpr std::uint32_t home(std::uint32_t hash) noexcept { return hash & kSlotMask; }
  [[nodiscard]] static constexpr std::uint32_t after(std::uint32_t at) noexcept { return (at + 1) & kSlotMask; }
  [[nodiscard]] static constexpr std::size_t first_bits(std::uint32_t hash, unsigned bits) noexcept {
    return static_cast<std::size_t>((std::uint64_t{hash} << bits) >> 32U);
  }
  [[nodiscard]] std::uint32_t tag_of(std::uint32_t hash) const noexcept { return hash >> kSlotBits << index_bits_; }
  [[nodiscard]] std::uint32_t index_in(std::uint32_t slot) const noexcept { return (slot & index_mask_) - 1; }
  [[nodiscard]] Segment& segment_of(std::uint32_t hash) const noexcept { return *directory_[first_bits(hash, depth_)]; }

  void place(Segment& segment, std::uint32_t hash, std::uint32_t index) noexcept {
    std::uint32_t at = home(hash);
    while (segment.slots[at] != kEmpty) at = after(at);
    segment.slots[at] = tag_of(hash) | (index + 1);
    ++segment.count;
  }

  template <typename HashOf>
  [[nodiscard]] bool split(std::uint32_t hash, HashOf& hash_of) noexcept {
    Segment& low = segment_of(hash);
    if (low.depth == kMaxDepth) return false;
    if (low.depth == depth_) double_directory();
    Segment& high = *segments_.emplace_back(std::make_unique<Segment>());
    high.depth = ++low.depth;
    const auto slots = low.slots;
    low.slots.fill(kEmpty);
    low.count = 0;
    for (const std::uint32_t slot : slots) {
      if (slot == kEmpty) continue;
      const std::uint32_t moved = hash_of(index_in(slot));
      place((first_bits(moved, low.depth) & 1U) != 0 ? high : low, moved, index_in(slot));
    }
    const std::size_t share = std::size_t{1} << (depth_ - low.depth);
    const std::size_t begin = (first_bits(hash, low.depth) | 1U) * share;
    for (std::size_t i = begin; i < begin + share; ++i) directory_[i] = &high;
    return true;
  }

  void double_directory() {
    std::vector<Segment*> twice(directory_.size() * 2);
    for (std::size_t i = 0; i < twice.size(); ++i) twice[i] = directory_[i / 2];
    directory_ = std::move(twice);
    ++depth_;
  }

  unsigned index_bits_;
  std::uint32_t index_mask_;
  unsigned depth_ = 0;
  std::vector<Segment*> directory_;  // 2^depth_
  std::vector<std::unique_ptr<Segment>> segments_;
};

}  // namespace smppd::flow::internal
