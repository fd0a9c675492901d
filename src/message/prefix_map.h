// Digit prefixes to small integers: number plans, price lists, address rules, the index of the routes. Immutable once
// built, shared by all shards. No allocation in a lookup, whose cost does not grow with the number of prefixes.
//
// Prefixes lie in a hash table by their digits, in lines of memory of five. Which lengths there are below the first
// digits is known without it, so a text asks for the prefixes of those lengths only, the longest first; in a table that
// is larger than the caches their lines are fetched all at once, so that a lookup waits for memory once.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
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
    std::uint32_t lengths = 0;  // of its prefixes that there may be and that have not been taken: bit n is n + 1 digits
    bool is_whole = true;       // false: it may have prefixes that are too long to be seen like this
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
    Sight sight;
    if (!lines_.empty()) {
      sight.digits = digit_key(text);
      sight.lengths = lengths_of(sight.digits);
      if (is_large() && (sight.lengths & (sight.lengths - 1)) != 0) (void)fetch(sight);
    }
    walk(sight, more);
  }
  // The same from a look on, for what it has left.
  template <typename More>
  void walk(Sight sight, More&& more) const noexcept {
    while (sight.lengths != 0) {
      const std::uint32_t value = take_longest(sight);
      if (value != kNone && !more(value)) return;
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
  [[nodiscard]] bool is_large() const noexcept { return lines_.size() > kCachedLines; }
  // A lookup in a large table in three steps, each of which fetches what the next one reads, so that the waits of many
  // texts pass together: this one, ask_for_lines(), take_longest() and what else is wanted.
  [[nodiscard]] Sight foresee(std::string_view text) const noexcept {
    Sight sight;
    sight.is_whole = long_.empty() || text.size() <= kDigitsOfKey;
    if (lines_.empty() || !may_begin(text)) return sight;
    sight.digits = digit_key(text);
    prefetch(&lengths_[group_of(sight.digits)]);
    return sight;
  }
  // Says how many lines of memory that are.
  std::size_t ask_for_lines(Sight& sight) const noexcept {
    if (sight.digits == 0) return 0;
    sight.lengths = lengths_of(sight.digits);
    return fetch(sight);
  }
  // The value of the longest prefix that is left in `sight`, which keeps the shorter ones; kNone if there is none.
  [[nodiscard]] std::uint32_t take_longest(Sight& sight) const noexcept {
    while (sight.lengths != 0) {
      const int length = static_cast<int>(std::bit_width(sight.lengths));
      sight.lengths ^= 1U << (length - 1);
      const std::uint32_t value = find(first_digits(sight.digits, length));
      if (value != kNone) return value;
    }
    return kNone;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return lines_.capacity() * sizeof(Line) + lengths_.capacity() * sizeof(lengths_[0]) +
           long_.capacity() * sizeof(Entry);
  }

 private:
  static constexpr std::size_t kCachedLines = 2048;  // 128 KiB are found in the caches anyway
  static constexpr std::size_t kBase = 11;           // a digit or none
  static constexpr std::size_t kLoad = 3;            // entries a line on average, of the five there is room for

  // By the first two digits alone; few texts begin as the prefixes of an address rule do.
  [[nodiscard]] bool may_begin(std::string_view text) const noexcept {
    if (text.size() < 2) return true;
    const unsigned first = static_cast<std::uint8_t>(text[0]) - unsigned{'0'};
    const unsigned second = static_cast<std::uint8_t>(text[1]) - unsigned{'0'};
    if (first > 9 || second > 9) return true;
    return (seconds_[first] >> second & 1U) != 0;
  }

  struct alignas(64) Line {
    std::array<std::uint64_t, 5> keys{};
    std::array<std::uint32_t, 5> values{};
    std::uint32_t spilled = 0;  // entries that belong here have gone on to the next line

    // Without a branch for each: which of them it is cannot be guessed.
    [[nodiscard]] unsigned slots_of(std::uint64_t key) const noexcept {
      unsigned same = 0;
      for (std::size_t i = 0; i < keys.size(); ++i) same |= unsigned{keys[i] == key} << i;
      return same;
    }
  };

  // Of the prefixes that there may be of these digits: bit n is one of n + 1.
  [[nodiscard]] std::uint32_t lengths_of(std::uint64_t digits) const noexcept {
    return lengths_[group_of(digits)] & ((1U << count_digits(digits)) - 1);
  }
  // The number of a key's first digits, up to five, written with the base eleven.
  [[nodiscard]] std::size_t group_of(std::uint64_t digits) const noexcept {
    const std::uint64_t first = (digits >> 1) >> group_shift_;
    const std::uint64_t pairs = first - ((first >> 4) & 0x0F0F0F) * (16 - kBase);
    return (pairs & 0xFF) + ((pairs >> 8) & 0xFF) * (kBase * kBase) + (pairs >> 16) * (kBase * kBase * kBase * kBase);
  }
  // How many lines it asked for.
  std::size_t fetch(const Sight& sight) const noexcept {
    std::size_t lines = 0;
    for (std::uint32_t rest = sight.lengths; rest != 0; rest &= rest - 1) {
      prefetch(&lines_[line_of(first_digits(sight.digits, std::countr_zero(rest) + 1))]);
      ++lines;
    }
    return lines;
  }

  [[nodiscard]] std::size_t line_of(std::uint64_t key) const noexcept {
    const std::uint64_t mixed = (key ^ key >> 32) * 0x9E37'79B9'7F4A'7C15U;
    return ((mixed >> 32) * lines_.size()) >> 32;
  }
  [[nodiscard]] std::uint32_t find(std::uint64_t key) const noexcept {
    for (std::size_t at = line_of(key);; at = at + 1 == lines_.size() ? 0 : at + 1) {
      const Line& line = lines_[at];
      const unsigned same = line.slots_of(key);
      if (same != 0) return line.values[static_cast<std::size_t>(std::countr_zero(same))];
      if (line.spilled == 0) return kNone;
    }
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
  void insert(std::uint64_t key, std::uint32_t value) noexcept;
  void note_beginning(std::string_view digits) noexcept;
  void note_length(std::uint64_t key, std::size_t length) noexcept;

  std::array<std::uint16_t, 10> seconds_{};  // by a prefix's first digit: which second ones there are, as bits
  std::vector<Line> lines_;
  std::vector<std::uint16_t> lengths_;  // by the first digits of a key; bit n: a prefix of n + 1 digits
  int group_shift_ = 63;
  std::vector<Entry> long_;  // of more digits than a key has room for, in order
  std::size_t size_ = 0;
  std::uint32_t everything_ = kNone;
};

}  // namespace smppd::message
