#include "smpp/text/split.h"

#include <algorithm>

#include "smpp/text/internal/grapheme.h"
#include "smpp/text/internal/transliterate.h"
#include "smpp/text/internal/utf.h"

namespace smppd::smpp {
namespace {

constexpr std::size_t kLacking = 0;

bool is_gsm7(Alphabet alphabet) noexcept { return alphabet == Alphabet::gsm7 || alphabet == Alphabet::gsm7_packed; }

// Units of a character that the alphabet has, kLacking for others.
std::size_t plain_units(char32_t character, Coding coding) noexcept {
  switch (coding.alphabet) {
    case Alphabet::gsm7:
    case Alphabet::gsm7_packed: {
      const auto code = gsm7_septet(character, coding.tables);
      return code == kNoSeptet ? kLacking : code > 0xFF ? 2 : 1;
    }
    case Alphabet::ascii: return character < 0x80 ? 1 : kLacking;
    case Alphabet::ucs2: return character < 0x10000 ? 2 : 4;
    case Alphabet::utf8: return text_internal::utf8_size(character);
    case Alphabet::latin1:
    case Alphabet::binary: break;
  }
  return character < 0x100 ? 1 : kLacking;
}

std::size_t units_of(char32_t character, Coding coding, Unencodable policy) noexcept {
  if (character == text_internal::kInvalid && policy == Unencodable::drop) return 0;
  if (character == text_internal::kInvalid) character = text_internal::kReplacementCharacter;
  if (const auto units = plain_units(character, coding)) return units;
  if (policy == Unencodable::drop) return 0;
  std::string_view instead;
  if (policy == Unencodable::transliterate) instead = text_internal::transliteration(character);
  if (instead.empty()) return 1;
  std::size_t units = 0;
  for (const char plain : instead) {
    const auto more = plain_units(static_cast<unsigned char>(plain), coding);
    units += more == kLacking ? 1 : more;
  }
  return units;
}

std::size_t room_for(Alphabet alphabet, std::size_t room, std::size_t header_octets) noexcept {
  const std::size_t octets = room > header_octets ? room - header_octets : 0;
  return is_gsm7(alphabet) ? octets * 8 / 7 : octets;
}

struct Step {
  std::size_t octets = 1;
  char32_t character = text_internal::kReplacementCharacter;
};

Step utf16_step(ByteSpan text, std::size_t at) noexcept {
  const std::size_t left = text.size() - at;
  if (left < 2) return {};
  const char32_t unit = load_be<std::uint16_t>(text.data() + at);
  if (!text_internal::is_surrogate(unit)) return {2, unit};
  const char32_t next = left < 4 ? 0 : load_be<std::uint16_t>(text.data() + at + 2);
  if (unit >= 0xDC00 || next < 0xDC00 || next > 0xDFFF) return {2};
  return {4, 0x10000 + ((unit - 0xD800) << 10U) + (next - 0xDC00)};
}

Step septet_step(ByteSpan text, std::size_t at, Gsm7Tables tables) noexcept {
  const std::uint8_t septet = text[at];
  if (septet == kEscape && at + 1 < text.size()) return {2, gsm7_escaped_character(text[at + 1], tables)};
  return {1, septet < 0x80 ? gsm7_character(septet, tables) : text_internal::kReplacementCharacter};
}

// The character at `at`, or the octet that is none.
Step step_at(ByteSpan text, std::size_t at, Coding coding) noexcept {
  switch (coding.alphabet) {
    case Alphabet::gsm7:
    case Alphabet::gsm7_packed: return septet_step(text, at, coding.tables);
    case Alphabet::ucs2: return utf16_step(text, at);
    case Alphabet::utf8: {
      std::size_t end = at;
      const char32_t character = text_internal::next_utf8(as_text(text), end);
      return {end - at, character == text_internal::kInvalid ? text_internal::kReplacementCharacter : character};
    }
    case Alphabet::latin1:
    case Alphabet::ascii:
    case Alphabet::binary: break;
  }
  return {1, text[at]};
}

}  // namespace

SplitLimits split_limits(Alphabet alphabet, ConcatReference reference, std::size_t other_elements,
                         std::size_t room) noexcept {
  const std::size_t single_header = other_elements == 0 ? 0 : 1 + other_elements;
  const std::size_t concat_element = reference == ConcatReference::bits8 ? 5 : 6;
  return {room_for(alphabet, room, single_header), room_for(alphabet, room, 1 + other_elements + concat_element)};
}

std::size_t text_units(std::string_view utf8, Coding coding, Unencodable policy) noexcept {
  if (coding.alphabet == Alphabet::binary) return utf8.size();
  std::size_t units = 0;
  for (std::size_t pos = 0; pos < utf8.size();) units += units_of(text_internal::next_utf8(utf8, pos), coding, policy);
  return units;
}

Splitter::Splitter(std::string_view utf8, Coding coding, SplitLimits limits, Unencodable policy) noexcept
    : text_(utf8), coding_(coding), policy_(policy), limit_(limits.single) {
  if (part_end(0) == text_.size()) {
    parts_ = 1;
    return;
  }
  limit_ = limits.part;
  std::size_t parts = 0;
  for (std::size_t at = 0; at < text_.size(); ++parts) {
    const std::size_t end = part_end(at);
    if (end == at || parts == kMaxParts) return;
    at = end;
  }
  parts_ = parts;
}

bool Splitter::next(std::string_view& part) noexcept {
  if (given_ == parts_) return false;
  const std::size_t end = part_end(at_);
  part = text_.substr(at_, end - at_);
  at_ = end;
  ++given_;
  return true;
}

// `start` itself when not even one character fits.
std::size_t Splitter::part_end(std::size_t start) const noexcept {
  if (coding_.alphabet == Alphabet::binary) return start + std::min(limit_, text_.size() - start);
  text_internal::GraphemeScanner scanner;
  std::size_t units = 0;
  std::size_t cluster = start;
  for (std::size_t pos = start; pos < text_.size();) {
    const std::size_t here = pos;
    const char32_t character = text_internal::next_utf8(text_, pos);
    if (scanner.starts_cluster(character)) cluster = here;
    units += units_of(character, coding_, policy_);
    if (units > limit_) return cluster > start ? cluster : here;
  }
  return text_.size();
}

OctetSplitter::OctetSplitter(ByteSpan text, Coding coding, SplitLimits limits) noexcept
    : text_(text), coding_(coding), limit_(limits.single) {
  if (text.size() <= limit_) {
    parts_ = 1;
    return;
  }
  limit_ = limits.part;
  std::size_t parts = 0;
  for (std::size_t at = 0; at < text_.size(); ++parts) {
    const std::size_t end = part_end(at);
    if (end == at || parts == kMaxParts) return;
    at = end;
  }
  parts_ = parts;
}

bool OctetSplitter::next(ByteSpan& part) noexcept {
  if (given_ == parts_) return false;
  const std::size_t end = part_end(at_);
  part = text_.subspan(at_, end - at_);
  at_ = end;
  ++given_;
  return true;
}

// `start` itself when not even one character fits.
std::size_t OctetSplitter::part_end(std::size_t start) const noexcept {
  if (text_.size() - start <= limit_) return text_.size();
  if (coding_.alphabet == Alphabet::binary) return start + limit_;
  text_internal::GraphemeScanner scanner;
  std::size_t cluster = start;
  for (std::size_t pos = start;;) {
    const Step step = step_at(text_, pos, coding_);
    if (scanner.starts_cluster(step.character)) cluster = pos;
    if (pos + step.octets - start > limit_) return cluster > start ? cluster : pos;
    pos += step.octets;
  }
}

}  // namespace smppd::smpp
