#include "smpp/text/gsm7.h"

#include <algorithm>
#include <array>

#include "smpp/text/internal/gsm7_tables.h"
#include "smpp/text/internal/transliterate.h"
#include "smpp/text/internal/utf.h"

namespace smppd::smpp {
namespace {

using text_internal::kLocking;
using text_internal::kReplacementCharacter;
using text_internal::kSingle;
using text_internal::kVoid;
using text_internal::SeptetTable;

constexpr std::uint16_t escaped(std::size_t septet) noexcept { return static_cast<std::uint16_t>(0x1B00U | septet); }

// The default alphabet and its extension, the other way round, for U+0000-U+00FF.
constexpr std::array<std::uint16_t, 256> reverse_default() {
  std::array<std::uint16_t, 256> reverse{};
  reverse.fill(kNoSeptet);
  for (std::size_t i = 0; i < 128; ++i) {
    if (kSingle[0][i] < 256) reverse[kSingle[0][i]] = escaped(i);
  }
  for (std::size_t i = 0; i < 128; ++i) {
    if (kLocking[0][i] < 256) reverse[kLocking[0][i]] = static_cast<std::uint16_t>(i);
  }
  return reverse;
}
constexpr auto kReverseDefault = reverse_default();

std::uint16_t find(const SeptetTable& table, char32_t character) noexcept {
  const auto at = std::find(table.begin(), table.end(), static_cast<char16_t>(character));
  return at == table.end() ? kNoSeptet : static_cast<std::uint16_t>(at - table.begin());
}

constexpr std::size_t index_of(Language language) noexcept { return static_cast<std::size_t>(language); }

}  // namespace

Language language_of(std::uint8_t identifier) noexcept {
  return identifier < text_internal::kLanguages ? static_cast<Language>(identifier) : Language::none;
}

std::uint16_t gsm7_septet(char32_t character, Gsm7Tables tables) noexcept {
  if (character >= kVoid) return kNoSeptet;
  if (tables == Gsm7Tables{} && character < kReverseDefault.size()) return kReverseDefault[character];
  const auto plain = find(kLocking[index_of(tables.locking)], character);
  if (plain != kNoSeptet) return plain;
  const auto shifted = find(kSingle[index_of(tables.single)], character);
  return shifted == kNoSeptet ? kNoSeptet : escaped(shifted);
}

char32_t gsm7_character(std::uint8_t septet, Gsm7Tables tables) noexcept {
  const char32_t character = kLocking[index_of(tables.locking)][septet & 0x7FU];
  return character == kVoid ? U' ' : character;
}

char32_t gsm7_escaped_character(std::uint8_t septet, Gsm7Tables tables) noexcept {
  const char32_t character = kSingle[index_of(tables.single)][septet & 0x7FU];
  return character == kVoid ? gsm7_character(septet, tables) : character;
}

Conversion gsm7_encode(std::string_view utf8, std::span<std::uint8_t> septets, Gsm7Tables tables,
                       Unencodable policy) noexcept {
  Conversion done;
  // All or nothing for one code.
  const auto put = [&](std::uint16_t code) {
    const std::size_t units = code > 0xFF ? 2 : 1;
    if (septets.size() - done.written < units) return false;
    if (units == 2) septets[done.written++] = kEscape;
    septets[done.written++] = static_cast<std::uint8_t>(code & 0x7FU);
    return true;
  };
  while (done.read < utf8.size()) {
    std::size_t next = done.read;
    const char32_t character = text_internal::next_utf8(utf8, next);
    std::uint16_t code = gsm7_septet(character, tables);
    std::string_view instead;
    if (code == kNoSeptet) {
      if (policy == Unencodable::stop) return done;
      if (policy == Unencodable::transliterate) instead = text_internal::transliteration(character);
      if (policy != Unencodable::drop && instead.empty()) instead = "?";
      ++done.unencodable;
      const std::size_t before = done.written;
      for (const char plain : instead) {
        code = gsm7_septet(static_cast<unsigned char>(plain), tables);
        if (code == kNoSeptet) code = gsm7_septet(U'?', tables);
        if (put(code)) continue;
        done.written = before;
        --done.unencodable;
        done.full = true;
        return done;
      }
    } else if (!put(code)) {
      done.full = true;
      return done;
    }
    done.read = next;
  }
  return done;
}

Conversion gsm7_decode(ByteSpan septets, std::span<char> utf8, Gsm7Tables tables) noexcept {
  Conversion done;
  while (done.read < septets.size()) {
    const std::uint8_t septet = septets[done.read];
    std::size_t taken = 1;
    char32_t character = kReplacementCharacter;
    if (septet == kEscape && done.read + 1 < septets.size() && septets[done.read + 1] < 0x80) {
      character = gsm7_escaped_character(septets[done.read + 1], tables);
      taken = 2;
    } else if (septet < 0x80 && septet != kEscape) {
      character = gsm7_character(septet, tables);
    }
    const std::size_t size = text_internal::utf8_size(character);
    if (utf8.size() - done.written < size) {
      done.full = true;
      return done;
    }
    if (character == kReplacementCharacter) ++done.unencodable;
    text_internal::put_utf8(character, utf8.data() + done.written);
    done.written += size;
    done.read += taken;
  }
  return done;
}

std::size_t gsm7_length(std::string_view utf8, Gsm7Tables tables) noexcept {
  std::size_t length = 0;
  for (std::size_t pos = 0; pos < utf8.size();) {
    const auto code = gsm7_septet(text_internal::next_utf8(utf8, pos), tables);
    length += code != kNoSeptet && code > 0xFF ? 2 : 1;
  }
  return length;
}

bool gsm7_can_encode(std::string_view utf8, Gsm7Tables tables) noexcept {
  for (std::size_t pos = 0; pos < utf8.size();) {
    if (gsm7_septet(text_internal::next_utf8(utf8, pos), tables) == kNoSeptet) return false;
  }
  return true;
}

std::size_t gsm7_pack(ByteSpan septets, std::span<std::uint8_t> packed, unsigned fill_bits) noexcept {
  const std::size_t bits = septets.size() * 7 + fill_bits;
  const bool flush = !septets.empty() && bits % 8 == 0;
  const bool seven_spare = !septets.empty() && bits % 8 == 1;
  std::size_t octets = gsm7_packed_octets(septets.size(), fill_bits);
  if (packed.size() < octets) return 0;
  const bool guarded = flush && (septets.back() == '\r' || septets.back() == 0) && packed.size() > octets;
  if (guarded) ++octets;

  std::uint32_t pending = 0;
  unsigned pending_bits = fill_bits;
  std::size_t written = 0;
  const auto put = [&](std::uint8_t septet) {
    pending |= static_cast<std::uint32_t>(septet & 0x7FU) << pending_bits;
    pending_bits += 7;
    while (pending_bits >= 8) {
      packed[written++] = static_cast<std::uint8_t>(pending & 0xFFU);
      pending >>= 8U;
      pending_bits -= 8;
    }
  };
  for (const auto septet : septets) put(septet);
  if (guarded || seven_spare) put('\r');
  if (pending_bits > 0 && written < octets) packed[written++] = static_cast<std::uint8_t>(pending & 0xFFU);
  return written;
}

std::size_t gsm7_unpack(ByteSpan packed, std::span<std::uint8_t> septets, unsigned fill_bits) noexcept {
  const std::size_t count = std::min(gsm7_packed_septets(packed.size(), fill_bits), septets.size());
  std::size_t bit = fill_bits;
  for (std::size_t i = 0; i < count; ++i, bit += 7) {
    const std::size_t octet = bit / 8;
    const unsigned shift = bit % 8;
    unsigned window = packed[octet];
    if (shift > 1) window |= static_cast<unsigned>(packed[octet + 1]) << 8U;
    septets[i] = static_cast<std::uint8_t>((window >> shift) & 0x7FU);
  }
  const bool flush = count > 0 && bit == packed.size() * 8;
  if (flush && (septets[count - 1] == '\r' || septets[count - 1] == 0)) return count - 1;
  return count;
}

}  // namespace smppd::smpp
