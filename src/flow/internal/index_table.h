// From a 32-bit hash to the indices of records that lie elsewhere: four octets a slot, one cache line a look-up, and no
// stall when it grows.
//
// Extendible hashing: a directory over the hash's first bits leads to segments of 4 KiB. A segment has 64 lines of 15
// slots; an index lies in the line its hash names or, when that was full, in one of the next, and each line knows how
// many went past it, so that most look-ups end where they began and nothing has to move when an index is erased. A
// segment at its bound is split in two (some tens of microseconds); nothing else ever moves but the directory. A slot
// holds index + 1 and, in the bits that leaves, a piece of the hash, so that few records are looked at in vain.
// Shard-local. Memory is not given back before destruction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "flow/internal/pool.h"

namespace smppd::flow::internal {

class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr unsigned kLineBits = 6;  // the last bits of a hash name a line

  // Indices will be below `index_bound`, which is at most 2^31 - 1.
  explicit IndexTable(std::uint32_t index_bound)
      : index_bits_(static_cast<unsigned>(std::bit_width(index_bound))), index_mask_((1U << index_bits_) - 1) {
    directory_.push_back(add_segment());
  }

  // An index under `hash` that `equal(index)` accepts, or kNone. The order in which several are tried is not defined.
  template <typename Equal>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, Equal&& equal) const noexcept {
    const std::uint32_t* slot = slot_of(segment_at(directory_[first_bits(hash, depth_)]), hash, equal);
    return slot == nullptr ? kNone : index_in(*slot);
  }

  // Fetches what find(), insert() and erase() of this hash will read.
  void prefetch(std::uint32_t hash) const noexcept {
    __builtin_prefetch(&segment_at(directory_[first_bits(hash, depth_)]).lines[home(hash)]);
  }

  // The same index twice is the caller's mistake. `hash_of(index)` gives the hash of any index in the table. False when
  // too many hashes are equal in their first bits, which a secret seed makes impossible.
  template <typename HashOf>
  [[nodiscard]] bool insert(std::uint32_t hash, std::uint32_t index, HashOf&& hash_of) noexcept {
    if (!make_room(hash, hash_of)) return false;
    place(directory_[first_bits(hash, depth_)], hash, index);
    return true;
  }

  // The same, but an index that `equal` accepts gives its slot to the new one.
  template <typename Equal, typename HashOf>
  [[nodiscard]] bool insert_or_replace(std::uint32_t hash, std::uint32_t index, Equal&& equal,
                                       HashOf&& hash_of) noexcept {
    if (!make_room(hash, hash_of)) return false;
    const std::uint32_t number = directory_[first_bits(hash, depth_)];
    if (std::uint32_t* slot = slot_of(segment_at(number), hash, equal)) {
      *slot = tag_of(hash) | (index + 1);
    } else {
      place(number, hash, index);
    }
    return true;
  }

  // False when that index is not there.
  bool erase(std::uint32_t hash, std::uint32_t index) noexcept {
    const std::uint32_t number = directory_[first_bits(hash, depth_)];
    Segment& segment = segment_at(number);
    std::uint32_t at = home(hash);
    for (std::uint32_t tried = 0; tried < kLines; ++tried, at = after(at)) {
      Line& line = segment.lines[at];
      if (const std::uint32_t hits = hits_of(line, index_mask_, index + 1); hits != 0) {
        line.slots[first_of(hits)] = kEmpty;
        for (std::uint32_t passed = home(hash); passed != at; passed = after(passed)) --segment.lines[passed].passed;
        --shapes_[number].count;
        return true;
      }
      if (line.passed == 0) break;
    }
    return false;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return store_.memory_bytes() + blocks_.capacity() * sizeof(Segment*) +
           directory_.capacity() * sizeof(directory_[0]) + shapes_.capacity() * sizeof(shapes_[0]);
  }

 private:
  static constexpr std::uint32_t kLines = 1U << kLineBits;
  static constexpr std::uint32_t kSlots = 15;  // of a line
  static constexpr std::uint32_t kSplitAt = kLines * kSlots / 5 * 4;
  static constexpr std::uint32_t kEmpty = 0;
  static constexpr unsigned kMaxDepth = 20;

  struct alignas(64) Line {
    std::uint32_t passed = 0;  // indices that found this line full
    std::array<std::uint32_t, kSlots> slots{};
  };
  static_assert(sizeof(Line) == 64 && offsetof(Line, slots) == 4);
  struct Segment {
    std::array<Line, kLines> lines{};
  };
  // The slots of a line that are `wanted` under `mask`, as bits from the second on.
  [[nodiscard]] static std::uint32_t hits_of(const Line& line, std::uint32_t mask, std::uint32_t wanted) noexcept {
#ifdef __SSE2__
    const auto* words = reinterpret_cast<const __m128i*>(&line);
    const __m128i masks = _mm_set1_epi32(static_cast<int>(mask));
    const __m128i value = _mm_set1_epi32(static_cast<int>(wanted));
    const auto equal = [&](int at) { return _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(words + at), masks), value); };
    const __m128i low = _mm_packs_epi32(equal(0), equal(1));
    const __m128i high = _mm_packs_epi32(equal(2), equal(3));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high))) & ~1U;
#else
    std::uint32_t hits = 0;
    for (std::uint32_t i = 0; i < kSlots; ++i) hits |= std::uint32_t{(line.slots[i] & mask) == wanted} << (i + 1);
    return hits;
