// Addresses made from a pattern: "2588{8}" is 2588 and eight random digits, "{258840000000-258849999999}" a number of
// that range, "test{seq}" or "test{seq:6}" a running number. Immutable; write() costs a few nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "toolkit/random.h"

namespace smppd::toolkit {

class NumberPattern {
 public:
  NumberPattern() = default;  // the empty text
  // `longest`: octets the result may have.
  [[nodiscard]] static Fallible<NumberPattern> parse(std::string_view text, std::size_t longest);

  [[nodiscard]] std::size_t max_size() const noexcept { return max_size_; }
  // True when every result is the same.
  [[nodiscard]] bool constant() const noexcept { return plain_; }
  // True when every result has max_size() octets.
  [[nodiscard]] bool fixed_size() const noexcept { return fixed_size_; }
  // Writes at most max_size() octets, without NUL; returns how many.
  std::size_t write(char* out, Random& random, std::uint64_t sequence) const noexcept;
  [[nodiscard]] std::string make(Random& random, std::uint64_t sequence = 0) const;

 private:
  enum class Kind : std::uint8_t { literal, digits, range, sequence };
  struct Piece {
    Kind kind = Kind::literal;
    std::uint64_t least = 0;  // range: first number; digits, sequence: width
    std::uint64_t count = 0;  // range: how many numbers; sequence: where it starts again
    std::size_t width = 0;
    std::string text;
  };
  [[nodiscard]] static Fallible<Piece> parse_piece(std::string_view inside);

  std::vector<Piece> pieces_;
  std::size_t max_size_ = 0;
  bool plain_ = true;
  bool fixed_size_ = true;
};

// Decimal digits of `value`, zero-padded to `width`; returns how many octets. `out` has room for 20 or width.
std::size_t write_decimal(char* out, std::uint64_t value, std::size_t width = 0) noexcept;

}  // namespace smppd::toolkit
