#include "smpp/text/charset.h"

#include <algorithm>
#include <array>

#include "smpp/text/internal/transliterate.h"
#include "smpp/text/internal/utf.h"

namespace smppd::smpp {
namespace {

using text_internal::is_surrogate;
using text_internal::kInvalid;
using text_internal::kReplacementCharacter;

// Code points out of a text; kInvalid for an ill-formed sequence.
class Reader {
 public:
  Reader(ByteSpan text, Coding coding) noexcept : text_(text), coding_(coding) {
    if (coding.alphabet == Alphabet::ucs2 && text.size() >= 2) {
      const auto mark = load_be<std::uint16_t>(text.data());
      if (mark == 0xFEFF || mark == 0xFFFE) {
        coding_.little_endian = mark == 0xFFFE;
        at_ = 2;
      }
    } else if (coding.alphabet == Alphabet::gsm7_packed) {
      septets_ = gsm7_packed_septets(text.size(), coding.fill_bits);
      const bool flush = septets_ > 0 && septets_ * 7 + coding.fill_bits == text.size() * 8;
      if (flush && (septet(septets_ - 1) == '\r' || septet(septets_ - 1) == 0)) --septets_;
    }
  }

  // Octets of input taken so far.
  [[nodiscard]] std::size_t taken() const noexcept {
    if (coding_.alphabet != Alphabet::gsm7_packed) return at_;
    return done() ? text_.size() : (at_ * 7 + coding_.fill_bits) / 8;
  }
  [[nodiscard]] bool done() const noexcept {
    return at_ >= (coding_.alphabet == Alphabet::gsm7_packed ? septets_ : text_.size());
  }

  char32_t next() noexcept {
    switch (coding_.alphabet) {
      case Alphabet::gsm7:
      case Alphabet::gsm7_packed: return next_gsm7();
      case Alphabet::ascii: return text_[at_] < 0x80 ? text_[at_++] : (++at_, kInvalid);
      case Alphabet::ucs2: return next_utf16();
      case Alphabet::utf8: return text_internal::next_utf8(as_text(text_), at_);
      case Alphabet::latin1:
      case Alphabet::binary: break;
    }
    return text_[at_++];
  }

 private:
  [[nodiscard]] std::uint8_t septet(std::size_t index) const noexcept {
    if (coding_.alphabet == Alphabet::gsm7) return text_[index];
    const std::size_t bit = index * 7 + coding_.fill_bits;
    const unsigned shift = bit % 8;
    unsigned window = text_[bit / 8];
    if (shift > 1) window |= static_cast<unsigned>(text_[bit / 8 + 1]) << 8U;
    return static_cast<std::uint8_t>((window >> shift) & 0x7FU);
  }

  char32_t next_gsm7() noexcept {
    const std::uint8_t first = septet(at_++);
    if (first >= 0x80) return kInvalid;
    if (first != kEscape) return gsm7_character(first, coding_.tables);
    if (done()) return kInvalid;
    const std::uint8_t second = septet(at_);
    if (second >= 0x80) return kInvalid;
    ++at_;
    return gsm7_escaped_character(second, coding_.tables);
  }

  [[nodiscard]] char32_t unit(std::size_t at) const noexcept {
    const auto value = load_be<std::uint16_t>(text_.data() + at);
    return coding_.little_endian ? __builtin_bswap16(value) : value;
  }

  char32_t next_utf16() noexcept {
    if (text_.size() - at_ < 2) {
      at_ = text_.size();
      return kInvalid;
    }
    const char32_t first = unit(at_);
    at_ += 2;
    if (!is_surrogate(first)) return first;
    if (first >= 0xDC00 || text_.size() - at_ < 2) return kInvalid;
    const char32_t second = unit(at_);
    if (second < 0xDC00 || second > 0xDFFF) return kInvalid;
    at_ += 2;
    return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
  }

  ByteSpan text_;
  Coding coding_;
  std::size_t at_ = 0;  // octets, septets when packed
  std::size_t septets_ = 0;
};

enum class Put : std::uint8_t { done, lacking, full };

// Code points into a buffer, each whole or not at all.
class Writer {
 public:
  Writer(std::span<std::uint8_t> out, Coding coding) noexcept
      : out_(out), coding_(coding), bit_(coding.alphabet == Alphabet::gsm7_packed ? coding.fill_bits : 0) {}

  Put put(char32_t character) noexcept {
    switch (coding_.alphabet) {
      case Alphabet::gsm7: return put_septets(character);
      case Alphabet::gsm7_packed: return put_packed(character);
      case Alphabet::ascii: return character < 0x80 ? put_octet(character) : Put::lacking;
      case Alphabet::ucs2: return put_utf16(character);
      case Alphabet::utf8: return put_utf8(character);
      case Alphabet::latin1:
      case Alphabet::binary: break;
    }
    return character < 0x100 ? put_octet(character) : Put::lacking;
  }

