// Cutting a long text into the parts of one message: Splitter cuts Unicode that is encoded part by part, OctetSplitter
// cuts text on the wire that stays in its alphabet.
//
// No allocation: parts are views into the text. A cut never falls inside an escape pair or a surrogate pair, and inside
// a grapheme cluster (letter with marks, emoji sequence, flag, Hangul syllable)
// only when the cluster alone exceeds a part. Any thread; noexcept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "smpp/text/charset.h"

namespace smppd::smpp {

// Units: septets for gsm7 and gsm7_packed, octets for every other alphabet.
struct SplitLimits {
  std::size_t single = 0;  // a message that fits is not cut
  std::size_t part = 0;    // each part of one that does not
};

enum class ConcatReference : std::uint8_t { bits8, bits16 };

inline constexpr std::size_t kAirOctets = 140;  // TP-User-Data, TS 23.040 §9.2.3.24
inline constexpr std::size_t kMaxParts = 255;

// 160/153/152 septets, 140/134/133 octets (70/67/66 UCS-2 units), less what `other_elements` octets of further
// information elements take from every part. `room`: octets of user data, header included, for one message.
[[nodiscard]] SplitLimits split_limits(Alphabet alphabet, ConcatReference reference, std::size_t other_elements = 0,
                                       std::size_t room = kAirOctets) noexcept;

// Units that from_utf8(text, coding, policy) will write; binary counts octets.
[[nodiscard]] std::size_t text_units(std::string_view utf8, Coding coding,
                                     Unencodable policy = Unencodable::replace) noexcept;

class Splitter {
 public:
  // `utf8` must outlive the splitter and the parts; for Alphabet::binary it is raw octets.
  Splitter(std::string_view utf8, Coding coding, SplitLimits limits,
           Unencodable policy = Unencodable::replace) noexcept;

  // How many parts next() will give: at least 1 (an empty text is one empty part); 0 when it takes more than kMaxParts
  // or a single character exceeds the limits, and then next() gives nothing.
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }

  // False after the last part.
  [[nodiscard]] bool next(std::string_view& part) noexcept;

 private:
  [[nodiscard]] std::size_t part_end(std::size_t start) const noexcept;

  std::string_view text_;
  Coding coding_;
  Unencodable policy_;
  std::size_t limit_ = 0;
  std::size_t parts_ = 0;
  std::size_t given_ = 0;
  std::size_t at_ = 0;
};

// Joined again the parts are the text, octet by octet, however ill-formed it is.
class OctetSplitter {
 public:
  // `text` without its header must outlive the splitter and the parts; packed septets are unpacked first (gsm7).
  OctetSplitter(ByteSpan text, Coding coding, SplitLimits limits) noexcept;

  // As Splitter's.
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] bool next(ByteSpan& part) noexcept;

 private:
  [[nodiscard]] std::size_t part_end(std::size_t start) const noexcept;

  ByteSpan text_;
  Coding coding_;
  std::size_t limit_ = 0;
  std::size_t parts_ = 0;
  std::size_t given_ = 0;
  std::size_t at_ = 0;
};

}  // namespace smppd::smpp
