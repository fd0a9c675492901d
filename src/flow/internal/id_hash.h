// Hashes of the ids that SMSCs give, of their canonical form without writing it: letters count as small ones, and an id
// of up to sixteen octets is as good as one that zeros fill up.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "flow/internal/hash.h"
#include "smpp/text/canonical_id.h"

namespace smppd::flow::internal {

// Octets of an id that was put behind as many zeros as make sixteen; the first octet is the lowest.
struct FilledUp {
  std::uint64_t head;
  std::uint64_t tail;
};
inline constexpr std::size_t kFilledUp = 16;
inline constexpr std::uint64_t kZeros = 0x3030'3030'3030'3030U;
inline constexpr std::uint64_t kSmall = 0x2020'2020'2020'2020U;

template <typename Word = std::uint64_t>
[[nodiscard]] Word word_at(const char* at) noexcept {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Up to eight octets behind zeros.
[[nodiscard]] inline std::uint64_t behind_zeros(const char* at, std::size_t size) noexcept {
  if (size == 8) return word_at(at);
  std::uint64_t word = kZeros;
  for (std::size_t i = 0; i < size; ++i) word = word >> 8U | std::uint64_t{static_cast<std::uint8_t>(at[i])} << 56U;
  return word;
}

// Of one to sixteen octets.
[[nodiscard]] inline FilledUp fill_up(std::string_view id) noexcept {
  if (id.size() < 8) return {kZeros, behind_zeros(id.data(), id.size())};
  const std::uint64_t tail = word_at(id.data() + id.size() - 8);
  if (id.size() == 8) return {kZeros, tail};
  if constexpr (std::endian::native != std::endian::little) return {behind_zeros(id.data(), id.size() - 8), tail};
  const auto missing = static_cast<unsigned>(kFilledUp - id.size()) * 8;
  const std::uint64_t head = word_at(id.data());
  return {missing == 0 ? head : head << missing | kZeros >> (64 - missing), tail};
}

// Whether an octet is a blank or a control character.
[[nodiscard]] inline bool has_blank(std::uint64_t word) noexcept {
  return ((word - 0x2121'2121'2121'2121U) & ~word & 0x8080'8080'8080'8080U) != 0;
}

[[nodiscard]] inline std::uint64_t hash_filled_up(const FilledUp& words, std::uint64_t seed) noexcept {
  const std::uint64_t head = hash_number(words.head | kSmall, seed);
  return fold((words.tail | kSmall) ^ head, 0xA076'1D64'78BD'642FU) + head;
}

// Whether a long id's canonical form differs in the case of letters only.
[[nodiscard]] inline bool is_usual_long(std::string_view id) noexcept {
  const auto is_sign = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  return id.size() > kFilledUp && id.size() <= smpp::kMaxMessageId && id.front() != '0' && is_sign(id.front()) &&
         is_sign(id.back());
}

// Of more than sixteen octets.
[[nodiscard]] inline std::uint64_t hash_long(std::string_view id, std::uint64_t seed) noexcept {
  std::uint64_t hash = hash_number(id.size(), seed);
  const auto add = [&](std::size_t at) {
    const std::uint64_t word = word_at(id.data() + at) | kSmall;
    hash = fold(hash ^ word, 0xA076'1D64'78BD'642FU) + word;
  };
  for (std::size_t at = 0; at + 8 < id.size(); at += 8) add(at);
  add(id.size() - 8);
  return fold(hash, 0xE703'7ED1'A0B4'28DBU);
}

}  // namespace smppd::flow::internal