  // Pads what is packed, as gsm7_pack() does.
  void finish() noexcept {
    if (coding_.alphabet != Alphabet::gsm7_packed || bit_ == coding_.fill_bits) return;
    const bool reads_as_padding = bit_ % 8 == 0 && (last_ == '\r' || last_ == 0);
    if ((reads_as_padding && bit_ < out_.size() * 8) || bit_ % 8 == 1) add_packed('\r');
  }

  [[nodiscard]] std::size_t written() const noexcept {
    if (coding_.alphabet != Alphabet::gsm7_packed) return at_;
    return bit_ == coding_.fill_bits ? 0 : (bit_ + 7) / 8;
  }

  struct Mark {
    std::size_t at;
    std::size_t bit;
    std::uint8_t last;
  };
  [[nodiscard]] Mark mark() const noexcept { return {at_, bit_, last_}; }
  void back_to(const Mark& mark) noexcept {
    at_ = mark.at;
    bit_ = mark.bit;
    last_ = mark.last;
  }

 private:
  [[nodiscard]] std::size_t room() const noexcept { return out_.size() - at_; }

  Put put_octet(char32_t octet) noexcept {
    if (room() < 1) return Put::full;
    out_[at_++] = static_cast<std::uint8_t>(octet);
    return Put::done;
  }

  Put put_septets(char32_t character) noexcept {
    const auto code = gsm7_septet(character, coding_.tables);
    if (code == kNoSeptet) return Put::lacking;
    if (room() < (code > 0xFF ? 2U : 1U)) return Put::full;
    if (code > 0xFF) out_[at_++] = kEscape;
    out_[at_++] = static_cast<std::uint8_t>(code & 0x7FU);
    return Put::done;
  }

  Put put_packed(char32_t character) noexcept {
    const auto code = gsm7_septet(character, coding_.tables);
    if (code == kNoSeptet) return Put::lacking;
    if (bit_ + (code > 0xFF ? 14 : 7) > out_.size() * 8) return Put::full;
    if (code > 0xFF) add_packed(kEscape);
    add_packed(static_cast<std::uint8_t>(code & 0x7FU));
    return Put::done;
  }

  void add_packed(std::uint8_t septet) noexcept {
    const std::size_t octet = bit_ / 8;
    const unsigned shift = bit_ % 8;
    const unsigned kept = out_[octet] & ((1U << shift) - 1U);
    const unsigned window = (bit_ == coding_.fill_bits ? 0 : kept) | static_cast<unsigned>(septet) << shift;
    out_[octet] = static_cast<std::uint8_t>(window & 0xFFU);
    if (shift > 1) out_[octet + 1] = static_cast<std::uint8_t>(window >> 8U);
    bit_ += 7;
    last_ = septet;
  }

  Put put_utf16(char32_t character) noexcept {
    if (room() < (character >= 0x10000 ? 4U : 2U)) return Put::full;
    if (character >= 0x10000) {
      const char32_t rest = character - 0x10000;
      store_be<std::uint16_t>(&out_[at_], static_cast<std::uint16_t>(0xD800 + (rest >> 10U)));
      at_ += 2;
      character = 0xDC00 + (rest & 0x3FFU);
    }
    store_be<std::uint16_t>(&out_[at_], static_cast<std::uint16_t>(character));
    at_ += 2;
    return Put::done;
  }

  Put put_utf8(char32_t character) noexcept {
    const std::size_t size = text_internal::utf8_size(character);
    if (room() < size) return Put::full;
    text_internal::put_utf8(character, reinterpret_cast<char*>(out_.data() + at_));
    at_ += size;
    return Put::done;
  }

