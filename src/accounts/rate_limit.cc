#include "accounts/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace smppd::accounts {
namespace {

constexpr double kLeaseSeconds = 0.0005;
constexpr double kMaxLease = 100'000;
constexpr std::uint32_t kUnlimitedLease = 1'000'000;

std::int64_t nanos(Instant at) noexcept { return at.time_since_epoch().count(); }

double debt_ns(std::int64_t arrival, Instant now) noexcept {
  return static_cast<double>(std::max<std::int64_t>(arrival - nanos(now), 0));
}

}  // namespace

double SharedRateLimit::rate() const noexcept {
  const double interval = interval_.load(std::memory_order_relaxed);
  return interval > 0 ? 1e9 / interval : 0;
}

void SharedRateLimit::configure(double rate, double burst, Instant now) noexcept {
  if (!(rate > 0)) {
    interval_.store(0, std::memory_order_relaxed);
    lease_.store(kUnlimitedLease, std::memory_order_relaxed);
    return;
  }
  const double size = std::max(burst > 0 ? burst : rate, 1.0);
  const double interval = 1e9 / rate;
  const double old_interval = interval_.load(std::memory_order_relaxed);
  const double old_burst_ns = burst_ns_.load(std::memory_order_relaxed);
  if (interval == old_interval && size * interval == old_burst_ns) return;
  lease_.store(static_cast<std::uint32_t>(std::clamp(std::min(rate * kLeaseSeconds, size), 1.0, kMaxLease)),
               std::memory_order_relaxed);
  std::int64_t arrival = arrival_.load(std::memory_order_relaxed);
  std::int64_t moved = 0;
  do {
    const double kept = old_interval > 0 ? (old_burst_ns - debt_ns(arrival, now)) / old_interval : size;
    moved = nanos(now) + std::llround((size - std::clamp(kept, 0.0, size)) * interval);
  } while (!arrival_.compare_exchange_weak(arrival, moved, std::memory_order_relaxed));
  burst_ns_.store(size * interval, std::memory_order_relaxed);
  interval_.store(interval, std::memory_order_relaxed);
}

std::uint32_t SharedRateLimit::take_up_to(Instant now, std::uint32_t wanted) noexcept {
  const double interval = interval_.load(std::memory_order_relaxed);
  if (interval <= 0) return wanted;
  const auto full = static_cast<std::int64_t>(burst_ns_.load(std::memory_order_relaxed)) + nanos(now);
  std::int64_t arrival = arrival_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t from = std::max(arrival, nanos(now));
    // Half a nanosecond forgives the rounding of earlier takes.
    const double there = (static_cast<double>(full - from) + 0.5) / interval;
    if (there < 1) return 0;
    const auto taken = static_cast<std::uint32_t>(std::min(static_cast<double>(wanted), there));
    const std::int64_t to = from + std::llround(taken * interval);
    if (arrival_.compare_exchange_weak(arrival, to, std::memory_order_relaxed)) return taken;
  }
}

void SharedRateLimit::give_back(std::uint32_t permits) noexcept {
  const double interval = interval_.load(std::memory_order_relaxed);
  if (permits == 0 || interval <= 0) return;
  arrival_.fetch_sub(std::llround(permits * interval), std::memory_order_relaxed);
}

Instant SharedRateLimit::next_permit(Instant now) const noexcept {
  const double interval = interval_.load(std::memory_order_relaxed);
  if (interval <= 0) return now;
  const double debt = debt_ns(arrival_.load(std::memory_order_relaxed), now);
  const double wait = debt + interval - burst_ns_.load(std::memory_order_relaxed);
  return wait <= 0 ? now : now + Duration(static_cast<Duration::rep>(std::ceil(wait)));
}

bool RateLease::renew(Instant now) noexcept {
  limit_->give_back(left_);
  left_ = limit_->take_up_to(now, limit_->lease_size());
  until_ = now + kLifetime;
  if (left_ == 0) return false;
  --left_;
  return true;
}

}  // namespace smppd::accounts
