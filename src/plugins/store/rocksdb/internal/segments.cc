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
// One is enough to go on with. More, of those that were released, are used again instead of new ones.
constexpr std::size_t kMostSpares = 3;
// Of a segment, what a full disk may still have room for: several batches fit into it.
constexpr std::uint64_t kShortestShare = 4;
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
  const bool fits = spare->bytes >= segment_bytes_ / kShortestShare && spare->bytes <= segment_bytes_;
  const bool short_of_room = disk_.free_bytes(directory_).value_or(0) < kPlentyOfSegments * segment_bytes_;
  if (short_of_room && fits && spares_.size() < kMostSpares && make_blank(*spare)) {
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
  if (last != nullptr && last->end.load() == position && last->bytes > kSegmentHeader + (position - last->base)) {
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

DiskResult<std::shared_ptr<Segment>> SegmentSet::make_spare(std::uint64_t number, std::uint64_t bytes) {
  auto spare = std::make_shared<Segment>();
  spare->number = number;
  spare->path = directory_ + "/" + name(number, "seg");
  spare->bytes = bytes;
  auto file = disk_.open(spare->path, store::OpenMode::kCreate);
  if (!file) return std::unexpected(file.error());
  spare->file = std::move(*file);
  auto made = spare->file->allocate(bytes);
  if (made) made = spare->file->sync();
  if (made) made = disk_.sync_directory(directory_);
  if (!made) {
    [[maybe_unused]] const auto gone = disk_.remove(spare->path);
    return std::unexpected(made.error());
  }
  return spare;
}

DiskResult<std::shared_ptr<Segment>> SegmentSet::make_any_spare(std::uint64_t number) {
  auto spare = make_spare(number, segment_bytes_);
  if (spare || spare.error() != ENOSPC) return spare;
  return make_spare(number, segment_bytes_ / kShortestShare);
}

DiskResult<void> SegmentSet::prepare_spare() {
  const std::lock_guard one(making_);
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (spare_bytes() >= segment_bytes_) return {};
    number = next_number_++;
  }
  auto spare = make_any_spare(number);
  if (!spare) return std::unexpected(spare.error());
  const std::lock_guard lock(mutex_);
  spares_.push_back(std::move(*spare));
  count_allocated();
  return {};
}

bool SegmentSet::has_spare() const {
  const std::lock_guard lock(mutex_);
  return !spares_.empty();
}

bool SegmentSet::has_room_ahead() const {
  const std::lock_guard lock(mutex_);
  return spare_bytes() >= segment_bytes_;
}

// With mutex_ held.
std::uint64_t SegmentSet::spare_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& spare : spares_) bytes += spare->bytes;
  return bytes;
}

DiskResult<std::shared_ptr<Segment>> SegmentSet::start(std::uint64_t base) {
  auto ready = prepare_spare();
  if (!has_spare() && !ready && ready.error() == ENOSPC && reserve_ != nullptr) {
    reserve_->make_room(segment_bytes_ / kShortestShare, Reserve::For::kJournal);
    ready = prepare_spare();
  }
  if (!has_spare()) return std::unexpected(ready.error());
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

DiskResult<void> SegmentSet::recycle(const std::shared_ptr<Segment>& segment) {
  [[maybe_unused]] const auto index = disk_.remove(directory_ + "/" + name(segment->number, "idx"));
  const std::array<std::uint8_t, kSegmentHeader> blank{};
  auto done = segment->file->write_at(blank, 0);
  if (done) done = segment->file->sync();
  if (!done) return disk_.remove(segment->path);
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = next_number_++;
  }
  const std::string path = directory_ + "/" + name(number, "seg");
  if (auto renamed = disk_.rename(segment->path, path); !renamed) return renamed;
  segment->number = number;
  segment->path = path;
  const std::lock_guard lock(mutex_);
  spares_.push_back(segment);
  count_allocated();
  return {};
}

// With mutex_ held.
bool SegmentSet::worth_reusing(const Segment& segment) const {
  if (spares_.size() >= kMostSpares || segment.bytes > segment_bytes_) return false;
  // The tables need room before the journal needs a second spare.
  if (!spares_.empty() && reserve_ != nullptr && !reserve_->whole()) return false;
  const bool whole = segment.bytes == segment_bytes_;
  return whole || (segment.bytes >= segment_bytes_ / kShortestShare && reserve_ != nullptr && !reserve_->whole());
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
    auto gone = reuse ? recycle(segment) : discard(*segment);
    // One after the other: a segment may not come back after a crash when a later one has gone.
    if (gone) gone = disk_.sync_directory(directory_);
    if (!gone) return gone;
  }
}

}  // namespace smppd::plugins::rocks_store
