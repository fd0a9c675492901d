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

#include "base/bytes.h"
#include "base/prefetch.h"

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
    if (!long_.empty() && text.size() > kPacked && !walk_long(text, more)) return;
    if (!lines_.empty()) {
      const std::uint64_t digits = pack(text);
      std::uint32_t lengths = lengths_of(digits);
      if (is_large()) fetch(digits, lengths);
      while (lengths != 0) {
        const int length = static_cast<int>(std::bit_width(lengths));
        lengths ^= 1U << (length - 1);
        const std::uint32_t value = find(prefix(digits, length));
        if (value != kNone && !more(value)) return;
      }
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
  // The prefixes that a text may have: what it is looked up by.
  struct Sight {
    std::uint64_t digits = 0;
    std::uint32_t lengths = 0;
    [[nodiscard]] int count() const noexcept { return std::popcount(lengths); }
  };
  // Fetches the line of each, for a lookup in a large table that is to come.
  [[nodiscard]] Sight foresee(std::string_view text) const noexcept {
    if (lines_.empty() || !may_begin(text)) return {};
    const std::uint64_t digits = pack(text);
    const Sight sight{digits, lengths_of(digits)};
    fetch(digits, sight.lengths);
    return sight;
  }
  // Calls see() for each when the lines are there, with its value; with kNone where it is in no prefix's usual place.
  template <typename See>
  void look(const Sight& sight, See&& see) const noexcept {
    for (std::uint32_t rest = sight.lengths; rest != 0; rest &= rest - 1) {
      const std::uint64_t key = prefix(sight.digits, std::countr_zero(rest) + 1);
      const Line& line = lines_[line_of(key)];
      const unsigned same = line.slots_of(key);
      const std::uint32_t value = line.values[static_cast<std::size_t>(std::countr_zero(same | 1U << 4))];
      see(same == 0 ? kNone : value);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return lines_.capacity() * sizeof(Line) + lengths_.capacity() * sizeof(lengths_[0]) +
           long_.capacity() * sizeof(Entry);
  }

 private:
  static constexpr int kPacked = 16;                 // digits that a key has room for
  static constexpr std::size_t kCachedLines = 2048;  // 128 KiB are found in the caches anyway
  static constexpr std::size_t kLoad = 3;            // entries a line on average, of the five there is room for

  // By the first two digits alone; few texts begin as the prefixes of an address rule do.
  [[nodiscard]] bool may_begin(std::string_view text) const noexcept {
    if (text.size() < 2) return true;
    const unsigned first = static_cast<std::uint8_t>(text[0]) - unsigned{'0'};
    const unsigned second = static_cast<std::uint8_t>(text[1]) - unsigned{'0'};
    if (first > 9 || second > 9) return true;
    return (seconds_[first] >> second & 1U) != 0;
  }

  // Digits as a key: four bits each, the first ones on top, 1 to 10 for 0 to 9, so that zeros follow the last.
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

  // Eight signs as digits of a key, up to the first that is none.
  [[nodiscard]] static std::uint32_t pack_word(std::uint64_t signs) noexcept {
    const std::uint64_t digits = signs ^ 0x3030303030303030U;
    const std::uint64_t others =
        (((digits & 0x7F7F7F7F7F7F7F7FU) + 0x7676767676767676U) | digits) & 0x8080808080808080U;
    const std::uint64_t kept =
        others == 0 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> (std::countl_zero(others) & ~7));
    std::uint64_t packed = (digits & kept) + (0x0101010101010101U & kept);
    packed = (packed | packed >> 4) & 0x00FF00FF00FF00FFU;
    packed = (packed | packed >> 8) & 0x0000FFFF0000FFFFU;
    return static_cast<std::uint32_t>(packed | packed >> 16);
  }
  // Octets behind the text are seen as NULs, which are no digits.
  [[nodiscard]] static std::uint64_t pack(std::string_view text) noexcept {
    std::array<std::uint8_t, kPacked> signs{};
    const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
    if (text.size() >= kPacked) return join(load_be<std::uint64_t>(at), load_be<std::uint64_t>(at + 8));
    if (text.size() >= 8) {
      const std::size_t behind = kPacked - text.size();
      const auto last = load_be<std::uint64_t>(at + text.size() - 8);
      return join(load_be<std::uint64_t>(at), behind == 8 ? 0 : last << (8 * behind));
    }
    for (std::size_t i = 0; i < text.size(); ++i) signs[i] = at[i];
    return join(load_be<std::uint64_t>(signs.data()), 0);
  }
  [[nodiscard]] static std::uint64_t join(std::uint64_t first, std::uint64_t second) noexcept {
    const std::uint64_t digits = pack_word(first);
    return digits << 32 | ((digits & 0xF) != 0 ? pack_word(second) : 0U);
  }
  [[nodiscard]] static std::uint64_t prefix(std::uint64_t digits, int length) noexcept {
    return digits & (~std::uint64_t{0} << (4 * (kPacked - length)));
  }

  // Of the prefixes that there may be of these digits: bit n is one of n + 1.
  [[nodiscard]] std::uint32_t lengths_of(std::uint64_t digits) const noexcept {
    const int packed = kPacked - std::countr_zero(digits) / 4;
    return lengths_[(digits >> 1) >> group_shift_] & ((1U << packed) - 1);
  }
  void fetch(std::uint64_t digits, std::uint32_t lengths) const noexcept {
    for (; lengths != 0; lengths &= lengths - 1) {
      prefetch(&lines_[line_of(prefix(digits, std::countr_zero(lengths) + 1))]);
    }
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
    while (rest.size() > kPacked) {
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