#endif
  }
  [[nodiscard]] static std::size_t first_of(std::uint32_t hits) noexcept {
    return static_cast<std::size_t>(std::countr_zero(hits)) - 1;
  }

  // The slot under `hash` whose index `equal` accepts, or null.
  template <typename SegmentLike, typename Equal>
  [[nodiscard]] auto slot_of(SegmentLike& segment, std::uint32_t hash, Equal& equal) const noexcept
      -> decltype(&segment.lines[0].slots[0]) {
    const std::uint32_t tag = tag_of(hash);
    std::uint32_t at = home(hash);
    for (std::uint32_t tried = 0; tried < kLines; ++tried, at = after(at)) {
      auto& line = segment.lines[at];
      for (std::uint32_t hits = hits_of(line, ~index_mask_, tag); hits != 0; hits &= hits - 1) {
        auto& slot = line.slots[first_of(hits)];
        if (slot != kEmpty && equal(index_in(slot))) return &slot;
      }
      if (line.passed == 0) break;
    }
    return nullptr;
  }

  static constexpr std::uint32_t kBlock = BlockStore::kBlockBytes / sizeof(Segment);

  struct Shape {
    std::uint16_t count = 0;
    std::uint16_t depth = 0;  // how many first bits its hashes share
  };

  [[nodiscard]] static constexpr std::uint32_t home(std::uint32_t hash) noexcept { return hash & (kLines - 1); }
  [[nodiscard]] static constexpr std::uint32_t after(std::uint32_t at) noexcept { return (at + 1) & (kLines - 1); }
  [[nodiscard]] static constexpr std::size_t first_bits(std::uint32_t hash, unsigned bits) noexcept {
    return static_cast<std::size_t>((std::uint64_t{hash} << bits) >> 32U);
  }
  [[nodiscard]] std::uint32_t tag_of(std::uint32_t hash) const noexcept { return hash >> kLineBits << index_bits_; }
  [[nodiscard]] std::uint32_t index_in(std::uint32_t slot) const noexcept { return (slot & index_mask_) - 1; }
  [[nodiscard]] Segment& segment_at(std::uint32_t number) const noexcept {
    return blocks_[number / kBlock][number % kBlock];
  }

  std::uint32_t add_segment() {
    if (shapes_.size() == blocks_.size() * kBlock) blocks_.push_back(reinterpret_cast<Segment*>(store_.take()));
    const auto number = static_cast<std::uint32_t>(shapes_.size());
    shapes_.emplace_back();
    new (&segment_at(number)) Segment();
    return number;
  }

  void place(std::uint32_t number, std::uint32_t hash, std::uint32_t index) noexcept {
    Segment& segment = segment_at(number);
    for (std::uint32_t at = home(hash);; at = after(at)) {
      Line& line = segment.lines[at];
      if (const std::uint32_t hits = hits_of(line, 0xFFFF'FFFFU, kEmpty); hits != 0) {
        line.slots[first_of(hits)] = tag_of(hash) | (index + 1);
        ++shapes_[number].count;
        return;
      }
      ++line.passed;
    }
  }

  template <typename HashOf>
  [[nodiscard]] bool make_room(std::uint32_t hash, HashOf& hash_of) noexcept {
    while (shapes_[directory_[first_bits(hash, depth_)]].count >= kSplitAt) [[unlikely]] {
      if (!split(hash, hash_of)) return false;
    }
    return true;
  }

  template <typename HashOf>
  [[gnu::noinline]] [[nodiscard]] bool split(std::uint32_t hash, HashOf& hash_of) noexcept {
    const std::uint32_t low = directory_[first_bits(hash, depth_)];
    if (shapes_[low].depth == kMaxDepth) return false;
    if (shapes_[low].depth == depth_) double_directory();
    const std::uint32_t high = add_segment();
    const unsigned depth = shapes_[high].depth = ++shapes_[low].depth;
    share_out(low, high, depth, hash_of);
    const std::size_t share = std::size_t{1} << (depth_ - depth);
    const std::size_t begin = (first_bits(hash, depth) | 1U) * share;
    for (std::size_t i = begin; i < begin + share; ++i) directory_[i] = high;
    return true;
  }

  // Slots are filled from the first on and no branch depends on a hash, so that the records, each of which is a line
  // from memory, are waited for together.
  template <typename HashOf>
  void share_out(std::uint32_t low, std::uint32_t high, unsigned depth, HashOf& hash_of) noexcept {
    const Segment before = std::exchange(segment_at(low), Segment());
    const std::array<Segment*, 2> to{&segment_at(low), &segment_at(high)};
    std::array<std::array<std::uint8_t, kLines>, 2> filled{};
    std::array<std::uint16_t, 2> counts{};
    for (const Line& line : before.lines) {
      for (const std::uint32_t slot : line.slots) {
        if (slot == kEmpty) continue;
        const std::uint32_t moved = hash_of(index_in(slot));
        const std::size_t half = first_bits(moved, depth) & 1U;
        std::uint32_t at = home(moved);
        for (; filled[half][at] == kSlots; at = after(at)) ++to[half]->lines[at].passed;
        to[half]->lines[at].slots[filled[half][at]++] = slot;
        ++counts[half];
      }
    }
    shapes_[low].count = counts[0];
    shapes_[high].count = counts[1];
  }

  void double_directory() {
    std::vector<std::uint32_t> twice(directory_.size() * 2);
    for (std::size_t i = 0; i < twice.size(); ++i) twice[i] = directory_[i / 2];
    directory_ = std::move(twice);
    ++depth_;
  }

  unsigned index_bits_;
  std::uint32_t index_mask_;
  unsigned depth_ = 0;
  std::vector<std::uint32_t> directory_;  // 2^depth_ numbers of segments
  std::vector<Shape> shapes_;             // by number
  BlockStore store_;
  std::vector<Segment*> blocks_;
};

}  // namespace smppd::flow::internal
