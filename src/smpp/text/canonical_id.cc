#include "smpp/text/canonical_id.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "smpp/text/internal/ascii.h"

namespace smppd::smpp {
namespace {

using text_internal::is_digit;
using text_internal::lower;
using text_internal::trim;

__extension__ using Number = unsigned __int128;

constexpr int digit_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Most ids fit 64 bits, where dividing and multiplying costs a tenth.
constexpr std::size_t safe_digits(unsigned base) noexcept { return base == 10 ? 19 : 16; }

std::optional<Number> parse_number(std::string_view digits, unsigned base) noexcept {
  if (digits.empty()) return std::nullopt;
  const auto head = digits.substr(0, safe_digits(base));
  std::uint64_t small = 0;
  for (const char c : head) {
    const int digit = digit_value(c);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return std::nullopt;
    small = small * base + static_cast<unsigned>(digit);
  }
  Number value = small;
  for (const char c : digits.substr(head.size())) {
    const int digit = digit_value(c);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, Number{base}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<Number>(digit), &value)) return std::nullopt;
  }
  return value;
}

std::string_view without_0x(std::string_view text) noexcept {
  if (text.size() > 2 && text[0] == '0' && lower(text[1]) == 'x') text.remove_prefix(2);
  return text;
}

CanonicalId written(Number value, unsigned base) noexcept {
  std::array<char, 40> digits{};  // 2^128 has 39 decimal digits
  std::size_t at = digits.size();
  const auto put = [&](unsigned digit) { digits[--at] = "0123456789abcdef"[digit]; };
  for (; value >> 64U != 0; value /= base) put(static_cast<unsigned>(value % base));
  auto small = static_cast<std::uint64_t>(value);
  do {
    put(static_cast<unsigned>(small % base));
    small /= base;
  } while (small != 0);
  return canonical_id({digits.data() + at, digits.size() - at});
}

std::uint64_t fnv1a(std::string_view text) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(lower(c))) * 0x100000001B3U;
  return hash;
}

// -5 read as a machine integer of `bits` bits.
std::optional<Number> two_s_complement(std::string_view text, unsigned bits) noexcept {
  if (text.size() < 2 || text[0] != '-') return std::nullopt;
  const auto magnitude = parse_number(text.substr(1), 10);
  if (!magnitude || *magnitude == 0 || *magnitude > (Number{1} << (bits - 1))) return std::nullopt;
  return (Number{1} << bits) - *magnitude;
}

// Every integer that `text` may stand for: {decimal, hexadecimal}, either may be missing.
std::array<std::optional<Number>, 2> integers(std::string_view text) noexcept {
  if (const auto negative = two_s_complement(text, 64)) return {negative, std::nullopt};
  const auto bare = without_0x(text);
  if (bare.size() != text.size()) return {std::nullopt, parse_number(bare, 16)};
  return {parse_number(text, 10), parse_number(text, 16)};
}

std::uint64_t small_letters(std::uint64_t letters) noexcept {
  const std::uint64_t seven_bits = letters & 0x7F7F'7F7F'7F7F'7F7FU;
  const std::uint64_t from_a = seven_bits + 0x3F3F'3F3F'3F3F'3F3FU;  // its top bit: 'A' or more
  const std::uint64_t past_z = seven_bits + 0x2525'2525'2525'2525U;  // its top bit: more than 'Z'
  const std::uint64_t large = from_a & ~past_z & ~letters & 0x8080'8080'8080'8080U;
  return letters | large >> 2U;
}

// Eight letters at a time; what lies behind the last one is zero and stays it.
void make_small(char* text, std::size_t size) noexcept {
  for (std::size_t at = 0; at < size; at += 8) {
    if (at + 8 > kMaxMessageId) {
      text[at] = lower(text[at]);  // kMaxMessageId is one more than eight eights
      return;
    }
    std::uint64_t letters = 0;
    std::memcpy(&letters, text + at, 8);
    letters = small_letters(letters);
    std::memcpy(text + at, &letters, 8);
  }
}

std::uint64_t word_at(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// What is left of an id that has at least eight octets and nothing to cut off but zeros, as nearly all have; empty for
// any other.
std::string_view without_zeros(std::string_view raw) noexcept {
  if constexpr (std::endian::native != std::endian::little) return {};
  const auto is_sign = [](char c) { return static_cast<unsigned char>(c) > ' '; };
  if (raw.size() < 8 || raw.size() > kMaxMessageId || !is_sign(raw.front()) || !is_sign(raw.back())) return {};
  const char* begin = raw.data();
  const char* const end = begin + raw.size();
  if (*begin == '0') {
    std::uint64_t others = 0;
    while (others == 0 && end - begin >= 8) {
      others = word_at(begin) ^ 0x3030'3030'3030'3030U;
      begin += others == 0 ? 8 : std::countr_zero(others) / 8;
    }
    if (others == 0) begin = std::find_if(begin, end, [](char c) { return c != '0'; });
    if (begin == end) --begin;
    if (!is_sign(*begin)) return {};
  }
  return {begin, end};
}

// A word at a time from where it lies, the last one overlapping. There are eight octets that end where `raw` does, and
// room for eight.
void copy_small(std::string_view raw, char* to) noexcept {
  const auto copy = [&to](std::size_t at, std::uint64_t letters) {
    letters = small_letters(letters);
    std::memcpy(to + at, &letters, sizeof letters);
  };
  const std::uint64_t last = word_at(raw.data() + raw.size() - 8);
  if (raw.size() < 8) return copy(0, last >> (64 - 8 * raw.size()));
  for (std::size_t at = 0; at + 8 < raw.size(); at += 8) copy(at, word_at(raw.data() + at));
  copy(raw.size() - 8, last);
}

}  // namespace

