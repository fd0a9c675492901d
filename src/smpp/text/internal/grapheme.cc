#include "smpp/text/internal/grapheme.h"

#include <algorithm>
#include <iterator>

namespace smppd::smpp::text_internal {
namespace {

struct ClassRange {
  std::uint32_t first;
  std::uint32_t last;
  GraphemeClass value;
};

constexpr auto C = GraphemeClass::control;
constexpr auto E = GraphemeClass::extend;
constexpr auto N = GraphemeClass::inert_extend;
constexpr auto W = GraphemeClass::virama;
constexpr auto K = GraphemeClass::consonant;
constexpr auto Z = GraphemeClass::zwj;
constexpr auto S = GraphemeClass::spacing_mark;
constexpr auto P = GraphemeClass::prepend;
constexpr auto R = GraphemeClass::regional_indicator;
constexpr auto L = GraphemeClass::l;
constexpr auto V = GraphemeClass::v;
constexpr auto T = GraphemeClass::t;
constexpr auto X = GraphemeClass::pictograph;

constexpr ClassRange kClassRanges[] = {
#include "smpp/text/internal/grapheme_ranges.inc"
};

constexpr std::uint32_t kFirstSyllable = 0xAC00;
constexpr std::uint32_t kLastSyllable = 0xD7A3;
constexpr std::uint32_t kSyllablesPerVowel = 28;

bool is_extend(GraphemeClass value) noexcept {
  return value == GraphemeClass::extend || value == GraphemeClass::inert_extend || value == GraphemeClass::virama;
}

bool is_break(GraphemeClass value) noexcept {
  return value == GraphemeClass::control || value == GraphemeClass::cr || value == GraphemeClass::lf;
}

}  // namespace

GraphemeClass grapheme_class(char32_t character) noexcept {
  const std::uint32_t cp = character;
  if (cp < 0x300) {
    if (cp == '\r') return GraphemeClass::cr;
    if (cp == '\n') return GraphemeClass::lf;
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0xAD) return GraphemeClass::control;
    return cp == 0xA9 || cp == 0xAE ? GraphemeClass::pictograph : GraphemeClass::other;
  }
  if (cp >= kFirstSyllable && cp <= kLastSyllable) {
    return (cp - kFirstSyllable) % kSyllablesPerVowel == 0 ? GraphemeClass::lv : GraphemeClass::lvt;
  }
  const auto* at = std::lower_bound(std::begin(kClassRanges), std::end(kClassRanges), cp,
                                    [](const ClassRange& range, std::uint32_t wanted) { return range.last < wanted; });
  return at != std::end(kClassRanges) && at->first <= cp ? at->value : GraphemeClass::other;
}

// The rules GB3 to GB13 in their order.
bool GraphemeScanner::breaks_before(GraphemeClass next) const noexcept {
  using enum GraphemeClass;
  if (last_ == cr && next == lf) return false;
  if (is_break(last_) || is_break(next)) return true;
  if (last_ == l && (next == l || next == v || next == lv || next == lvt)) return false;
  if ((last_ == lv || last_ == v) && (next == v || next == t)) return false;
  if ((last_ == lvt || last_ == t) && next == t) return false;
  if (is_extend(next) || next == zwj || next == spacing_mark) return false;
  if (last_ == prepend) return false;
  if (conjunct_ == Conjunct::linked && next == consonant) return false;
  if (emoji_ == Emoji::joined && next == pictograph) return false;
  return !(odd_indicators_ && next == regional_indicator);
}

void GraphemeScanner::follow_emoji(GraphemeClass next) noexcept {
  if (next == GraphemeClass::pictograph) {
    emoji_ = Emoji::pictograph;
  } else if (next == GraphemeClass::zwj && emoji_ == Emoji::pictograph) {
    emoji_ = Emoji::joined;
  } else if (!is_extend(next) || emoji_ == Emoji::joined) {
    emoji_ = Emoji::none;
  }
}

void GraphemeScanner::follow_conjunct(GraphemeClass next) noexcept {
  if (next == GraphemeClass::consonant) {
    conjunct_ = Conjunct::consonant;
  } else if (next == GraphemeClass::virama && conjunct_ != Conjunct::none) {
    conjunct_ = Conjunct::linked;
  } else if (next != GraphemeClass::extend && next != GraphemeClass::zwj) {
    conjunct_ = Conjunct::none;
  }
}

bool GraphemeScanner::starts_cluster(char32_t character) noexcept {
  // Plain text after plain text, which is nearly all of it.
  if (character >= 0x20 && character < 0x7F && last_ == GraphemeClass::other) {
    any_ = true;
    odd_indicators_ = false;
    emoji_ = Emoji::none;
    conjunct_ = Conjunct::none;
    return true;
  }
  const auto next = grapheme_class(character);
  const bool starts = !any_ || breaks_before(next);
  any_ = true;
  odd_indicators_ = next == GraphemeClass::regional_indicator && (starts || !odd_indicators_);
  follow_emoji(next);
  follow_conjunct(next);
  last_ = next;
  return starts;
}

}  // namespace smppd::smpp::text_internal
