#include "plugins/store/rocksdb/internal/reserve.h"

#include <algorithm>
#include <utility>

#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

namespace {
// The shortest step in which it grows: what is not taken back after each loan would add up.
constexpr unsigned kFinest = 4096;
constexpr auto kLongestLoan = std::chrono::seconds(2);
constexpr auto kBetweenTries = std::chrono::milliseconds(200);
}  // namespace

Reserve::Reserve(store::Disk& disk, std::string directory, std::uint64_t bytes)
    : disk_(disk), directory_(std::move(directory)), bytes_(bytes) {
  if (auto file = disk_.open(directory_ + "/reserve", store::OpenMode::kWrite)) {
    file_ = std::move(*file);
    held_.store(file_->size().value_or(0));
    if (held_.load() > bytes_ && file_->truncate(bytes_)) held_.store(bytes_);
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
  if (whole() || !open_file()) return;
  std::uint64_t step = std::min(bytes_ - held_.load(), free_bytes());
  for (; step > bytes_ / kFinest; step /= 2) {
    const std::uint64_t next = held_.load() + step;
    if (file_->allocate(next)) {
      held_.store(next);
      [[maybe_unused]] const auto kept = file_->sync();  // over a power loss, too
      return;
    }
    // What was allocated in part is no room to count on.
    [[maybe_unused]] const auto cut = file_->truncate(held_.load());
  }
}

void Reserve::lend(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  ++loans_;
  not_before_.store(Clock::now().time_since_epoch() + kLongestLoan);
  for (;;) {
    const std::uint64_t free = free_bytes();
    const std::uint64_t held = held_.load();
    if (free >= bytes || held == 0 || file_ == nullptr) return;
    const std::uint64_t left = held - std::min(held, bytes - free);
    if (!file_->truncate(left)) return;
    held_.store(left);
    if (held == bytes_) {
      kStoreLog.warn("the disk is full; room that is kept for that is used",
                     {{"path", directory_}, {"octets", bytes_}});
    }
  }
}

void Reserve::returned() {
  const std::lock_guard lock(mutex_);
  if (loans_ > 0) --loans_;
  if (loans_ == 0) grow();
}

bool Reserve::spare(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t missing = bytes - std::min(bytes, free_bytes());
  if (held_.load() < bytes_ / 2 + missing || file_ == nullptr) return false;
  const std::uint64_t left = held_.load() - missing;
  if (missing > 0 && !file_->truncate(left)) return false;
  held_.store(left);
  return true;
}

Fallible<void> Reserve::could_lend(std::uint64_t bytes) const {
  const std::uint64_t free = free_bytes();
  if (free >= bytes || free + held() >= bytes) return {};
  return failure(directory_ + ": the disk is full: " + std::to_string(bytes) +
                 " octets are needed to open the store, " + std::to_string(free + held()) +
                 " are free or kept for that; nothing was touched and nothing is lost: free " +
                 std::to_string(bytes - free - held()) + " octets there and start again");
}

void Reserve::refill() {
  if (whole()) return;
  const auto now = Clock::now().time_since_epoch();
  if (now < not_before_.load()) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  not_before_.store(now + kBetweenTries);
  loans_ = 0;
  grow();
}

}  // namespace smppd::plugins::rocks_store
