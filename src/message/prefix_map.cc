#include "message/prefix_map.h"

#include <algorithm>

namespace smppd::message {

namespace {

constexpr std::size_t power(std::size_t base, int exponent) {
  std::size_t result = 1;
  for (; exponent > 0; --exponent) result *= base;
  return result;
}

}  // namespace

bool PrefixMap::is_prefix(std::string_view text) noexcept {
  return text.size() <= kMaxDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

PrefixMap::PrefixMap(std::vector<Entry> entries) {
  for (const Entry& entry : entries) note_beginning(entry.digits);
  take_long(entries);
  const auto packed = static_cast<std::size_t>(
      std::count_if(entries.begin(), entries.end(), [](const Entry& entry) { return !entry.digits.empty(); }));
  if (packed > 0) {
    lines_.resize(packed / kLoad + 1);
    const int digits = packed > 32768 ? 5 : packed > 4096 ? 4 : packed > 512 ? 3 : packed > 16 ? 2 : 0;
    group_shift_ = 63 - 4 * digits;
    lengths_.resize(power(kBase, digits));
  }
  for (const Entry& entry : entries) {
    if (entry.digits.empty()) {
      everything_ = entry.value;
      continue;
    }
    const std::uint64_t key = digit_key(entry.digits);
    insert(key, entry.value);
    note_length(key, entry.digits.size());
  }
  size_ += long_.size() + (everything_ != kNone ? 1U : 0U);
}

// Moves those that are too long for a key to long_.
void PrefixMap::take_long(std::vector<Entry>& entries) {
  const auto is_short = [](const Entry& entry) { return entry.digits.size() <= kDigitsOfKey; };
  const auto first = std::stable_partition(entries.begin(), entries.end(), is_short);
  if (first == entries.end()) return;
  std::reverse(first, entries.end());  // the last of the same digits comes first then
  std::stable_sort(first, entries.end(), [](const Entry& a, const Entry& b) { return a.digits < b.digits; });
  const auto end =
      std::unique(first, entries.end(), [](const Entry& a, const Entry& b) { return a.digits == b.digits; });
  long_.assign(std::make_move_iterator(first), std::make_move_iterator(end));
  entries.erase(first, entries.end());
}

void PrefixMap::insert(std::uint64_t key, std::uint32_t value) noexcept {
  for (std::size_t at = line_of(key);; at = at + 1 == lines_.size() ? 0 : at + 1) {
    Line& line = lines_[at];
    for (std::size_t i = 0; i < line.keys.size(); ++i) {
      if (line.keys[i] != key && line.keys[i] != 0) continue;
      if (line.keys[i] == 0) ++size_;
      line.keys[i] = key;
      line.values[i] = value;
      return;
    }
    line.spilled = 1;
  }
}

void PrefixMap::note_beginning(std::string_view digits) noexcept {
  if (digits.empty()) return;
  std::uint16_t& seconds = seconds_[static_cast<std::size_t>(digits[0] - '0')];
  seconds = static_cast<std::uint16_t>(seconds | (digits.size() == 1 ? 0x3FFU : 1U << (digits[1] - '0')));
}

// A prefix that is shorter than the digits by which lengths are kept is below all that begin with it, and below a text
// that ends there.
void PrefixMap::note_length(std::uint64_t key, std::size_t length) noexcept {
  const int group_digits = (63 - group_shift_) / 4;
  const std::size_t begin = group_of(key);
  const std::size_t end = begin + power(kBase, std::max(group_digits - static_cast<int>(length), 0));
  for (std::size_t at = begin; at < end; ++at) {
    lengths_[at] = static_cast<std::uint16_t>(lengths_[at] | 1U << (length - 1));
  }
}

const PrefixMap::Entry* PrefixMap::last_up_to(std::string_view text) const noexcept {
  const auto after =
      std::upper_bound(long_.begin(), long_.end(), text,
                       [](std::string_view wanted, const Entry& entry) { return wanted < entry.digits; });
  return after == long_.begin() ? nullptr : &*(after - 1);
}

}  // namespace smppd::message
