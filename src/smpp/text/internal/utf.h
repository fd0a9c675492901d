// Code points in and out of UTF-8. Every function is total: malformed input yields kInvalid and moves on by at least
// one octet, so a loop over hostile bytes ends. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smppd::smpp::text_internal {

inline constexpr char32_t kInvalid = 0xFFFFFFFF;
inline constexpr char32_t kReplacementCharacter = 0xFFFD;

[[nodiscard]] inline bool is_surrogate(char32_t cp) noexcept { return cp >= 0xD800 && cp <= 0xDFFF; }

// Reads one code point at `pos` (< text.size()) and advances it. An ill-formed sequence yields one kInvalid for each
// maximal subpart (Unicode 15 §3.9), so a cut tail costs one replacement and not one per octet.
[[nodiscard]] inline char32_t next_utf8(std::string_view text, std::size_t& pos) noexcept {
  const auto lead = static_cast<std::uint8_t>(text[pos++]);
  if (lead < 0x80) return lead;
  unsigned more = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  char32_t cp = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1;
    cp = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2;
    cp = lead & 0x0FU;
    if (lead == 0xE0) low = 0xA0;   // overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    cp = lead & 0x07U;
    if (lead == 0xF0) low = 0x90;   // overlong
    if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
  } else {
    return kInvalid;
  }
  for (; more > 0; --more) {
    if (pos >= text.size()) return kInvalid;
    const auto octet = static_cast<std::uint8_t>(text[pos]);
    if (octet < low || octet > high) return kInvalid;
    cp = (cp << 6U) | (octet & 0x3FU);
    low = 0x80;
    high = 0xBF;
    ++pos;
  }
  return cp;
}

[[nodiscard]] inline std::size_t utf8_size(char32_t cp) noexcept {
  return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

// Writes utf8_size(cp) octets; cp is a scalar value.
inline void put_utf8(char32_t cp, char* at) noexcept {
  const auto octet = [](char32_t bits) { return static_cast<char>(static_cast<std::uint8_t>(bits)); };
  if (cp < 0x80) {
    at[0] = octet(cp);
  } else if (cp < 0x800) {
    at[0] = octet(0xC0U | (cp >> 6U));
    at[1] = octet(0x80U | (cp & 0x3FU));
  } else if (cp < 0x10000) {
    at[0] = octet(0xE0U | (cp >> 12U));
    at[1] = octet(0x80U | ((cp >> 6U) & 0x3FU));
    at[2] = octet(0x80U | (cp & 0x3FU));
  } else {
    at[0] = octet(0xF0U | (cp >> 18U));
    at[1] = octet(0x80U | ((cp >> 12U) & 0x3FU));
    at[2] = octet(0x80U | ((cp >> 6U) & 0x3FU));
    at[3] = octet(0x80U | (cp & 0x3FU));
  }
}

}  // namespace smppd::smpp::text_internal
