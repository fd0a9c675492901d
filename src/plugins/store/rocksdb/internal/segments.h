// The segment files of one journal. The commit thread starts segments and writes the newest; the keeper prepares a
// spare ahead of need, finds segments to read, and releases the oldest; recovery fills the set before either runs.
//
// A spare is a file of full length with blocks of its own and a blank header: writing into it cannot run out of space.
// A released segment becomes a spare, so that a journal in balance allocates nothing; and a sync of what was written
// before writes no more than the octets, where new blocks cost a write of the file's own record each time.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "store/disk.h"

namespace smppd::plugins::rocks_store {

struct Segment {
  std::uint64_t number = 0;
  std::uint64_t base = 0;
  std::string path;
  std::unique_ptr<store::File> file;
  std::atomic<std::uint64_t> end{0};  // position behind the last record written
  std::uint64_t bytes = 0;            // of the file
};

class SegmentSet {
 public:
  SegmentSet(store::Disk& disk, std::string directory, unsigned journal, std::uint64_t segment_bytes)
      : disk_(disk), directory_(std::move(directory)), journal_(journal), segment_bytes_(segment_bytes) {}

  // Recovery: the segments found, oldest first, and where the journal goes on.
  void adopt(std::shared_ptr<Segment> segment);
  void begin_at(std::uint64_t position);

  // Commit thread. A new segment for the positions from `base` on; without a spare it tries to make one.
  [[nodiscard]] store::DiskResult<std::shared_ptr<Segment>> start(std::uint64_t base);

  // Keeper. Makes a spare if there is none.
  [[nodiscard]] store::DiskResult<void> prepare_spare();
  // Of a segment that is complete. A file that is not all there is noticed by its checksum, so nothing is synced.
  [[nodiscard]] store::DiskResult<void> write_index(const Segment& segment, ByteSpan bytes);
  // Lets go of every segment that ends at or before `position`, except the newest.
  [[nodiscard]] store::DiskResult<void> release(std::uint64_t position);

  // Any thread.
  // Records up to this position have blocks of their own on the disk, now or in the spare: writing them cannot run out
  // of space. Grows with each spare.
  [[nodiscard]] std::uint64_t allocated_until() const noexcept { return allocated_until_.load(); }
  [[nodiscard]] std::shared_ptr<Segment> at(std::uint64_t position) const;
  [[nodiscard]] std::shared_ptr<Segment> oldest() const;
  // Where the segment's positions end: the next one's base, or all that was written.
  [[nodiscard]] std::uint64_t end_of(const Segment& segment) const;
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::uint64_t disk_bytes() const;
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] unsigned journal() const noexcept { return journal_; }
  [[nodiscard]] std::uint64_t segment_bytes() const noexcept { return segment_bytes_; }
  [[nodiscard]] static std::string name(std::uint64_t number, const char* kind);

 private:
  [[nodiscard]] store::DiskResult<std::shared_ptr<Segment>> make_spare(std::uint64_t number);
  [[nodiscard]] store::DiskResult<void> recycle(const std::shared_ptr<Segment>& segment);
  [[nodiscard]] store::DiskResult<void> discard(const Segment& segment);
  void count_allocated();

  store::Disk& disk_;
  const std::string directory_;
  const unsigned journal_;
  const std::uint64_t segment_bytes_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Segment>> segments_;  // guarded by mutex_
  std::deque<std::shared_ptr<Segment>> spares_;    // guarded by mutex_
  std::uint64_t next_number_ = 1;                  // guarded by mutex_
  std::uint64_t writing_from_ = 0;                 // guarded by mutex_: base of the segment being written
  bool writing_ = false;                           // guarded by mutex_: there is one
  std::atomic<std::uint64_t> allocated_until_{0};
  std::mutex making_;  // one spare is made at a time
};

}  // namespace smppd::plugins::rocks_store
