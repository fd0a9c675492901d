// Where one user-perceived character ends and the next begins: the extended grapheme clusters of UAX #29 (Unicode 15)
// with conjuncts of Indic consonants kept whole (rule GB9c), fed one code point at a time. Any thread, no allocation.
#pragma once

#include <cstdint>

namespace smppd::smpp::text_internal {

enum class GraphemeClass : std::uint8_t {
  other,
  cr,
  lf,
  control,
  extend,
  inert_extend,  // extend of combining class 0
  virama,
  consonant,  // of Bengali, Devanagari, Gujarati, Malayalam, Oriya, Telugu
  zwj,
  spacing_mark,
  prepend,
  regional_indicator,
  l,
  v,
  t,
  lv,
  lvt,
  pictograph,
};

[[nodiscard]] GraphemeClass grapheme_class(char32_t character) noexcept;

class GraphemeScanner {
 public:
  // Whether `character` begins a new cluster after those given before. The first one does.
  [[nodiscard]] bool starts_cluster(char32_t character) noexcept;

 private:
  [[nodiscard]] bool breaks_before(GraphemeClass next) const noexcept;
  void follow_emoji(GraphemeClass next) noexcept;
  void follow_conjunct(GraphemeClass next) noexcept;

  enum class Emoji : std::uint8_t { none, pictograph, joined };    // progress through rule GB11
  enum class Conjunct : std::uint8_t { none, consonant, linked };  // through rule GB9c
  bool any_ = false;
  bool odd_indicators_ = false;
  GraphemeClass last_ = GraphemeClass::other;
  Emoji emoji_ = Emoji::none;
  Conjunct conjunct_ = Conjunct::none;
};

}  // namespace smppd::smpp::text_internal
