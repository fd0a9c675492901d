#include "message/prefix_map.h"

#include <algorithm>

namespace smppd::message {

// A node still to be filled from entries [begin, end), which share their first `depth` digits and are all longer.
struct PrefixMap::Pending {
  std::uint32_t node = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t depth = 0;
};

bool PrefixMap::is_prefix(std::string_view text) noexcept {
  return text.size() <= kMaxDigits && std::all_of(text.begin(), text.end(), [](char c) { return digit(c) <= 9; });
}

PrefixMap::PrefixMap(std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.digits < b.digits; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i + 1 < entries.size() && entries[i + 1].digits == entries[i].digits) continue;
    if (kept != i) entries[kept] = std::move(entries[i]);
    ++kept;
  }
  entries.resize(kept);
  std::size_t begin = 0;
  if (!entries.empty() && entries[0].digits.empty()) everything_ = entries[begin++].value;
  if (begin == entries.size()) return;

  nodes_.emplace_back();
  values_.reserve(entries.size() - begin);
  std::vector<Pending> queue{{0, begin, entries.size(), 0}};
  for (std::size_t next = 0; next < queue.size(); ++next) fill(entries, queue[next], queue);
  nodes_.shrink_to_fit();
}

void PrefixMap::fill(const std::vector<Entry>& entries, Pending work, std::vector<Pending>& queue) {
  Node node;
  node.first_value = static_cast<std::uint32_t>(values_.size());
  node.first_child = static_cast<std::uint32_t>(nodes_.size());
  const auto pair_of = [&](std::size_t i) {
    return digit(entries[i].digits[work.depth]) * 10 + digit(entries[i].digits[work.depth + 1]);
  };
  for (std::size_t i = work.begin; i < work.end; ++i) {
    if (entries[i].digits.size() != work.depth + 1) continue;
    node.marks.set(digit(entries[i].digits[work.depth]));
    values_.push_back(entries[i].value);
  }
  for (std::size_t i = work.begin; i < work.end;) {
    if (entries[i].digits.size() == work.depth + 1) {
      ++i;
      continue;
    }
    const unsigned pair = pair_of(i);
    if (entries[i].digits.size() == work.depth + 2) {  // sorts before the longer ones with the same two digits
      node.marks.set(10 + pair);
      values_.push_back(entries[i++].value);
    }
    const std::size_t first = i;
    while (i < work.end && entries[i].digits.size() > work.depth + 2 && pair_of(i) == pair) ++i;
    if (i == first) continue;
    node.children.set(pair);
    queue.push_back({static_cast<std::uint32_t>(nodes_.size()), first, i, work.depth + 2});
    nodes_.emplace_back();
  }
  nodes_[work.node] = node;
}

}  // namespace smppd::message
