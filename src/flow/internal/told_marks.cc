#include "flow/internal/told_marks.h"

#include <algorithm>
#include <utility>

namespace smppd::flow::internal {

bool ToldMarks::Page::has(std::uint64_t hash) const noexcept {
  for (std::size_t at = home(hash);; at = after(at)) {
    const auto& marks = lines[at].marks;
    if (std::ranges::find(marks, mark_of(hash)) != marks.end()) return true;
    if (marks.back() == 0) return false;
  }
}

// There is room: a page is full with kUsed in each line.
void ToldMarks::Page::put(std::uint64_t hash) noexcept {
  std::size_t at = home(hash);
  while (lines[at].marks.back() != 0) at = after(at);
  *std::ranges::find(lines[at].marks, 0U) = mark_of(hash);
  ++count;
}

void ToldMarks::add(std::uint64_t hash, std::uint32_t until) {
  const bool full = pages_.empty() || pages_.back().count + waiting_count_ >= pages_.back().lines.size() * kUsed;
  if (full || until - pages_.back().from > kept_ / 2) [[unlikely]] {
    open_page(until);
  }
  Page& page = pages_.back();
  page.until = until;
  prefetch(&page.lines[page.home(hash)]);
  waiting_[waiting_count_++] = hash;
  if (waiting_count_ == kWaiting) put_waiting();
}

void ToldMarks::put_waiting() noexcept {
  for (std::size_t i = 0; i < waiting_count_; ++i) pages_.back().put(waiting_[i]);
  size_ += std::exchange(waiting_count_, 0);
}

// Small until it shows that more are to come: the pages of a shard with little to tell stay small.
void ToldMarks::open_page(std::uint32_t until) {
  put_waiting();
  const bool many = !pages_.empty() && pages_.back().count >= pages_.back().lines.size() * kUsed;
  while (!pages_.empty() && size_ - pages_.front().count >= most_) drop_page();
  Page page;
  if (many) page.lines = std::move(spare_);
  page.lines.assign(many ? kLines : kFirstLines, {});
  page.from = page.until = until;
  pages_.push_back(std::move(page));
}

void ToldMarks::drop_page() noexcept {
  size_ -= pages_.front().count;
  if (pages_.front().lines.size() == kLines) spare_ = std::move(pages_.front().lines);
  pages_.pop_front();
}

bool ToldMarks::has(std::uint64_t hash) const noexcept {
  for (const Page& page : pages_) prefetch(&page.lines[page.home(hash)]);
  const auto waiting = waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_count_);
  if (std::find(waiting_.begin(), waiting, hash) != waiting) return true;
  return std::any_of(pages_.rbegin(), pages_.rend(), [hash](const Page& page) { return page.has(hash); });
}

void ToldMarks::expire(std::uint32_t now) noexcept {
  while (!pages_.empty() && pages_.front().until < now) {
    if (pages_.size() == 1) put_waiting();
    drop_page();
  }
}

std::size_t ToldMarks::memory_bytes() const noexcept {
  std::size_t bytes = spare_.capacity() * sizeof(Line);
  for (const Page& page : pages_) bytes += page.lines.capacity() * sizeof(Line);
  return bytes;
}

}  // namespace smppd::flow::internal
