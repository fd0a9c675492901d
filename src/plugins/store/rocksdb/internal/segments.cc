#include "plugins/store/rocksdb/internal/segments.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

#include "plugins/store/rocksdb/internal/format.h"

namespace smppd::plugins::rocks_store {

using store::DiskResult;

namespace {
// One is enough to go on with. More, of those that were released, are used again instead of new ones.
constexpr std::size_t kMostSpares = 3;
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

void SegmentSet::begin_at(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  writing_from_ = position;
  count_allocated();
}

// With mutex_ held.
void SegmentSet::count_allocated() {
  const std::uint64_t each = segment_bytes_ - kSegmentHeader;
  allocated_until_.store(writing_from_ + (writing_ ? each : 0) + spares_.size() * each);
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

DiskResult<void> SegmentSet::prepare_spare() {
  const std::lock_guard one(making_);
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!spares_.empty()) return {};
    number = next_number_++;
  }
  auto spare = make_spare(number);
  if (!spare) return std::unexpected(spare.error());
  const std::lock_guard lock(mutex_);
  spares_.push_back(std::move(*spare));
  count_allocated();
  return {};
}

DiskResult<std::shared_ptr<Segment>> SegmentSet::start(std::uint64_t base) {
  if (auto ready = prepare_spare(); !ready) return std::unexpected(ready.error());
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
  writing_ = true;
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
  if (!done) return done;
  return disk_.rename(path + ".new", path);
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
      reuse = spares_.size() < kMostSpares && segment->bytes == segment_bytes_ && segment.use_count() == 1;
    }
    auto gone = reuse ? recycle(segment) : discard(*segment);
    // One after the other: a segment may not come back after a crash when a later one has gone.
    if (gone) gone = disk_.sync_directory(directory_);
    if (!gone) return gone;
  }
}

}  // namespace smppd::plugins::rocks_store
