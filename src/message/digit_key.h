// Up to sixteen digits as one number that a hash table can have as its key: four bits each, the first ones on top, 1 to
// 10 for 0 to 9, so that zeros follow the last.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bytes.h"

namespace smppd::message {

inline constexpr std::size_t kDigitsOfKey = 16;

// `length` up to 16.
[[nodiscard]] inline std::uint64_t first_digits(std::uint64_t key, int length) noexcept {
  return key & ~(~std::uint64_t{0} >> (2 * length) >> (2 * length));
}
[[nodiscard]] inline int count_digits(std::uint64_t key) noexcept {
  return static_cast<int>(kDigitsOfKey) - std::countr_zero(key) / 4;
}

namespace internal {

#ifdef __SSE2__
// The first sign is the top octet of `first`.
[[nodiscard]] inline std::uint64_t key_of(std::uint64_t first, std::uint64_t second) noexcept {
  const __m128i signs = _mm_set_epi64x(static_cast<std::int64_t>(first), static_cast<std::int64_t>(second));
  const __m128i digits = _mm_sub_epi8(signs, _mm_set1_epi8('0'));
  const __m128i are_digits = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
  const auto others = ~static_cast<std::uint32_t>(_mm_movemask_epi8(are_digits)) << 16 | 0x8000U;
  const __m128i counted = _mm_and_si128(_mm_add_epi8(digits, _mm_set1_epi8(1)), are_digits);
  const __m128i pairs = _mm_and_si128(_mm_or_si128(counted, _mm_srli_epi16(counted, 4)), _mm_set1_epi16(0xFF));
  const auto key = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_packus_epi16(pairs, _mm_setzero_si128())));
  return first_digits(key, std::countl_zero(others));
}
#else
// Eight signs, up to the first that is no digit.
[[nodiscard]] inline std::uint32_t key_of(std::uint64_t signs) noexcept {
  const std::uint64_t digits = signs ^ 0x3030303030303030U;
  const std::uint64_t others = (((digits & 0x7F7F7F7F7F7F7F7FU) + 0x7676767676767676U) | digits) & 0x8080808080808080U;
  const std::uint64_t kept = others == 0 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> (std::countl_zero(others) & ~7));
  std::uint64_t packed = (digits & kept) + (0x0101010101010101U & kept);
  packed = (packed | packed >> 4) & 0x00FF00FF00FF00FFU;
  packed = (packed | packed >> 8) & 0x0000FFFF0000FFFFU;
  return static_cast<std::uint32_t>(packed | packed >> 16);
}
[[nodiscard]] inline std::uint64_t key_of(std::uint64_t first, std::uint64_t second) noexcept {
  const std::uint64_t key = key_of(first);
  return key << 32 | ((key & 0xF) != 0 ? key_of(second) : 0U);
}
#endif

}  // namespace internal

// Of the digits that `text` begins with. Octets behind it are seen as NULs, which are no digits.
[[nodiscard]] inline std::uint64_t digit_key(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  if (text.size() >= kDigitsOfKey) {
    return internal::key_of(load_be<std::uint64_t>(at), load_be<std::uint64_t>(at + 8));
  }
  if (text.size() >= 8) {
    const std::size_t behind = kDigitsOfKey - text.size();  // 1 to 8
    const auto last = load_be<std::uint64_t>(at + text.size() - 8);
    return internal::key_of(load_be<std::uint64_t>(at), last << (4 * behind) << (4 * behind));
  }
  std::array<std::uint8_t, 8> signs{};
  for (std::size_t i = 0; i < text.size(); ++i) signs[i] = at[i];
  return internal::key_of(load_be<std::uint64_t>(signs.data()), 0);
}

}  // namespace smppd::message
