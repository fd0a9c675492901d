#include "smppsim/id_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

namespace smppd::sim {

namespace {

constexpr std::string_view kLower = "0123456789abcdef";
constexpr std::string_view kUpper = "0123456789ABCDEF";
constexpr std::string_view kOpaqueHead = "SMS-";  // an opaque id is SMS-<13 letters and digits>-1
constexpr std::string_view kOpaqueTail = "-1";
constexpr std::size_t kOpaqueDigits = 13;
constexpr std::string_view kBase32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// A permutation of the 64-bit numbers (multiplication by an odd constant and its inverse), so that ids look random.
constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15U;
constexpr std::uint64_t kUnmix = 0xF1DE83E19937733DU;
static_assert(kMix * kUnmix == 1);

std::size_t write_number(std::uint64_t number, unsigned base, std::string_view digits, unsigned width, char* out) {
  std::array<char, 20> text;
  std::size_t at = text.size();
  do {
    text[--at] = digits[number % base];
    number /= base;
  } while (number > 0);
  const std::size_t size = text.size() - at;
  const std::size_t zeros = width > size ? width - size : 0;
  std::memset(out, '0', zeros);
  std::memcpy(out + zeros, text.data() + at, size);
  return zeros + size;
}

// 8-4-4-4-12: the first half is the mixed number, the second its complement with the bits of version 4.
std::size_t write_uuid(std::uint64_t number, std::string_view digits, char* out) {
  const std::uint64_t mixed = number * kMix;
  const std::uint64_t halves[2] = {(mixed & ~std::uint64_t{0xF000}) | 0x4000,
                                   (~mixed & 0x3FFFFFFFFFFFFFF0U) | 0x8000000000000000U | ((mixed >> 12) & 0xF)};
  std::size_t size = 0;
  for (unsigned i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out[size++] = '-';
    out[size++] = digits[halves[i / 16] >> (60 - i % 16 * 4) & 0xF];
  }
  return size;
}

std::optional<std::uint64_t> read_number(std::string_view id, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number, base);
  if (id.empty() || error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return number;
}

}  // namespace

Fallible<IdFormat> IdFormat::parse(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds{{{"hex", Kind::hex},
                                                                     {"HEX", Kind::upper_hex},
                                                                     {"dec", Kind::decimal},
                                                                     {"uuid", Kind::uuid},
                                                                     {"UUID", Kind::upper_uuid},
                                                                     {"opaque", Kind::opaque}}};
  const std::size_t colon = text.find(':');
  const auto* kind = std::ranges::find(kKinds, text.substr(0, colon), &std::pair<std::string_view, Kind>::first);
  if (kind == kKinds.end()) {
    return failure("'" + std::string(text) +
                   "' is no id format: hex, HEX, dec, uuid, UUID or opaque, hex:10 with zeros");
  }
  IdFormat format;
  format.kind_ = kind->second;
  format.width_ = 0;
  if (colon == std::string_view::npos) return format;
  const auto width = read_number(text.substr(colon + 1), 10);
  const bool number = format.kind_ <= Kind::decimal;
  if (!width || !number || *width < 1 || *width > kMaxSize) {
    return failure("'" + std::string(text) + "': a width from 1 to 64 goes with hex, HEX and dec only");
  }
  format.width_ = static_cast<unsigned>(*width);
  return format;
}

std::size_t IdFormat::write(std::uint64_t number, char* out) const noexcept {
  switch (kind_) {
    case Kind::hex: return write_number(number, 16, kLower, width_, out);
    case Kind::upper_hex: return write_number(number, 16, kUpper, width_, out);
    case Kind::decimal: return write_number(number, 10, kLower, width_, out);
    case Kind::uuid: return write_uuid(number, kLower, out);
    case Kind::upper_uuid: return write_uuid(number, kUpper, out);
    case Kind::opaque: break;
  }
  std::memcpy(out, kOpaqueHead.data(), kOpaqueHead.size());
  std::uint64_t mixed = number * kMix;
  for (std::size_t i = kOpaqueDigits; i-- > 0; mixed >>= 5) out[kOpaqueHead.size() + i] = kBase32[mixed & 31];
  std::memcpy(out + kOpaqueHead.size() + kOpaqueDigits, kOpaqueTail.data(), kOpaqueTail.size());
  return kOpaqueHead.size() + kOpaqueDigits + kOpaqueTail.size();
}

std::optional<std::uint64_t> IdFormat::read(std::string_view id) const noexcept {
  switch (kind_) {
    case Kind::hex:
    case Kind::upper_hex: return read_number(id, 16);
    case Kind::decimal: return read_number(id, 10);
    default: break;
  }
  std::uint64_t mixed = 0;
  if (kind_ == Kind::opaque) {
    if (id.size() != kOpaqueHead.size() + kOpaqueDigits + kOpaqueTail.size()) return std::nullopt;
    for (const char c : id.substr(kOpaqueHead.size(), kOpaqueDigits)) {
      const std::size_t digit = kBase32.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      mixed = mixed << 5 | digit;
    }
  } else {
    std::string digits(id);
    std::erase(digits, '-');
    if (digits.size() != 32) return std::nullopt;
    const auto first = read_number(std::string_view(digits).substr(0, 16), 16);
    const auto last = read_number(std::string_view(digits).substr(31), 16);
    if (!first || !last) return std::nullopt;
    mixed = (*first & ~std::uint64_t{0xF000}) | *last << 12;
  }
  const std::uint64_t number = mixed * kUnmix;
  char again[kMaxSize];
  if (std::string_view(again, write(number, again)) != id) return std::nullopt;
  return number;
}

std::size_t write_hex8(std::uint64_t number, char* out) noexcept {
  if (number > 0xFFFFFFFFU) return write_number(number, 16, kLower, 8, out);
  // Spread the eight nibbles over eight octets, then turn each into its digit.
  std::uint64_t nibbles = number;
  nibbles = (nibbles << 16 | nibbles) & 0x0000FFFF0000FFFFU;
  nibbles = (nibbles << 8 | nibbles) & 0x00FF00FF00FF00FFU;
  nibbles = (nibbles << 4 | nibbles) & 0x0F0F0F0F0F0F0F0FU;
  const std::uint64_t letters = ((nibbles + 0x0606060606060606U) >> 4) & 0x0101010101010101U;
  const std::uint64_t text = __builtin_bswap64(nibbles + 0x3030303030303030U + letters * ('a' - '0' - 10));
  std::memcpy(out, &text, 8);
  return 8;
}

}  // namespace smppd::sim
