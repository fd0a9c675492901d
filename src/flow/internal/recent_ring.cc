#include "flow/internal/recent_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "flow/internal/hash.h"

namespace smppd::flow::internal {

namespace {

constexpr std::uint32_t kBatch = 64;
constexpr std::uint32_t kBlock = 64;  // fingerprints compared before the first look at a record

// The lower bits name the node and the shard, or count where ids are short.
std::uint32_t mark_of(message::OwnId own) noexcept { return static_cast<std::uint32_t>(own ^ own >> 12U); }

// Of the last eight octets, which are the same in every form that canonical_id() takes for equal.
std::uint32_t mark_of(std::string_view id) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0'; };
  if (id.size() >= 8) [[likely]] {
    const auto tail = load_be<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(id.data() + id.size() - 8));
    // Leading zeros among them are as good as those a shorter id is filled up with; blanks are not.
    const bool blanks = ((tail - 0x2121'2121'2121'2121U) & ~tail & 0x8080'8080'8080'8080U) != 0;
    if (!blanks) return high_half(hash_number(tail | 0x2020'2020'2020'2020U, 0));
  }
  while (id.size() > 1 && is_blank(id.back())) id.remove_suffix(1);
  while (id.size() > 1 && (id.front() == '0' || is_blank(id.front()))) id.remove_prefix(1);
  std::uint64_t tail = 0x3030'3030'3030'3030U;  // a short id is an id with leading zeros
  for (const char c : id.substr(id.size() - std::min<std::size_t>(id.size(), 8))) {
    tail = tail << 8U | (static_cast<std::uint8_t>(c) | 0x20U);
  }
  return high_half(hash_number(tail, 0));
}

bool any_of_block(const std::uint32_t* marks, std::uint32_t mark) noexcept {
  std::uint32_t hits = 0;
  for (std::size_t i = 0; i < kBlock; ++i) hits |= static_cast<std::uint32_t>(marks[i] == mark);
  return hits != 0;
}

}  // namespace

RecentRing::RecentRing(std::uint32_t entries) noexcept
    : capacity_(entries),
      batch_(std::min(entries, kBatch)),
      bucket_mask_(std::bit_ceil(std::max<std::uint32_t>(entries, 1)) - 1) {}

void RecentRing::allocate() noexcept {
  records_ = std::make_unique_for_overwrite<Record[]>(capacity_);
  own_marks_ = std::make_unique_for_overwrite<std::uint32_t[]>(capacity_);
  by_id_ = std::make_unique_for_overwrite<ById[]>(capacity_);
  newest_of_ = std::make_unique<std::uint32_t[]>(bucket_mask_ + std::size_t{1});
}

// The newest of a bucket lies anywhere in memory: of many records it is fetched first and looked at then, so that the
// processor waits for all of them at once.
void RecentRing::index() noexcept {
  const std::uint32_t first = next_ >= unindexed_ ? next_ - unindexed_ : next_ + capacity_ - unindexed_;
  const auto after = [this](std::uint32_t at) { return at + 1 == capacity_ ? 0 : at + 1; };
  for (std::uint32_t at = first, left = unindexed_; left > 0; --left, at = after(at)) {
    own_marks_[at] = mark_of(records_[at].own);
    by_id_[at].mark = mark_of(records_[at].upstream_id());
    __builtin_prefetch(&newest_of_[by_id_[at].mark & bucket_mask_], 1);
  }
  std::uint32_t number = written_ - unindexed_;
  for (std::uint32_t at = first; unindexed_ > 0; --unindexed_, at = after(at)) {
    std::uint32_t& newest = newest_of_[by_id_[at].mark & bucket_mask_];
    by_id_[at].older = newest;
    newest = ++number;
  }
}

const RecentRing::Record* RecentRing::find(message::OwnId own) noexcept {
  index();
  const std::uint32_t mark = mark_of(own);
  const std::uint32_t* marks = own_marks_.get();
  // From the newest down to the start, then from the end down to the oldest.
  const std::array<std::array<std::uint32_t, 2>, 2> runs{{{next_, 0}, {size_ == capacity_ ? capacity_ : next_, next_}}};
  for (const auto& [end, begin] : runs) {
    for (std::uint32_t at = end; at > begin;) {
      if (at - begin >= kBlock && !any_of_block(marks + at - kBlock, mark)) {
        at -= kBlock;
        continue;
      }
      for (const std::uint32_t stop = at - std::min<std::uint32_t>(at - begin, kBlock); at > stop;) {
        const Record& record = records_[--at];
        if (marks[at] == mark && record.own == own) return &record;
      }
    }
  }
  return nullptr;
}

const RecentRing::Record* RecentRing::find(message::UpstreamId upstream, const smpp::CanonicalId& id) noexcept {
  if (size_ == 0) return nullptr;
  index();
  const std::uint32_t mark = mark_of(id.view());
  std::uint32_t back = 0;  // how many records are newer than the one before
  for (std::uint32_t number = newest_of_[mark & bucket_mask_]; number != 0;) {
    const std::uint32_t behind = written_ - number;
    if (behind >= size_ || behind < back) return nullptr;
    const std::uint32_t at = next_ > behind ? next_ - 1 - behind : next_ + capacity_ - 1 - behind;
    const Record& record = records_[at];
    if (by_id_[at].mark == mark && record.upstream == upstream.value() &&
        smpp::canonical_id(record.upstream_id()) == id) {
      return &record;
    }
    back = behind + 1;
    number = by_id_[at].older;
  }
  return nullptr;
}

std::size_t RecentRing::memory_bytes() const noexcept {
  return records_ == nullptr ? 0
                             : capacity_ * (sizeof(Record) + sizeof(std::uint32_t) + sizeof(ById)) +
                                   (bucket_mask_ + std::size_t{1}) * sizeof(std::uint32_t);
}

}  // namespace smppd::flow::internal