  std::span<std::uint8_t> out_;
  Coding coding_;
  std::size_t at_ = 0;
  std::size_t bit_ = 0;  // packed only
  std::uint8_t last_ = 0xFF;
};

// Writes what the policy puts in place of a character that the target lacks.
Put put_instead(Writer& writer, char32_t character, Unencodable policy) noexcept {
  if (policy == Unencodable::drop) return Put::done;
  if (character == kReplacementCharacter) {
    const auto put = writer.put(character);
    if (put != Put::lacking) return put;
  }
  std::string_view instead = "?";
  if (policy == Unencodable::transliterate) {
    const auto nearest = text_internal::transliteration(character);
    if (!nearest.empty()) instead = nearest;
  }
  for (const char plain : instead) {
    auto put = writer.put(static_cast<unsigned char>(plain));
    if (put == Put::lacking) put = writer.put(U'?');
    if (put == Put::full) return put;
  }
  return Put::done;
}

Conversion convert(Reader reader, Writer writer, Unencodable policy) noexcept {
  Conversion done;
  done.read = reader.taken();
  while (!reader.done()) {
    const auto mark = writer.mark();
    const char32_t character = reader.next();
    const bool ill_formed = character == kInvalid;
    auto put = ill_formed ? Put::lacking : writer.put(character);
    if (put == Put::lacking) {
      if (policy == Unencodable::stop) break;
      put = put_instead(writer, ill_formed ? kReplacementCharacter : character, policy);
      if (put == Put::done) ++done.unencodable;
    }
    if (put == Put::full) {
      writer.back_to(mark);
      done.full = true;
      break;
    }
    done.read = reader.taken();
  }
  writer.finish();
  done.written = writer.written();
  return done;
}

}  // namespace

Conversion transcode(ByteSpan text, Coding from, Coding to, std::span<std::uint8_t> out, Unencodable policy) noexcept {
  return convert(Reader(text, from), Writer(out, to), policy);
}

Conversion to_utf8(ByteSpan text, Coding from, std::span<char> utf8) noexcept {
  return transcode(text, from, Alphabet::utf8, {reinterpret_cast<std::uint8_t*>(utf8.data()), utf8.size()});
}

Conversion from_utf8(std::string_view utf8, Coding to, std::span<std::uint8_t> text, Unencodable policy) noexcept {
  return transcode(as_bytes(utf8), Alphabet::utf8, to, text, policy);
}

std::string to_utf8(ByteSpan text, Coding from) {
  std::string utf8(max_utf8_octets(text.size()), '\0');
  utf8.resize(to_utf8(text, from, std::span<char>(utf8)).written);
  return utf8;
}

std::string from_utf8(std::string_view utf8, Coding to, Unencodable policy) {
  std::string text(max_octets(utf8.size()), '\0');
  const std::span<std::uint8_t> out(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
  text.resize(from_utf8(utf8, to, out, policy).written);
  return text;
}

bool is_valid(ByteSpan text, Coding coding) noexcept {
  Reader reader(text, coding);
  while (!reader.done()) {
    if (reader.next() == kInvalid) return false;
  }
  return true;
}

ByteOrder guess_byte_order(ByteSpan utf16) noexcept {
  if (utf16.size() >= 2) {
    const auto mark = load_be<std::uint16_t>(utf16.data());
    if (mark == 0xFEFF) return ByteOrder::big;
    if (mark == 0xFFFE) return ByteOrder::little;
  }
  const std::size_t units = utf16.size() / 2;
  std::size_t ascii_if_little = 0;
  for (std::size_t i = 0; i < units; ++i) {
    const auto first = utf16[2 * i];
    const auto second = utf16[2 * i + 1];
    if (first == 0 && second < 0x80) return ByteOrder::big;
    if (second == 0 && first < 0x80) ++ascii_if_little;
  }
  return units >= 3 && ascii_if_little * 4 >= units * 3 ? ByteOrder::little : ByteOrder::big;
}

std::optional<Alphabet> smallest_alphabet(std::string_view utf8, AlphabetSet allowed, Gsm7Tables tables) noexcept {
  constexpr std::size_t kCannot = ~std::size_t{0};
  std::array<std::size_t, kAlphabets> bits{};
  const auto cost = [&](Alphabet alphabet) -> std::size_t& { return bits[static_cast<std::size_t>(alphabet)]; };
  const auto add = [&](Alphabet alphabet, std::size_t more) {
    auto& sum = cost(alphabet);
    sum = sum == kCannot || more == kCannot ? kCannot : sum + more;
  };
  for (std::size_t pos = 0; pos < utf8.size();) {
    const char32_t character = text_internal::next_utf8(utf8, pos);
    if (character == kInvalid) return std::nullopt;
    const auto code = gsm7_septet(character, tables);
    const std::size_t septets = code == kNoSeptet ? kCannot : code > 0xFF ? 14 : 7;
    add(Alphabet::gsm7, septets);
    add(Alphabet::gsm7_packed, septets);
    add(Alphabet::latin1, character < 0x100 ? 8 : kCannot);
    add(Alphabet::ascii, character < 0x80 ? 8 : kCannot);
    add(Alphabet::ucs2, character >= 0x10000 ? 32 : 16);
    add(Alphabet::utf8, text_internal::utf8_size(character) * 8);
  }
  cost(Alphabet::binary) = kCannot;
  std::optional<Alphabet> best;
  for (std::size_t i = 0; i < kAlphabets; ++i) {
    const auto alphabet = static_cast<Alphabet>(i);
    if (!allowed.has(alphabet) || bits[i] == kCannot) continue;
    if (!best || bits[i] < cost(*best)) best = alphabet;
  }
  return best;
}

}  // namespace smppd::smpp
