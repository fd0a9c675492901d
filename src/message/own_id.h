// The message ids smppd issues. Time-ordered, unique over shards, nodes and restarts as long as no shard issues more
// than five million a second for as long as it ran before. Shard-local generator; formatting is free of allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/time.h"
#include "message/ids.h"

namespace smppd::message {

// How a client is shown an id; chosen by `message_id_format`.
enum class IdFormat : std::uint8_t { kHex, kDecimal, kUuid };

class OwnIdGenerator {
 public:
  OwnIdGenerator(unsigned node, unsigned shard, WallTime now) noexcept;
  // Ids come after this one from now on, whatever the clock says: it was given before a restart.
  void start_after(OwnId given) noexcept;
  // `now` is the wall time of the turn; the result is greater than every earlier one.
  [[nodiscard]] OwnId next(WallTime now) noexcept;
  // For SMPP 3.3 peers, whose message_id is at most 8 hexadecimal digits (3.3 §6.2): the last 32 bits of a counter.
  [[nodiscard]] OwnId next_short() noexcept;

 private:
  std::uint64_t tick_;
  std::uint64_t low_bits_;
  std::uint32_t short_counter_;
  std::uint32_t shard_;
};

// Sixteen hexadecimal digits, as nearly every client is shown an id: of one that is not short.
inline void write_hex16(std::uint8_t* at, OwnId value) noexcept {
#ifdef __SSE2__
  const __m128i octets = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i low_half = _mm_set1_epi8(0x0F);
  const __m128i digits =
      _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(octets, 4), low_half), _mm_and_si128(octets, low_half));
  const __m128i is_letter = _mm_cmpgt_epi8(digits, _mm_set1_epi8(9));
  const __m128i signs =
      _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(at), signs);
#else
  for (int shift = 60; shift >= 0; shift -= 4)
    *at++ = static_cast<std::uint8_t>("0123456789abcdef"[value >> shift & 15]);
#endif
}
[[nodiscard]] constexpr bool is_short(OwnId id) noexcept { return id >> 32U == 0; }

[[nodiscard]] constexpr unsigned shard_of(OwnId id) noexcept { return static_cast<unsigned>(id & 0x1F); }

// Text of an id; lives in the caller's buffer.
class OwnIdText {
 public:
  OwnIdText(OwnId id, IdFormat format) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

 private:
  char text_[40];
  std::uint8_t size_ = 0;
};

// The id a client means by `text`, in any of the formats; empty when it cannot be one of ours.
[[nodiscard]] std::optional<OwnId> parse_own_id(std::string_view text, IdFormat format) noexcept;

}  // namespace smppd::message
