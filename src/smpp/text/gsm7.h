// The 7-bit alphabet of GSM 03.38 / 3GPP TS 23.038 with its extension table and national language shift tables, as
// septets (one per octet, the norm in SMPP) and packed (eight in seven octets, §6.1.2.1.1).
//
// Pure functions, any thread; noexcept, no allocation; results go into the caller's buffers. Sizes: a septet decodes to
// at most 3 octets of UTF-8, a code point encodes to at most 2 septets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace smppd::smpp {

// National language identifiers, TS 23.038 §6.2.1.2.4; carried in the information elements 0x24 and 0x25.
enum class Language : std::uint8_t {
  none = 0,
  turkish = 1,
  spanish = 2,  // single shift only
  portuguese = 3,
  bengali = 4,
  gujarati = 5,
  hindi = 6,
  kannada = 7,
  malayalam = 8,
  oriya = 9,
  punjabi = 10,
  tamil = 11,
  telugu = 12,
  urdu = 13,
};

// `none` is for identifiers of later releases too: the default tables are used, as the specification asks.
[[nodiscard]] Language language_of(std::uint8_t identifier) noexcept;

struct Gsm7Tables {
  Language locking = Language::none;
  Language single = Language::none;
  bool operator==(const Gsm7Tables&) const noexcept = default;
};

// What to do with a character the alphabet lacks.
enum class Unencodable : std::uint8_t {
  replace,        // with '?'
  transliterate,  // with the nearest plain letters or punctuation where there are any, else with '?'
  drop,
  stop,  // at the first one; Conversion::read says where
};

struct Conversion {
  std::size_t read = 0;         // octets of input taken
  std::size_t written = 0;      // units of output: octets, or septets for unpacked GSM 7 bit
  std::size_t unencodable = 0;  // characters that the target lacks, or ill-formed input sequences
  bool full = false;            // stopped because the output had no room for a whole character
};

inline constexpr std::uint8_t kEscape = 0x1B;
inline constexpr std::uint16_t kNoSeptet = 0xFFFF;

// The septet of `character`; 0x1B00 + septet when it takes an escape pair; kNoSeptet when the tables lack it.
[[nodiscard]] std::uint16_t gsm7_septet(char32_t character, Gsm7Tables tables = {}) noexcept;

// U+0020 where the table is void, as §6.2.1.2.4 asks of a receiver.
[[nodiscard]] char32_t gsm7_character(std::uint8_t septet, Gsm7Tables tables = {}) noexcept;
// A void position of the single shift table means the locking table's character (§6.2.1.1 note 1).
[[nodiscard]] char32_t gsm7_escaped_character(std::uint8_t septet, Gsm7Tables tables = {}) noexcept;

// UTF-8 -> septets. An escape pair is written whole or not at all.
[[nodiscard]] Conversion gsm7_encode(std::string_view utf8, std::span<std::uint8_t> septets, Gsm7Tables tables = {},
                                     Unencodable policy = Unencodable::replace) noexcept;
// Septets -> UTF-8. Octets above 0x7F are not septets: each becomes U+FFFD and counts as unencodable; so does an escape
// that nothing follows.
[[nodiscard]] Conversion gsm7_decode(ByteSpan septets, std::span<char> utf8, Gsm7Tables tables = {}) noexcept;

// Septets `utf8` takes; unencodable characters count as one ('?').
[[nodiscard]] std::size_t gsm7_length(std::string_view utf8, Gsm7Tables tables = {}) noexcept;
[[nodiscard]] bool gsm7_can_encode(std::string_view utf8, Gsm7Tables tables = {}) noexcept;

// --- Packing ---------------------------------------------------------------------------------------------------------

// Bits between a user data header of `header_octets` (its length octet included) and the first septet (TS 23.040
// §9.2.3.24). 0 to 6.
[[nodiscard]] constexpr unsigned gsm7_fill_bits(std::size_t header_octets) noexcept {
  return static_cast<unsigned>((7 - header_octets * 8 % 7) % 7);
}
[[nodiscard]] constexpr std::size_t gsm7_packed_octets(std::size_t septets, unsigned fill_bits = 0) noexcept {
  return (septets * 7 + fill_bits + 7) / 8;
}
// Septets that `octets` can hold.
[[nodiscard]] constexpr std::size_t gsm7_packed_septets(std::size_t octets, unsigned fill_bits = 0) noexcept {
  return octets * 8 < fill_bits ? 0 : (octets * 8 - fill_bits) / 7;
}

// Packs; seven spare bits at the end hold CR (§6.1.2.3.1), because SMPP carries octets and no septet count, so that
// zeros there would read as '@'. A text that itself ends flush in CR or '@' gets one more CR where `packed` has room
// for it. Returns octets written, 0 when `packed` is smaller than gsm7_packed_octets(n).
[[nodiscard]] std::size_t gsm7_pack(ByteSpan septets, std::span<std::uint8_t> packed, unsigned fill_bits = 0) noexcept;

// Unpacks all of `packed`; a CR or NUL in the last septet that ends flush with the last octet is padding and dropped.
// Returns septets written, never more than `septets` holds.
[[nodiscard]] std::size_t gsm7_unpack(ByteSpan packed, std::span<std::uint8_t> septets,
                                      unsigned fill_bits = 0) noexcept;

}  // namespace smppd::smpp
