#include "plugins/store/rocksdb/internal/segments.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "plugins/store/rocksdb/internal/format.h"

namespace smppd::plugins::rocks_store {

using store::DiskResult;

namespace {
// More than are wanted: those that were released are used again instead of new ones.
constexpr std::size_t kMostSpares = 3;
// With so many free a spare that is found is not worth being made blank.
constexpr std::uint64_t kPlentyOfSegments = 4;
constexpr std::uint64_t kBlankAtOnce = 1U << 20;
}  // namespace

std::string SegmentSet::name(std::uint64_t number, const char* kind) {
  char text[40];
  std::snprintf(text, sizeof text, "%012" PRIu64 ".%s", number, kind);
  return text;
}

void SegmentSet::adopt(std::shared_ptr<Segment> segment) {
  const std::lock_guard lock(mutex_);
  next_number_ = std::max(next_number_, segment->number + 1);
  segments_.push_back(std::move(segment));
}

void SegmentSet::adopt_spare(std::shared_ptr<Segment> spare) {
  const std::lock_guard lock(mutex_);
  next_number_ = std::max(next_number_, spare->number + 1);
  const bool fits = spare->bytes == segment_bytes_ && spares_.size() < kMostSpares;
  const bool short_of_room = disk_.free_bytes(directory_).value_or(0) < kPlentyOfSegments * segment_bytes_;
  if (short_of_room && fits && make_blank(*spare)) {
    spares_.push_back(std::move(spare));
  } else {
    [[maybe_unused]] const auto gone = disk_.remove(spare->path);
  }
}

// A segment that had not become durable may have left records in it whose positions are given out again. The zeros are
// synced with the first records that come.
bool SegmentSet::make_blank(const Segment& spare) {
  if (!spare.file->allocate(spare.bytes)) return false;  // without blocks of its own it promises nothing
  const std::vector<std::uint8_t> zeros(std::min(spare.bytes, kBlankAtOnce));
  for (std::uint64_t at = 0; at < spare.bytes; at += zeros.size()) {
    const ByteSpan part = ByteSpan(zeros).first(std::min<std::uint64_t>(zeros.size(), spare.bytes - at));
    if (!spare.file->write_at(part, at)) return false;
  }
  return true;
}

void SegmentSet::begin_at(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  writing_from_ = position;
  const Segment* last = segments_.empty() ? nullptr : segments_.back().get();
  const bool has_room =
      last != nullptr && last->end.load() == position && last->bytes > kSegmentHeader + (position - last->base);
  if (has_room && last->file->allocate(last->bytes)) {
    writing_from_ = last->base;
    writing_bytes_ = last->bytes - kSegmentHeader;
  }
  count_allocated();
}

std::shared_ptr<Segment> SegmentSet::begun() const {
  const std::lock_guard lock(mutex_);
  return writing_bytes_ == 0 ? nullptr : segments_.back();
}

// With mutex_ held.
void SegmentSet::count_allocated() {
  std::uint64_t until = writing_from_ + writing_bytes_;
  for (const auto& spare : spares_) until += spare->bytes - kSegmentHeader;
  allocated_until_.store(until);
}

DiskResult<std::shared_ptr<Segment>> SegmentSet::make_spare(std::uint64_t number) {
  auto spare = std::make_shared<Segment>();
  spare->number = number;
  spare->path = directory_ + "/" + name(number, "seg");
  spare->bytes = segment_bytes_;
  auto file = disk_.open(spare->path, store::OpenMode::kCreate);
  if (!file) return std::unexpected(file.error());
  spare->file = std::move(*file);
  auto made = spare->file->allocate(segment_bytes_);
  if (made) made = spare->file->sync();
  if (made) made = disk_.sync_directory(directory_);
  if (!made) {
    [[maybe_unused]] const auto gone = disk_.remove(spare->path);
    return std::unexpected(made.error());
  }
  return spare;
}

void SegmentSet::add_spare(std::shared_ptr<Segment> spare) {
  const std::lock_guard lock(mutex_);
  spares_.push_back(std::move(spare));
  count_allocated();
}

DiskResult<void> SegmentSet::prepare_spares(std::size_t wanted) {
  const std::lock_guard one(making_);
  for (;;) {
    std::uint64_t number = 0;
    bool alone = false;  // nothing will be released that could become one
    {
      const std::lock_guard lock(mutex_);
      if (spares_.size() >= wanted) return {};
      alone = segments_.size() < 2 && reserve_is_enough();
      if (!spares_.empty() && !alone && !reserve_is_whole()) return std::unexpected(ENOSPC);
      number = next_number_++;
    }
    auto spare = make_spare(number);
    const bool full = !spare && spare.error() == ENOSPC;
    if (full && alone && reserve_ != nullptr && reserve_->spare(segment_bytes_)) spare = make_spare(number);
    if (!spare) return std::unexpected(spare.error());
    add_spare(std::move(*spare));
  }
}

bool SegmentSet::has_spares(std::size_t wanted) const {
  const std::lock_guard lock(mutex_);
  return spares_.size() >= wanted;
}

DiskResult<std::shared_ptr<Segment>> SegmentSet::start(std::uint64_t base) {
  if (!has_spares(1)) {
    if (auto ready = prepare_spares(1); !ready) return std::unexpected(ready.error());
  }
  std::shared_ptr<Segment> segment;
  {
    const std::lock_guard lock(mutex_);
    segment = std::move(spares_.front());
    spares_.pop_front();
  }
  segment->base = base;
  segment->end = base;
  std::array<std::uint8_t, kSegmentHeader> header;
  write_segment_header(header.data(), {journal_, segment->number, base});
  if (auto written = segment->file->write_at(header, 0); !written) {
    [[maybe_unused]] const auto gone = disk_.remove(segment->path);
    return std::unexpected(written.error());
  }
  const std::lock_guard lock(mutex_);
  // A segment that failed may have been left behind with nothing durable in it.
  while (!segments_.empty() && segments_.back()->base >= base) {
    [[maybe_unused]] const auto gone = disk_.remove(segments_.back()->path);
    segments_.pop_back();
  }
  segments_.push_back(segment);
  writing_from_ = base;
  writing_bytes_ = segment->bytes - kSegmentHeader;
  count_allocated();
  return segment;
}

std::shared_ptr<Segment> SegmentSet::at(std::uint64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), position,
                                      [](std::uint64_t at, const auto& segment) { return at < segment->base; });
  if (after == segments_.begin()) return nullptr;
  return *std::prev(after);
}