CanonicalId canonical_id(std::string_view raw) noexcept {
  CanonicalId id;
  if (const std::string_view plain = without_zeros(raw); !plain.empty()) [[likely]] {
    copy_small(plain, id.text_.data());
    id.size_ = static_cast<std::uint8_t>(plain.size());
    return id;
  }
  raw = trim(raw);
  while (raw.size() > 1 && (raw.front() == '0' || text_internal::is_blank(raw.front()))) raw.remove_prefix(1);
  if (raw.size() <= kMaxMessageId) {
    std::memcpy(id.text_.data(), raw.data(), raw.size());
    id.size_ = static_cast<std::uint8_t>(raw.size());
    make_small(id.text_.data(), raw.size());
    return id;
  }
  constexpr std::size_t kHashDigits = 16;
  const auto head = raw.substr(0, kMaxMessageId - kHashDigits);
  auto* at = std::transform(head.begin(), head.end(), id.text_.begin(), lower);
  std::uint64_t hash = fnv1a(raw);
  for (std::size_t i = 0; i < kHashDigits; ++i, hash >>= 4U) *at++ = "0123456789abcdef"[hash & 0xFU];
  id.size_ = kMaxMessageId;
  return id;
}

void IdCandidates::add(const CanonicalId& id) noexcept {
  if (id.empty() || count_ == kBound || std::find(begin(), end(), id) != end()) return;
  ids_[count_++] = id;
}

IdCandidates candidates(std::string_view receipt_id, IdFormat format) noexcept {
  IdCandidates found;
  const auto raw = trim(receipt_id);
  const auto bare = without_0x(raw);
  const bool marked_hex = bare.size() != raw.size();
  const auto add_number = [&](std::optional<Number> value, unsigned base) {
    if (value) found.add(written(*value, base));
  };
  const auto add_negative = [&](unsigned base) {
    add_number(two_s_complement(raw, 32), base);
    add_number(two_s_complement(raw, 64), base);
  };
  switch (format) {
    case IdFormat::as_is: found.add(canonical_id(raw)); break;
    case IdFormat::hex_to_dec:
      add_number(parse_number(raw, 10), 16);
      add_negative(16);
      found.add(canonical_id(raw));
      break;
    case IdFormat::dec_to_hex:
      add_number(parse_number(bare, 16), 10);
      found.add(canonical_id(raw));
      break;
    case IdFormat::automatic:
      found.add(canonical_id(raw));
      if (marked_hex) found.add(canonical_id(bare));
      if (!marked_hex) add_number(parse_number(raw, 10), 16);
      add_number(parse_number(bare, 16), 10);
      add_negative(10);
      add_negative(16);
      break;
  }
  return found;
}

IdRelation learn(std::string_view response_id, std::string_view receipt_id) noexcept {
  if (canonical_id(response_id) == canonical_id(receipt_id)) return IdRelation::same;
  const auto response = trim(response_id);
  const auto receipt = trim(receipt_id);
  const auto receipt_decimal = parse_number(receipt, 10);
  const auto response_hex = parse_number(without_0x(response), 16);
  if (receipt_decimal && response_hex && *receipt_decimal == *response_hex) return IdRelation::hex_to_dec;
  for (const unsigned bits : {32U, 64U}) {
    const auto signed_receipt = two_s_complement(receipt, bits);
    if (signed_receipt && response_hex && *signed_receipt == *response_hex) return IdRelation::hex_to_dec;
  }
  const auto response_decimal = parse_number(response, 10);
  const auto receipt_hex = parse_number(without_0x(receipt), 16);
  if (response_decimal && receipt_hex && *response_decimal == *receipt_hex) return IdRelation::dec_to_hex;
  return IdRelation::unrelated;
}

bool tells_formats_apart(std::string_view response_id) noexcept {
  const auto id = canonical_id(response_id);
  const auto hex = parse_number(id.view(), 16);
  return !hex || *hex > 9;
}

bool equal_as_integers(std::string_view one, std::string_view other, IntegerWidth width) noexcept {
  const Number mask = (Number{1} << (width == IntegerWidth::bits32 ? 32U : 64U)) - 1;
  for (const auto& left : integers(trim(one))) {
    for (const auto& right : integers(trim(other))) {
      if (left && right && (*left & mask) == (*right & mask)) return true;
    }
  }
  return false;
}

}  // namespace smppd::smpp
