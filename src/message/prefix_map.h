// Digit prefixes to small integers: number plans, price lists, address rules, the index of the routes. Immutable once
// built, shared by all shards. Lookup costs one node per two digits of the longest stored prefix, whatever the number
// of prefixes; no allocation.
//
// A node stands for an even number of digits. It has a bit for each prefix that ends one or two digits further on and a
// bit for each pair of digits under which there is more; what the bits stand for lies in rank order, so that a node is
// 40 bytes however many children it has.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smppd::message {

class PrefixMap {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::size_t kMaxDigits = 40;

  struct Entry {
    std::string digits;  // only 0-9, at most kMaxDigits; empty: the value of every text
    std::uint32_t value = 0;
  };

  [[nodiscard]] static bool is_prefix(std::string_view text) noexcept;

  PrefixMap() = default;
  // Of entries with the same digits the last one counts.
  explicit PrefixMap(std::vector<Entry> entries);

  // Calls each(value) for every stored prefix of `text`, shortest first.
  template <typename Each>
  void walk(std::string_view text, Each&& each) const noexcept {
    if (everything_ != kNone) each(everything_);
    walk_positions(text, [&](std::uint32_t position) { each(values_[position]); });
  }

  // The same by position: prefixes but the empty one are numbered from 0 in the order of memory, so that a caller who
  // keeps what belongs to them in that order saves a look at the value.
  template <typename Each>
  void walk_positions(std::string_view text, Each&& each) const noexcept {
    if (nodes_.empty()) return;
    const Node* node = nodes_.data();
    for (std::size_t at = 0; at < text.size(); at += 2) {
      const unsigned first = digit(text[at]);
      if (first > 9) return;
      if (node->marks.has(first)) each(node->first_value + node->marks.rank(first));
      if (at + 1 == text.size()) return;
      const unsigned second = digit(text[at + 1]);
      if (second > 9) return;
      const unsigned pair = first * 10 + second;
      if (node->marks.has(10 + pair)) each(node->first_value + node->marks.rank(10 + pair));
      if (!node->children.has(pair)) return;
      node = nodes_.data() + node->first_child + node->children.rank(pair);
    }
  }

  // The value of the longest stored prefix of `text`, or kNone.
  [[nodiscard]] std::uint32_t longest(std::string_view text) const noexcept {
    std::uint32_t found = kNone;
    walk(text, [&found](std::uint32_t value) { found = value; });
    return found;
  }

  [[nodiscard]] const std::vector<std::uint32_t>& values_by_position() const noexcept { return values_; }

  [[nodiscard]] std::size_t size() const noexcept { return values_.size() + (everything_ != kNone ? 1U : 0U); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return nodes_.capacity() * sizeof(Node) + values_.capacity() * sizeof(std::uint32_t);
  }

 private:
  struct Bits {
    std::array<std::uint64_t, 2> words{};
    void set(unsigned bit) noexcept { words[bit >> 6] |= std::uint64_t{1} << (bit & 63); }
    [[nodiscard]] bool has(unsigned bit) const noexcept { return ((words[bit >> 6] >> (bit & 63)) & 1) != 0; }
    [[nodiscard]] unsigned rank(unsigned bit) const noexcept {  // bits set below `bit`
      const std::uint64_t below = (std::uint64_t{1} << (bit & 63)) - 1;
      const int in_word = std::popcount(words[bit >> 6] & below);
      return static_cast<unsigned>(bit < 64 ? in_word : std::popcount(words[0]) + in_word);
    }
  };
  struct Node {
    Bits marks;     // 0-9: a prefix ends after one more digit; 10-109: after two more
    Bits children;  // 0-99: longer prefixes go on after these two digits
    std::uint32_t first_value = 0;
    std::uint32_t first_child = 0;
  };
  struct Pending;

  [[nodiscard]] static unsigned digit(char c) noexcept { return static_cast<unsigned char>(c) - unsigned{'0'}; }
  void fill(const std::vector<Entry>& entries, Pending work, std::vector<Pending>& queue);

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> values_;
  std::uint32_t everything_ = kNone;
};

}  // namespace smppd::message
