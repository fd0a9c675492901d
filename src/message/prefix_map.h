// Digit prefixes to small integers: number plans, price lists, address rules, the index of the routes. Immutable once
// built, shared by all shards. No allocation in a lookup, whose cost does not grow with the number of prefixes.
//
// The first digits of a text, as many as there are prefixes for, are its place in a table, and there is either another
// table for the next digits or the first of a few prefixes to compare with, which lie together and are followed by the
// shorter ones. So a lookup waits for memory twice where prefixes are spread, and once more where many begin alike.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/prefetch.h"
#include "message/digit_key.h"

namespace smppd::message {

class PrefixMap {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::size_t kMaxDigits = 40;

  struct Entry {
    std::string digits;       // only 0-9, at most kMaxDigits; empty: the value of every text
    std::uint32_t value = 0;  // anything but kNone
  };

  [[nodiscard]] static bool is_prefix(std::string_view text) noexcept;

  // A text as it is looked up.
  struct Sight {
    std::uint64_t digits = 0;
    std::uint64_t rest = 0;  // of the digits, behind those that led to `way`
    std::uint32_t way = 0;   // a place in a table, or the next prefix to compare with
    bool is_whole = true;    // false: it may have prefixes that are too long to be seen like this
  };

  PrefixMap() = default;
  // Of entries with the same digits the last one counts.
  explicit PrefixMap(std::vector<Entry> entries);

  // Calls more(value) for the stored prefixes of `text`, longest first, as long as it returns true.
  template <typename More>
  void walk(std::string_view text, More&& more) const noexcept {
    if (!may_begin(text)) {
      if (everything_ != kNone) more(everything_);
      return;
    }
    if (!long_.empty() && text.size() > kDigitsOfKey && !walk_long(text, more)) return;
    Sight sight = sight_of(text);
    walk(sight, more);
  }
  // The same from a look on, for what it has left.
  template <typename More>
  void walk(Sight sight, More&& more) const noexcept {
    for (std::uint32_t value = take_longest(sight); value != kNone; value = take_longest(sight)) {
      if (!more(value)) return;
    }
    if (everything_ != kNone) more(everything_);
  }

  // The value of the longest stored prefix of `text`, or kNone.
  [[nodiscard]] std::uint32_t longest(std::string_view text) const noexcept {
    std::uint32_t found = kNone;
    walk(text, [&found](std::uint32_t value) {
      found = value;
      return false;
    });
    return found;
  }

  // Whether it is larger than the caches, so that lookups wait for memory.
  [[nodiscard]] bool is_large() const noexcept { return memory_bytes() > kCachedBytes; }
  // A lookup in a large table in steps, each of which fetches what the next one reads, so that the waits of many texts
  // pass together: this one, ask_for_more() until it says 0, take_longest() and what else is wanted.
  [[nodiscard]] Sight foresee(std::string_view text) const noexcept {
    Sight sight = sight_of(text);
    sight.is_whole = long_.empty() || text.size() <= kDigitsOfKey;
    if (is_table(sight.way)) prefetch(&tables_[sight.way & ~kTable]);
    return sight;
  }
  // Says how many lines of memory it asked for.
  std::size_t ask_for_more(Sight& sight) const noexcept {
    if (!is_table(sight.way)) return 0;
    go_on(sight);
    if (sight.way == kEnd) return 0;
    if (is_table(sight.way)) {
      prefetch(&tables_[sight.way & ~kTable]);
    } else {
      prefetch(&step_at(sight.way));
    }
    return 1;
  }
  // The value of the longest prefix that is left in `sight`, which keeps the shorter ones; kNone if there is none.
  [[nodiscard]] std::uint32_t take_longest(Sight& sight) const noexcept {
    while (is_table(sight.way)) go_on(sight);
    while (sight.way != kEnd) {
      const Step& step = step_at(sight.way);
      sight.way = step.shorter;
      if (((step.key ^ sight.digits) & mask_of(step.key)) == 0) return step.value;
    }
    return kNone;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return lines_.capacity() * sizeof(Line) + tables_.capacity() * sizeof(tables_[0]) +
           long_.capacity() * sizeof(Entry);
  }

 private:
  static constexpr std::size_t kBase = 11;                 // a digit or none
  static constexpr std::size_t kCachedBytes = 128 * 1024;  // are found in the caches anyway

  // A way is kEnd, or a step's number, or with kTable where a table begins and by how many digits it goes; in a Sight
  // which of its places it is.
  static constexpr std::uint32_t kEnd = 0;
  static constexpr std::uint32_t kTable = 1U << 31;
  static constexpr unsigned kDigitsAt = 28;
  static constexpr std::uint32_t kPlace = (1U << kDigitsAt) - 1;

