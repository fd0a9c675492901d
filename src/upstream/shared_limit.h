// A rate limit that spans the shards: a generic cell rate algorithm in one relaxed atomic, so that every shard may ask
// without a lock. Made by the control thread, kept over reloads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace smppd::upstream {

class SharedLimit {
 public:
  SharedLimit(double rate_per_second, double burst) noexcept { change(rate_per_second, burst); }

  void change(double rate_per_second, double burst) noexcept {
    const double interval = 1e9 / rate_per_second;
    interval_.store(static_cast<std::int64_t>(interval), std::memory_order_relaxed);
    const double cells = burst > 0 ? burst : rate_per_second;
    tolerance_.store(static_cast<std::int64_t>(interval * (cells < 1 ? 1 : cells)), std::memory_order_relaxed);
  }

  [[nodiscard]] bool take(Instant now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    const std::int64_t interval = interval_.load(std::memory_order_relaxed);
    const std::int64_t tolerance = tolerance_.load(std::memory_order_relaxed);
    std::int64_t due = due_.load(std::memory_order_relaxed);
    while (true) {
      const std::int64_t from = due > at ? due : at;
      const std::int64_t next = from + interval;
      if (next - at > tolerance) return false;
      if (due_.compare_exchange_weak(due, next, std::memory_order_relaxed)) return true;
    }
  }
  // How many take() would grant at `now`, if no other shard asks.
  [[nodiscard]] std::size_t available(Instant now) const noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    const std::int64_t interval = interval_.load(std::memory_order_relaxed);
    if (interval <= 0) return SIZE_MAX;  // more than a permit each nanosecond
    const std::int64_t owed = std::max<std::int64_t>(due_.load(std::memory_order_relaxed) - at, 0);
    const std::int64_t left = tolerance_.load(std::memory_order_relaxed) - owed;
    return left <= 0 ? 0 : static_cast<std::size_t>(left / interval);
  }
  // Gives a permit back that was taken and not used.
  void give_back() noexcept { due_.fetch_sub(interval_.load(std::memory_order_relaxed), std::memory_order_relaxed); }
  [[nodiscard]] Instant next(Instant now) const noexcept {
    const std::int64_t wait = due_.load(std::memory_order_relaxed) + interval_.load(std::memory_order_relaxed) -
                              tolerance_.load(std::memory_order_relaxed) - now.time_since_epoch().count();
    return wait > 0 ? now + Duration(wait) : now;
  }

 private:
  std::atomic<std::int64_t> interval_{0};   // nanoseconds a permit costs
  std::atomic<std::int64_t> tolerance_{0};  // nanoseconds of burst
  std::atomic<std::int64_t> due_{0};        // when the bucket would be full again
};

}  // namespace smppd::upstream
