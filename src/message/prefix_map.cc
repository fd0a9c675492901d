#include "message/prefix_map.h"

#include <algorithm>

namespace smppd::message {

namespace {

constexpr std::size_t power(std::size_t base, int exponent) {
  std::size_t result = 1;
  for (; exponent > 0; --exponent) result *= base;
  return result;
}

// By how many digits a table for so many prefixes goes: as many places as prefixes, or a few times that. 0: so few are
// compared one by one.
int digits_for(std::size_t prefixes) {
  return prefixes > 262'144  ? 6
         : prefixes > 16'384 ? 5
         : prefixes > 2'048  ? 4
         : prefixes > 256    ? 3
         : prefixes > 24     ? 2
         : prefixes > 8      ? 1
                             : 0;
}

}  // namespace

bool PrefixMap::is_prefix(std::string_view text) noexcept {
  return text.size() <= kMaxDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

PrefixMap::PrefixMap(std::vector<Entry> entries) {
  for (const Entry& entry : entries) note_beginning(entry.digits);
  take_long(entries);
  std::vector<Step> sorted;
  sorted.reserve(entries.size());
  for (const Entry& entry : entries) {
    if (entry.digits.empty()) {
      everything_ = entry.value;
    } else {
      sorted.push_back({digit_key(entry.digits), entry.value, kEnd});
    }
  }
  std::reverse(sorted.begin(), sorted.end());  // the last of the same digits comes first then
  std::ranges::stable_sort(sorted, {}, &Step::key);
  const auto again = std::ranges::unique(sorted, {}, &Step::key);
  sorted.erase(again.begin(), again.end());
  root_ = lay_out(sorted, 0, kEnd);
  lines_.shrink_to_fit();
  tables_.shrink_to_fit();
  size_ = sorted.size() + long_.size() + (everything_ != kNone ? 1U : 0U);
}

// The way to these, which have the first `depth` digits in common and come in the order of their digits; behind them is
// `shorter`.
std::uint32_t PrefixMap::lay_out(std::span<Step> sorted, int depth, std::uint32_t shorter) {
  if (sorted.empty()) return shorter;
  int digits = std::min(digits_for(sorted.size()), static_cast<int>(kDigitsOfKey) - depth);
  while (digits > 0 && tables_.size() + power(kBase, digits) > kPlace) --digits;  // a way has no bits for more
  if (digits == 0) {
    std::ranges::stable_sort(sorted, {}, [](const Step& step) { return -count_digits(step.key); });
    // Those that one line can hold share one.
    if ((steps_ + 1) % kStepsOfLine + sorted.size() > kStepsOfLine) steps_ |= kStepsOfLine - 1;
    const std::uint32_t first = steps_ + 1;
    for (const Step& step : sorted) (void)append({step.key, step.value, steps_ + 2});
    lines_[steps_ / kStepsOfLine].steps[steps_ % kStepsOfLine].shorter = shorter;
    return first;
  }
  const auto table =
      kTable | static_cast<std::uint32_t>(digits) << kDigitsAt | static_cast<std::uint32_t>(tables_.size());
  tables_.resize(tables_.size() + power(kBase, digits), shorter);
  fill(table, sorted, depth);
  return table;
}

// One that the table's digits are too many for has the places of all texts that begin with it.
void PrefixMap::fill(std::uint32_t table, std::span<Step> sorted, int depth) {
  const int digits = digits_of(table);
  for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    const std::size_t place = place_in(table, sorted[begin].key << (4 * depth));
    const int missing = depth + digits - count_digits(sorted[begin].key);
    end = begin + 1;
    if (missing > 0) {
      const std::uint32_t step = append({sorted[begin].key, sorted[begin].value, tables_[place]});
      std::fill_n(tables_.begin() + static_cast<std::ptrdiff_t>(place), power(kBase, missing), step);
      continue;
    }
    while (end < sorted.size() && place_in(table, sorted[end].key << (4 * depth)) == place) ++end;
    const std::uint32_t way = lay_out(sorted.subspan(begin, end - begin), depth + digits, tables_[place]);
    tables_[place] = way;
  }
}

std::uint32_t PrefixMap::append(const Step& step) {
  ++steps_;
  if (steps_ / kStepsOfLine >= lines_.size()) lines_.resize(steps_ / kStepsOfLine + 1);
  lines_[steps_ / kStepsOfLine].steps[steps_ % kStepsOfLine] = step;
  return steps_;
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

void PrefixMap::note_beginning(std::string_view digits) noexcept {
  if (digits.empty()) return;
  std::uint16_t& seconds = seconds_[static_cast<std::size_t>(digits[0] - '0')];
  seconds = static_cast<std::uint16_t>(seconds | (digits.size() == 1 ? 0x3FFU : 1U << (digits[1] - '0')));
}

const PrefixMap::Entry* PrefixMap::last_up_to(std::string_view text) const noexcept {
  const auto after =
      std::upper_bound(long_.begin(), long_.end(), text,
                       [](std::string_view wanted, const Entry& entry) { return wanted < entry.digits; });
  return after == long_.begin() ? nullptr : &*(after - 1);
}

}  // namespace smppd::message