  // A prefix, and where those are that count if it is not the text's: behind it, or shorter.
  struct Step {
    std::uint64_t key = 0;
    std::uint32_t value = 0;
    std::uint32_t shorter = kEnd;
  };
  static constexpr std::uint32_t kStepsOfLine = 4;
  struct alignas(64) Line {
    std::array<Step, kStepsOfLine> steps;
  };

  [[nodiscard]] static bool is_table(std::uint32_t way) noexcept { return (way & kTable) != 0; }
  [[nodiscard]] static int digits_of(std::uint32_t table) noexcept {
    return static_cast<int>((table & ~kTable) >> kDigitsAt);
  }
  [[nodiscard]] static std::uint64_t mask_of(std::uint64_t key) noexcept {
    return ~std::uint64_t{0} << (static_cast<unsigned>(std::countr_zero(key)) & ~3U);
  }
  // Of up to six digits, or none, as a number with the base eleven.
  [[nodiscard]] static std::uint32_t number_of(std::uint64_t rest, int digits) noexcept {
    const std::uint64_t first = rest >> (64 - 4 * digits);
    const std::uint64_t pairs = first - ((first >> 4) & 0x0F0F0F) * (16 - kBase);
    return static_cast<std::uint32_t>((pairs & 0xFF) + ((pairs >> 8) & 0xFF) * (kBase * kBase) +
                                      (pairs >> 16) * (kBase * kBase * kBase * kBase));
  }
  [[nodiscard]] static std::uint32_t place_in(std::uint32_t table, std::uint64_t rest) noexcept {
    return (table & kPlace) + number_of(rest, digits_of(table));
  }
  static void enter(Sight& sight, std::uint32_t way) noexcept {
    sight.way = way;
    if (!is_table(way)) return;
    sight.way = kTable | place_in(way, sight.rest);
    sight.rest <<= 4 * digits_of(way);
  }
  void go_on(Sight& sight) const noexcept { enter(sight, tables_[sight.way & ~kTable]); }
  [[nodiscard]] const Step& step_at(std::uint32_t number) const noexcept {
    return lines_[number / kStepsOfLine].steps[number % kStepsOfLine];
  }
  [[nodiscard]] Sight sight_of(std::string_view text) const noexcept {
    Sight sight;
    if (root_ == kEnd) return sight;
    sight.digits = sight.rest = digit_key(text);
    enter(sight, root_);
    return sight;
  }

  // By the first two digits alone; few texts begin as the prefixes of an address rule do.
  [[nodiscard]] bool may_begin(std::string_view text) const noexcept {
    if (text.size() < 2) return true;
    const unsigned first = static_cast<std::uint8_t>(text[0]) - unsigned{'0'};
    const unsigned second = static_cast<std::uint8_t>(text[1]) - unsigned{'0'};
    if (first > 9 || second > 9) return true;
    return (seconds_[first] >> second & 1U) != 0;
  }

  // False if more() said that it is enough.
  template <typename More>
  bool walk_long(std::string_view text, More&& more) const noexcept {
    std::string_view rest = text.substr(0, kMaxDigits);
    while (rest.size() > kDigitsOfKey) {
      const Entry* entry = last_up_to(rest);
      if (entry == nullptr) return true;
      std::size_t same = 0;
      while (same < rest.size() && same < entry->digits.size() && rest[same] == entry->digits[same]) ++same;
      const bool found = same == entry->digits.size();
      if (found && !more(entry->value)) return false;
      rest = rest.substr(0, found ? same - 1 : same);
    }
    return true;
  }
  [[nodiscard]] const Entry* last_up_to(std::string_view text) const noexcept;

  void take_long(std::vector<Entry>& entries);
  void note_beginning(std::string_view digits) noexcept;
  [[nodiscard]] std::uint32_t lay_out(std::span<Step> sorted, int depth, std::uint32_t shorter);
  void fill(std::uint32_t table, std::span<Step> sorted, int depth);
  [[nodiscard]] std::uint32_t append(const Step& step);

  std::array<std::uint16_t, 10> seconds_{};  // by a prefix's first digit: which second ones there are, as bits
  std::vector<Line> lines_;                  // the steps; there is none with the number kEnd
  std::uint32_t steps_ = 0;                  // the number of the last one
  std::vector<std::uint32_t> tables_;        // ways, one table behind the other
  std::uint32_t root_ = kEnd;
  std::vector<Entry> long_;  // of more digits than a key has room for, in order
  std::size_t size_ = 0;
  std::uint32_t everything_ = kNone;
};

}  // namespace smppd::message