std::shared_ptr<Segment> SegmentSet::oldest() const {
  const std::lock_guard lock(mutex_);
  return segments_.empty() ? nullptr : segments_.front();
}

std::uint64_t SegmentSet::end_of(const Segment& segment) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), segment.base,
                                      [](std::uint64_t at, const auto& each) { return at < each->base; });
  return after == segments_.end() ? segment.end.load() : std::min((*after)->base, segment.end.load());
}

std::uint64_t SegmentSet::count() const {
  const std::lock_guard lock(mutex_);
  return segments_.size();
}

std::uint64_t SegmentSet::disk_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& spare : spares_) bytes += spare->bytes;
  for (const auto& segment : segments_) bytes += segment->bytes;
  return bytes;
}

DiskResult<void> SegmentSet::write_index(const Segment& segment, ByteSpan bytes) {
  const std::string path = directory_ + "/" + name(segment.number, "idx");
  auto file = disk_.open(path + ".new", store::OpenMode::kCreate);
  if (!file) return std::unexpected(file.error());
  auto done = (*file)->truncate(0);
  if (done) done = (*file)->write_at(bytes, 0);
  if (done) return disk_.rename(path + ".new", path);
  // Half an index would only take room.
  [[maybe_unused]] const auto gone = disk_.remove(path + ".new");
  return done;
}

DiskResult<void> SegmentSet::discard(const Segment& segment) {
  // The index goes first: without its segment it would mean nothing, the segment without it only takes longer to read.
  [[maybe_unused]] const auto index = disk_.remove(directory_ + "/" + name(segment.number, "idx"));
  return disk_.remove(segment.path);
}

// False: it could not be made a spare, and is what it was or blank.
bool SegmentSet::recycle(Segment& segment) {
  [[maybe_unused]] const auto index = disk_.remove(directory_ + "/" + name(segment.number, "idx"));
  const std::array<std::uint8_t, kSegmentHeader> blank{};
  if (!segment.file->write_at(blank, 0) || !segment.file->sync()) return false;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_number_++;
  }
  const std::string path = directory_ + "/" + name(number, "seg");
  if (!disk_.rename(segment.path, path)) return false;
  segment.number = number;
  segment.path = path;
  return true;
}

// With mutex_ held. The first spare comes before anything else, then as much of the reserve as is enough, then the
// second spare, then the rest of the reserve, and then those that save making new ones.
bool SegmentSet::worth_reusing(const Segment& segment) const {
  if (segment.bytes != segment_bytes_ || spares_.size() >= kMostSpares) return false;
  if (spares_.empty()) return true;
  return spares_.size() < kSpares ? reserve_is_enough() : reserve_is_whole();
}

bool SegmentSet::could_release(std::uint64_t position) const {
  const std::lock_guard lock(mutex_);
  return segments_.size() >= 2 && segments_[1]->base <= position;
}

DiskResult<void> SegmentSet::release(std::uint64_t position) {
  for (;;) {
    const std::lock_guard one(making_);
    std::shared_ptr<Segment> segment;
    bool reuse = false;
    {
      const std::lock_guard lock(mutex_);
      if (segments_.size() < 2 || segments_[1]->base > position) return {};
      segment = std::move(segments_.front());
      segments_.pop_front();
      // Nobody else may be reading it, or the reader would see the new content.
      reuse = segment.use_count() == 1 && worth_reusing(*segment);
    }
    reuse = reuse && recycle(*segment);
    auto gone = reuse ? DiskResult<void>() : discard(*segment);
    // One after the other: a segment may not come back after a crash when a later one has gone. And what is written
    // into a spare must be found under its new name.
    if (gone) gone = disk_.sync_directory(directory_);
    if (!gone) {
      if (reuse) [[maybe_unused]]
        const auto removed = disk_.remove(segment->path);
      return gone;
    }
    if (reuse) add_spare(std::move(segment));
  }
}

}  // namespace smppd::plugins::rocks_store
