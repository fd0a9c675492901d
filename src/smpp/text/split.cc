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

}  // namespace smppd::smpp
