#include "plugins/store/rocksdb/internal/reserve.h"

#include <algorithm>
#include <utility>

#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

namespace {
// In which it grows; finer where no more is there: what is not taken back after each start would add up.
constexpr unsigned kSteps = 16;
constexpr unsigned kFinest = 4096;
constexpr auto kLent = std::chrono::seconds(2);
constexpr auto kBetweenTries = std::chrono::milliseconds(200);
}  // namespace

Reserve::Reserve(store::Disk& disk, std::string directory, std::uint64_t bytes)
    : disk_(disk), directory_(std::move(directory)), bytes_(bytes) {
  const std::lock_guard lock(mutex_);
  if (auto file = disk_.open(directory_ + "/reserve", store::OpenMode::kWrite)) {
    file_ = std::move(*file);
    held_.store(file_->size().value_or(0));
  }
}

std::uint64_t Reserve::free_bytes() const { return disk_.free_bytes(directory_).value_or(UINT64_MAX); }

// With mutex_ held.
bool Reserve::open_file() {
  if (file_ != nullptr) return true;
  auto file = disk_.open(directory_ + "/reserve", store::OpenMode::kCreate);
  if (!file || !disk_.sync_directory(directory_)) return false;
  file_ = std::move(*file);
  return true;
}

// With mutex_ held.
void Reserve::grow() {
  std::uint64_t step = std::max<std::uint64_t>(bytes_ / kSteps, 1);
  const std::uint64_t before = held_.load();
  while (held_.load() < bytes_) {
    const std::uint64_t next = std::min(held_.load() + step, bytes_);
    // What was allocated in part is no room to count on.
    if (!file_->allocate(next)) {
      [[maybe_unused]] const auto cut = file_->truncate(held_.load());
      step /= 2;
      if (step <= bytes_ / kFinest) break;
      continue;
    }
    held_.store(next);
  }
  if (held_.load() == before) return;
  [[maybe_unused]] const auto kept = file_->sync();  // over a power loss, too
}

bool Reserve::make_room(std::uint64_t bytes, For what) {
  if (free_bytes() >= bytes) return true;
  const std::lock_guard lock(mutex_);
  not_before_.store(Clock::now().time_since_epoch() + kLent);
  const std::uint64_t kept = what == For::kJournal ? bytes_ / 2 : 0;
  for (;;) {
    const std::uint64_t free = free_bytes();
    if (free >= bytes) return true;
    const std::uint64_t held = held_.load();
    if (held <= kept || file_ == nullptr) return false;
    const std::uint64_t left = std::max(held - std::min(held, bytes - free), kept);
    if (!file_->truncate(left)) return false;
    held_.store(left);
    if (held == bytes_) {
      kStoreLog.warn("the disk is full; room that was kept for that is used",
                     {{"path", directory_}, {"octets", bytes_}});
    }
  }
}

Fallible<void> Reserve::room_or_why(std::uint64_t bytes) {
  if (const std::uint64_t there = free_bytes() + held(); free_bytes() < bytes && there < bytes) {
    return failure(directory_ + ": the disk is full: " + std::to_string(bytes) +
                   " octets are needed to open the store, " + std::to_string(there) +
                   " are free or kept for that; nothing was touched and nothing is lost: free " +
                   std::to_string(bytes - there) + " octets there and start again");
  }
  make_room(bytes, For::kTables);
  return {};
}

void Reserve::refill() {
  if (whole()) return;
  const auto now = Clock::now().time_since_epoch();
  if (now < not_before_.load()) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  not_before_.store(now + kBetweenTries);
  if (open_file()) grow();
}

void Reserve::refill_now() {
  if (whole()) return;
  const std::lock_guard lock(mutex_);
  if (open_file()) grow();
}

}  // namespace smppd::plugins::rocks_store
