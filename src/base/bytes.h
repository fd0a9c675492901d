// Byte order and views. All multi-octet integers of SMPP are big-endian (SMPP 3.4 §3.1).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace smppd {

using ByteSpan = std::span<const std::uint8_t>;

template <typename T>
[[nodiscard]] inline T load_be(const std::uint8_t* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof(T));
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
}

template <typename T>
inline void store_be(std::uint8_t* at, T value) noexcept {
  if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) value = static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) value = static_cast<T>(__builtin_bswap64(value));
  std::memcpy(at, &value, sizeof(T));
}

// Index of the first NUL in [at, end), or `end`. C-strings of SMPP are short: a word at a time beats a call of memchr.
[[nodiscard, gnu::always_inline]] inline std::uint32_t find_nul(const std::uint8_t* base, std::uint32_t at,
                                                                std::uint32_t end) noexcept {
#ifdef __SSE2__
  while (end - at >= 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(base + at));
    const auto nul = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_setzero_si128())));
    if (nul != 0) return at + static_cast<std::uint32_t>(std::countr_zero(nul));
    at += 16;
  }
  if (end >= 16 && at < end) {  // the last octets, seen together with some before them
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(base + end - 16));
    const auto nuls = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_setzero_si128())));
    const unsigned behind = nuls >> (16 - (end - at));
    return behind == 0 ? end : at + static_cast<std::uint32_t>(std::countr_zero(behind));
  }
#endif
  if constexpr (std::endian::native == std::endian::little) {
    while (end - at >= 8) {
      std::uint64_t word;
      std::memcpy(&word, base + at, 8);
      const std::uint64_t nul = (word - 0x0101010101010101U) & ~word & 0x8080808080808080U;
      if (nul != 0) return at + static_cast<std::uint32_t>(std::countr_zero(nul)) / 8;
      at += 8;
    }
  }
  while (at < end && base[at] != 0) ++at;
  return at;
}

// Where the NULs are among the first 64 of `size` octets: a bit each. Of fewer than 16 octets nothing is known, and the
// answer is 0.
[[nodiscard, gnu::always_inline]] inline std::uint64_t nul_mask(const std::uint8_t* at, std::uint32_t size) noexcept {
  if (size < 16) return 0;
  if (size > 64) size = 64;
#ifdef __SSE2__
  const auto sixteen = [at](std::uint32_t from) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + from));
    const auto nuls = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_setzero_si128())));
    return std::uint64_t{nuls} << from;
  };
  std::uint64_t mask = sixteen(0) | sixteen(size - 16);  // the last ones may be seen twice
  if (size > 32) mask |= sixteen(16);
  if (size > 48) mask |= sixteen(32);
  return mask;
#else
  std::uint64_t mask = 0;
  for (std::uint32_t i = 0; i < size; ++i) mask |= std::uint64_t{at[i] == 0} << i;
  return mask;
#endif
}

[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace smppd
