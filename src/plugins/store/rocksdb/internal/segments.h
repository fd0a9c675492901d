// The segment files of one journal. The commit thread starts segments and writes the newest; the keeper prepares a
// spare ahead of need, finds segments to read, and releases the oldest; recovery fills the set before either runs.
//
// A spare is a file of full length with blocks of its own and a blank header: writing into it cannot run out of space.
// What is allocated stays so, over restarts, too: the journal goes on in its last segment, spares stay spares, and a
// segment that is released becomes one by its name alone, without being free in between. So on a full disk the journal
// has what it had. One in balance allocates nothing; and a sync of what was written before writes no more than the
// octets, where new blocks cost a write of the file's own record each time.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "plugins/store/rocksdb/internal/reserve.h"
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
  SegmentSet(store::Disk& disk, std::string directory, unsigned journal, std::uint64_t segment_bytes,
             Reserve* reserve = nullptr)
      : disk_(disk),
        directory_(std::move(directory)),
        journal_(journal),
        segment_bytes_(segment_bytes),
        reserve_(reserve) {}

  // How many spares it wants: one to move what lives in the oldest segment into, one to write into meanwhile.
  static constexpr std::size_t kSpares = 2;

  // Recovery: the segments found, oldest first, then the spares, then where the journal goes on: in the last segment,
  // if that ends there and has room.
  void adopt(std::shared_ptr<Segment> segment);
  void adopt_spare(std::shared_ptr<Segment> spare);
  void begin_at(std::uint64_t position);
  // The one begin_at() found to go on in, or null.
  [[nodiscard]] std::shared_ptr<Segment> begun() const;

  // Commit thread. A new segment for the positions from `base` on; without a spare it tries to make one.
  [[nodiscard]] store::DiskResult<std::shared_ptr<Segment>> start(std::uint64_t base);

  // Keeper. Makes spares until there are so many. What is free is the reserve's first, but one there must be; and a
  // journal of one segment has the second, too, if need be out of what the reserve has beyond what is enough.
  [[nodiscard]] store::DiskResult<void> prepare_spares(std::size_t wanted);
  [[nodiscard]] bool has_spares(std::size_t wanted) const;
  void refill_reserve() {
    if (reserve_ != nullptr) reserve_->refill();
  }
  // Of a segment that is complete. A file that is not all there is noticed by its checksum, so nothing is synced.
  [[nodiscard]] store::DiskResult<void> write_index(const Segment& segment, ByteSpan bytes);
  // Lets go of every segment that ends at or before `position`, except the newest.
  [[nodiscard]] store::DiskResult<void> release(std::uint64_t position);
  [[nodiscard]] bool could_release(std::uint64_t position) const;

  // Any thread.
  // Records up to this position have blocks of their own on the disk, now or in the spare: writing them cannot run out
  // of space. Grows with each spare.
  [[nodiscard]] std::uint64_t allocated_until() const noexcept { return allocated_until_.load(); }
  // The tables can count on having room.
  [[nodiscard]] bool reserve_is_enough() const noexcept { return reserve_ == nullptr || reserve_->enough(); }
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
  [[nodiscard]] bool recycle(Segment& segment);
  [[nodiscard]] store::DiskResult<void> discard(const Segment& segment);
  void add_spare(std::shared_ptr<Segment> spare);
  void count_allocated();
  [[nodiscard]] bool reserve_is_whole() const noexcept { return reserve_ == nullptr || reserve_->whole(); }
  [[nodiscard]] bool worth_reusing(const Segment& segment) const;
  [[nodiscard]] static bool make_blank(const Segment& spare);

  store::Disk& disk_;
  const std::string directory_;
  const unsigned journal_;
  const std::uint64_t segment_bytes_;
  Reserve* const reserve_;  // null: none
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Segment>> segments_;  // guarded by mutex_
  std::deque<std::shared_ptr<Segment>> spares_;    // guarded by mutex_
  std::uint64_t next_number_ = 1;                  // guarded by mutex_
  std::uint64_t writing_from_ = 0;                 // guarded by mutex_: base of the segment being written
  std::uint64_t writing_bytes_ = 0;                // guarded by mutex_: of it behind its header; 0: there is none
  std::atomic<std::uint64_t> allocated_until_{0};
  std::mutex making_;  // one spare is made at a time
};

}  // namespace smppd::plugins::rocks_store
