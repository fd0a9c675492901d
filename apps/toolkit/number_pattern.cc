#include "toolkit/number_pattern.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace smppd::toolkit {

namespace {

constexpr std::size_t kMaxDigits = 19;
constexpr std::size_t kFreeSequenceDigits = 10;  // of a {seq} without width

// All groups of four digits, so that random digits cost one copy for four of them.
struct FourDigits {
  std::array<char, 40'000> text{};
  constexpr FourDigits() {
    for (unsigned i = 0; i < 10'000; ++i) {
      text[i * 4] = static_cast<char>('0' + i / 1000);
      text[i * 4 + 1] = static_cast<char>('0' + i / 100 % 10);
      text[i * 4 + 2] = static_cast<char>('0' + i / 10 % 10);
      text[i * 4 + 3] = static_cast<char>('0' + i % 10);
    }
  }
};
const FourDigits kFourDigits;

void write_random_digits(char* out, std::size_t width, Random& random) noexcept {
  while (width > 0) {
    std::uint64_t bits = random.next();
    for (int group = 0; group < 4 && width > 0; ++group) {
      const std::uint64_t number = (bits & 0xFFFF) * 10'000 >> 16;
      bits >>= 16;
      const std::size_t part = std::min<std::size_t>(width, 4);
      std::memcpy(out, &kFourDigits.text[number * 4 + (4 - part)], part);
      out += part;
      width -= part;
    }
  }
}

bool parse_whole(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::size_t write_decimal(char* out, std::uint64_t value, std::size_t width) noexcept {
  std::array<char, 20> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  const std::size_t size = digits.size() - at;
  const std::size_t zeros = width > size ? width - size : 0;
  std::memset(out, '0', zeros);
  std::memcpy(out + zeros, digits.data() + at, size);
  return zeros + size;
}

Fallible<NumberPattern::Piece> NumberPattern::parse_piece(std::string_view inside) {
  Piece piece;
  if (inside == "seq" || inside.starts_with("seq:")) {
    piece.kind = Kind::sequence;
    piece.width = kFreeSequenceDigits;
    if (inside.size() > 3) {
      if (!parse_whole(inside.substr(4), piece.least) || piece.least == 0 || piece.least > kMaxDigits) {
        return failure("'{" + std::string(inside) + "}' needs a width from 1 to 19");
      }
      piece.width = piece.least;
    }
    piece.count = 1;
    for (std::size_t i = 0; i < piece.width; ++i) piece.count *= 10;
    return piece;
  }
  const std::size_t dash = inside.find('-');
  if (dash != std::string_view::npos) {
    std::uint64_t last = 0;
    piece.kind = Kind::range;
    if (!parse_whole(inside.substr(0, dash), piece.least) || !parse_whole(inside.substr(dash + 1), last) ||
        last < piece.least || dash > kMaxDigits) {
      return failure("'{" + std::string(inside) + "}' is no range of numbers (write {FIRST-LAST})");
    }
    piece.count = last - piece.least + 1;
    piece.width = std::max(dash, inside.size() - dash - 1);
    piece.text = inside.substr(0, dash);
    return piece;
  }
  piece.kind = Kind::digits;
  if (!parse_whole(inside, piece.least) || piece.least == 0 || piece.least > 64) {
    return failure("'{" + std::string(inside) + "}' is neither {COUNT}, {FIRST-LAST} nor {seq}");
  }
  piece.width = piece.least;
  return piece;
}

Fallible<NumberPattern> NumberPattern::parse(std::string_view text, std::size_t longest) {
  NumberPattern pattern;
  const std::string whole(text);
  while (!text.empty()) {
    const std::size_t brace = text.front() == '{' ? text.find('}') : text.find('{');
    Piece piece;
    if (text.front() == '{') {
      if (brace == std::string_view::npos) return failure("'" + whole + "' has a '{' without '}'");
      auto parsed = parse_piece(text.substr(1, brace - 1));
      if (!parsed) return failure(parsed.error());
      piece = std::move(*parsed);
      pattern.plain_ = false;
      if (piece.kind == Kind::sequence && piece.least == 0) pattern.fixed_size_ = false;
      if (piece.kind == Kind::range && piece.width != piece.text.size()) pattern.fixed_size_ = false;
      text.remove_prefix(brace + 1);
    } else {
      piece.text = text.substr(0, brace);
      piece.width = piece.text.size();
      text.remove_prefix(piece.text.size());
    }
    pattern.max_size_ += piece.width;
    pattern.pieces_.push_back(std::move(piece));
  }
  if (pattern.max_size_ > longest) {
    return failure("'" + whole + "' gives up to " + std::to_string(pattern.max_size_) + " characters, at most " +
                   std::to_string(longest) + " are allowed");
  }
  return pattern;
}

std::size_t NumberPattern::write(char* out, Random& random, std::uint64_t sequence) const noexcept {
  char* at = out;
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Kind::literal: at = std::ranges::copy(piece.text, at).out; break;
      case Kind::digits:
        write_random_digits(at, piece.width, random);
        at += piece.width;
        break;
      case Kind::range: at += write_decimal(at, piece.least + random.below(piece.count), piece.text.size()); break;
      case Kind::sequence: at += write_decimal(at, sequence % piece.count, piece.least); break;
    }
  }
  return static_cast<std::size_t>(at - out);
}

std::string NumberPattern::make(Random& random, std::uint64_t sequence) const {
  std::string text(max_size_, '\0');
  text.resize(write(text.data(), random, sequence));
  return text;
}

}  // namespace smppd::toolkit
