// A cache line of IndexTable: twelve slots, and of each what a split of its segment asks, so that it need not look at
// the record: more bits of the hash, and how far the slot is from the line that its hash names.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace smppd::flow::internal {

// Bit i is set when words[i] is `wanted`.
[[nodiscard]] inline std::uint32_t equal_words(const std::array<std::uint32_t, 16>& words,
                                               std::uint32_t wanted) noexcept {
#ifdef __SSE2__
  const __m128i value = _mm_set1_epi32(static_cast<int>(wanted));
  const auto equal = [&](std::size_t at) {
    return _mm_cmpeq_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words.data() + 4 * at)), value);
  };
  const __m128i low = _mm_packs_epi32(equal(0), equal(1));
  const __m128i high = _mm_packs_epi32(equal(2), equal(3));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
#else
  std::uint32_t hits = 0;
  for (std::uint32_t i = 0; i < words.size(); ++i) hits |= std::uint32_t{words[i] == wanted} << i;
  return hits;
#endif
}

class alignas(64) IndexLine {
 public:
  static constexpr std::uint32_t kSlots = 12;
  static constexpr std::uint32_t kEmpty = 0;
  static constexpr std::uint32_t kFar = 3;  // lines from home, or more

  // Bit i is set when slot i is `wanted` under `mask`.
  [[nodiscard]] std::uint32_t hits_of(std::uint32_t mask, std::uint32_t wanted) const noexcept {
#ifdef __SSE2__
    const auto* words = reinterpret_cast<const __m128i*>(slots_.data());
    const __m128i masks = _mm_set1_epi32(static_cast<int>(mask));
    const __m128i value = _mm_set1_epi32(static_cast<int>(wanted));
    const auto equal = [&](int at) { return _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(words + at), masks), value); };
    const __m128i low = _mm_packs_epi32(equal(0), equal(1));
    const __m128i high = _mm_packs_epi32(equal(2), _mm_setzero_si128());
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
#else
    std::uint32_t hits = 0;
    for (std::uint32_t i = 0; i < kSlots; ++i) hits |= std::uint32_t{(slots_[i] & mask) == wanted} << i;
    return hits;
#endif
  }
  // The empty slots, likewise.
  [[nodiscard]] std::uint32_t free() const noexcept { return hits_of(0xFFFF'FFFFU, kEmpty); }
  // Of what hits_of() gave, which is not 0.
  [[nodiscard]] static std::uint32_t first_of(std::uint32_t hits) noexcept {
    return static_cast<std::uint32_t>(std::countr_zero(hits));
  }

  [[nodiscard]] std::uint32_t operator[](std::uint32_t at) const noexcept { return slots_[at]; }
  [[nodiscard]] std::uint8_t more(std::uint32_t at) const noexcept { return more_[at]; }
  // At most kFar, which may be any distance from there on.
  [[nodiscard]] std::uint32_t distance(std::uint32_t at) const noexcept { return head_ >> shift_of(at) & 3U; }

  void put(std::uint32_t at, std::uint32_t slot, std::uint8_t more, std::uint32_t distance) noexcept {
    slots_[at] = slot;
    more_[at] = more;
    head_ = (head_ & ~(3U << shift_of(at))) | std::min(distance, kFar) << shift_of(at);
  }
  void clear(std::uint32_t at) noexcept { slots_[at] = kEmpty; }

  // Indices that found this line full. Where they have been too many to count it stays so.
  [[nodiscard]] bool passed() const noexcept { return (head_ & kMany) != 0; }
  void pass() noexcept { head_ += (head_ & kMany) != kMany ? 1 : 0; }
  void unpass() noexcept { head_ -= (head_ & kMany) != kMany ? 1 : 0; }

 private:
  static constexpr std::uint32_t kMany = 0xFF;
  [[nodiscard]] static constexpr std::uint32_t shift_of(std::uint32_t at) noexcept { return 8 + 2 * at; }

  std::uint32_t head_ = 0;  // the count of those that passed, then two bits for each slot's distance
  std::array<std::uint8_t, kSlots> more_{};
  std::array<std::uint32_t, kSlots> slots_{};
};
static_assert(sizeof(IndexLine) == 64);

// Lines that are split together. The last bits of a hash name the one where its index lies or, when that was full,
// before which others.
struct IndexSegment {
  static constexpr unsigned kLineBits = 6;
  static constexpr std::uint32_t kLines = 1U << kLineBits;
  std::array<IndexLine, kLines> lines{};

  struct Shape {
    std::uint16_t count = 0;
    std::uint16_t depth = 0;  // how many first bits its hashes share
  };

  [[nodiscard]] static constexpr std::uint32_t home(std::uint32_t hash) noexcept { return hash & (kLines - 1); }
  [[nodiscard]] static constexpr std::uint32_t after(std::uint32_t at) noexcept { return (at + 1) & (kLines - 1); }
};

}  // namespace smppd::flow::internal
