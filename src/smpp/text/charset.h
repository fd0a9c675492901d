// Which alphabet a message is written in, and conversion between alphabets through Unicode.
//
// Conversions are pure, noexcept, without allocation, any thread; results go into the caller's buffer, which
// max_utf8_octets() and max_octets() size. The user data header is never part of the text: strip it first (udh.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "smpp/text/gsm7.h"

namespace smppd::smpp {

enum class Alphabet : std::uint8_t {
  gsm7,         // one septet per octet
  gsm7_packed,  // eight septets in seven octets
  latin1,
  ascii,
  ucs2,  // UTF-16, big-endian on the wire
  utf8,
  binary,  // octets that are no text, or in a coding that is not converted (JIS, KS C 5601, ISO-8859-5...)
};
inline constexpr std::size_t kAlphabets = 7;

// "gsm7", "latin1"...: the words of the configuration.
[[nodiscard]] std::string_view name_of(Alphabet alphabet) noexcept;
[[nodiscard]] std::optional<Alphabet> parse_alphabet(std::string_view name) noexcept;

// --- data_coding, SMPP 3.4 §5.2.19 and TS 23.038 §4
// -------------------------------------------------------------------

enum class WaitingAction : std::uint8_t { none, discard, store };

struct DataCoding {
  Alphabet alphabet = Alphabet::gsm7;
  std::optional<std::uint8_t> message_class;    // 0 = flash ... 3
  WaitingAction waiting = WaitingAction::none;  // message waiting indication groups
  std::uint8_t waiting_kind = 0;                // 0 voicemail, 1 fax, 2 e-mail, 3 other
  bool waiting_active = false;
  bool compressed = false;  // TS 23.042 compression: the alphabet is then binary
};

// `peer_default` is what this peer means by the SMSC default alphabet: data_coding 0 and the groups that name it.
// 0x00-0x0F are SMPP's own values; 0x10-0x7F are read as the GSM general group, as peers mean them although SMPP
// reserves them; reserved values are binary.
[[nodiscard]] DataCoding read_data_coding(std::uint8_t data_coding, Alphabet peer_default) noexcept;

// The data_coding to send `alphabet` under; nullopt when this peer has none for it (UTF-8 that is not its default).
[[nodiscard]] std::optional<std::uint8_t> data_coding_for(Alphabet alphabet, Alphabet peer_default,
                                                          std::optional<std::uint8_t> message_class = {}) noexcept;

// --- Conversion ------------------------------------------------------------------------------------------------------

// An alphabet with what must be known to read or write it.
struct Coding {
  Coding(Alphabet a) noexcept : alphabet(a) {}  // NOLINT(google-explicit-constructor): an alphabet is a coding
  Coding(Alphabet a, Gsm7Tables t, unsigned fill = 0) noexcept
      : alphabet(a), tables(t), fill_bits(static_cast<std::uint8_t>(fill)) {}
  Alphabet alphabet;
  Gsm7Tables tables{};         // gsm7, gsm7_packed
  std::uint8_t fill_bits = 0;  // gsm7_packed after a header: gsm7_fill_bits()
  bool little_endian = false;  // ucs2, reading only; a byte order mark overrides it and is never part of the text
};

[[nodiscard]] constexpr std::size_t max_utf8_octets(std::size_t octets) noexcept { return octets * 4; }
// Octets that `utf8_octets` of text take at most in any alphabet, stand-ins of `transliterate` included.
[[nodiscard]] constexpr std::size_t max_octets(std::size_t utf8_octets) noexcept { return utf8_octets * 4 + 2; }

// Ill-formed input yields U+FFFD and counts as unencodable. Binary is read as Latin-1.
[[nodiscard]] Conversion to_utf8(ByteSpan text, Coding from, std::span<char> utf8) noexcept;
// Binary is written as Latin-1.
[[nodiscard]] Conversion from_utf8(std::string_view utf8, Coding to, std::span<std::uint8_t> text,
                                   Unencodable policy = Unencodable::replace) noexcept;
// Straight from one alphabet to another; same rules. `stop` stops at ill-formed input too.
[[nodiscard]] Conversion transcode(ByteSpan text, Coding from, Coding to, std::span<std::uint8_t> out,
                                   Unencodable policy = Unencodable::replace) noexcept;

// The same for control code and tests: these allocate.
[[nodiscard]] std::string to_utf8(ByteSpan text, Coding from);
[[nodiscard]] std::string from_utf8(std::string_view utf8, Coding to, Unencodable policy = Unencodable::replace);

// Whether every octet belongs to a well-formed character.
[[nodiscard]] bool is_valid(ByteSpan text, Coding coding) noexcept;

enum class ByteOrder : std::uint8_t { big, little };
// Of UTF-16 text: by its byte order mark, else little only when nearly all units would then be ASCII and none is now
// (at least three units). What a peer's documents say beats this.
[[nodiscard]] ByteOrder guess_byte_order(ByteSpan utf16) noexcept;

// --- Choosing --------------------------------------------------------------------------------------------------------

class AlphabetSet {
 public:
  constexpr AlphabetSet(std::initializer_list<Alphabet> alphabets) noexcept {
    for (const auto alphabet : alphabets) bits_ |= 1U << static_cast<unsigned>(alphabet);
  }
  [[nodiscard]] constexpr bool has(Alphabet alphabet) const noexcept {
    return (bits_ >> static_cast<unsigned>(alphabet) & 1U) != 0;
  }

 private:
  unsigned bits_ = 0;
};

// The allowed alphabet that carries `utf8` whole in the least space on the air (seven bits a GSM septet, packed or
// not); ties go to the one listed first in Alphabet. nullopt when none can. Ill-formed text fits nothing.
[[nodiscard]] std::optional<Alphabet> smallest_alphabet(std::string_view utf8,
                                                        AlphabetSet allowed = {Alphabet::gsm7, Alphabet::ucs2},
                                                        Gsm7Tables tables = {}) noexcept;

}  // namespace smppd::smpp
