// Hashes for the tables of this module: seeded, 64 bits, any length. Not for anything that is stored or sent.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace smppd::flow::internal {

[[nodiscard]] inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

[[nodiscard]] inline std::uint64_t hash_number(std::uint64_t value, std::uint64_t seed) noexcept {
  return fold(value ^ seed ^ 0x9E37'79B9'7F4A'7C15U, 0xD6E8'FEB8'6659'FD93U);
}

// Fewer than eight octets as the low ones of a word: what memcpy() into a zero makes of them.
[[nodiscard]] inline std::uint64_t load_some(const char* at, std::size_t size) noexcept {
  std::uint64_t word = 0;
  if constexpr (std::endian::native != std::endian::little) {
    std::memcpy(&word, at, size);
  } else if (size >= 4) {  // both ends, which meet in the middle
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, at, 4);
    std::memcpy(&last, at + size - 4, 4);
    word = first | std::uint64_t{last} << (8 * (size - 4));
  } else if (size > 0) {
    const auto octet = [at](std::size_t i) { return std::uint64_t{static_cast<std::uint8_t>(at[i])} << (8 * i); };
    word = octet(0) | octet(size / 2) | octet(size - 1);
  }
  return word;
}

[[nodiscard]] inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::uint64_t hash = hash_number(text.size(), seed);
  std::size_t at = 0;
  for (; at + kWord <= text.size(); at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, kWord);
    hash = fold(hash ^ word, 0xA076'1D64'78BD'642FU) + word;
  }
  const std::uint64_t rest = load_some(text.data() + at, text.size() - at);
  return fold(hash ^ rest, 0xE703'7ED1'A0B4'28DBU) + rest;
}

// The half that the index tables use.
[[nodiscard]] inline std::uint32_t high_half(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32U);
}

}  // namespace smppd::flow::internal
