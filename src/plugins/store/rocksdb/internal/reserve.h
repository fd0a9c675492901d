// Room that a store keeps for itself: a file with blocks of its own, which is cut shorter when the disk is full and
// what is owed needs room, and grows again when there is some. So a full disk stops neither a start nor the drain.
//
// The tables may have all of it; the journals leave them half, because without the tables no segment is ever released.
// Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "store/disk.h"

namespace smppd::plugins::rocks_store {

class Reserve {
 public:
  enum class For : std::uint8_t { kTables, kJournal };

  Reserve(store::Disk& disk, std::string directory, std::uint64_t bytes);
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  // Sees to it that so much is free, as far as there is that much to give. True when it is.
  bool make_room(std::uint64_t bytes, For what);
  // The same, or the sentence that says what to free; then nothing was given.
  [[nodiscard]] Fallible<void> room_or_why(std::uint64_t bytes);
  // Takes back what was given, if the disk has it, but not from one who has just been given it.
  void refill();
  // The same at once: what room was made for is written.
  void refill_now();
  [[nodiscard]] bool whole() const noexcept { return held_.load() >= bytes_; }
  [[nodiscard]] std::uint64_t held() const noexcept { return held_.load(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t missing_for_journals() const noexcept { return bytes_ / 2 - held_for_journals(); }
  [[nodiscard]] std::uint64_t held_for_journals() const noexcept { return held() - std::min(held(), bytes_ / 2); }
  [[nodiscard]] std::uint64_t free_bytes() const;

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] bool open_file();
  void grow();

  store::Disk& disk_;
  const std::string directory_;
  const std::uint64_t bytes_;
  std::mutex mutex_;
  std::unique_ptr<store::File> file_;          // guarded by mutex_; null: could not be opened yet
  std::atomic<std::uint64_t> held_{0};         // octets of the file; changes under mutex_
  std::atomic<Clock::duration> not_before_{};  // since the clock's epoch: of the next refill
};

}  // namespace smppd::plugins::rocks_store
