#include "flow/internal/told_marks.h"

#include <algorithm>
#include <utility>

namespace smppd::flow::internal {

Told ToldMarks::told_by(std::uint16_t destination, const Destinations& destinations) noexcept {
  const bool known = destination != 0 && (destinations[0] | destinations[1]) != 0;
  return !known || destination == destinations[0] || destination == destinations[1] ? Told::kYes : Told::kOfAnother;
}

Told ToldMarks::Page::find(std::uint64_t hash, const Destinations& destinations) const noexcept {
  Told found = Told::kNot;
  const std::uint64_t wanted = mark_of(hash) >> kDestinationBits;
  for (std::size_t at = home(hash);; at = after(at)) {
    for (const std::uint64_t mark : lines[at].marks) {
      if (mark >> kDestinationBits != wanted) continue;
      found = std::max(found, told_by(static_cast<std::uint16_t>(mark), destinations));
    }
    if (found == Told::kYes || lines[at].marks.back() == 0) return found;
  }
}

// There is room: a page is full with kUsed in each line.
void ToldMarks::Page::put(std::uint64_t hash, std::uint16_t destination) noexcept {
  std::size_t at = home(hash);
  while (lines[at].marks.back() != 0) at = after(at);
  *std::ranges::find(lines[at].marks, 0U) = mark_of(hash) | destination;
  ++count;
}

void ToldMarks::add(std::uint64_t hash, std::uint16_t destination, std::uint32_t until) {
  const bool full = pages_.empty() || pages_.back().count + waiting_count_ >= pages_.back().lines.size() * kUsed;
  if (full || until - pages_.back().from > kept_ / 2) [[unlikely]] {
    open_page(until);
  }
  Page& page = pages_.back();
  page.until = until;
  prefetch(&page.lines[page.home(hash)]);
  waiting_[waiting_count_++] = {hash, destination};
  if (waiting_count_ == kWaiting) put_waiting();
}

void ToldMarks::put_waiting() noexcept {
  for (std::size_t i = 0; i < waiting_count_; ++i) pages_.back().put(waiting_[i].hash, waiting_[i].destination);
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

Told ToldMarks::find(std::uint64_t hash, const Destinations& destinations) const noexcept {
  for (const Page& page : pages_) prefetch(&page.lines[page.home(hash)]);
  Told found = Told::kNot;
  for (std::size_t i = 0; i < waiting_count_; ++i) {
    if (waiting_[i].hash == hash) found = std::max(found, told_by(waiting_[i].destination, destinations));
  }
  for (auto page = pages_.rbegin(); page != pages_.rend() && found != Told::kYes; ++page) {
    found = std::max(found, page->find(hash, destinations));
  }
  return found;
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
