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
  const double interval = now_valid().interval;
  return interval > 0 ? 1e9 / interval : 0;
}

void SharedRateLimit::configure(double rate, double burst, Instant now) noexcept {
  const bool limited = rate > 0;
  const double size = std::max(burst > 0 ? burst : rate, 1.0);
  const double interval = limited ? 1e9 / rate : 0;
  std::int64_t state = state_.load(std::memory_order_relaxed);
  const Terms old = terms_of(state);
  lease_.store(limited ? static_cast<std::uint32_t>(std::clamp(std::min(rate * kLeaseSeconds, size), 1.0, kMaxLease))
                       : kUnlimitedLease,
               std::memory_order_relaxed);
  if (interval == old.interval && (!limited || size * interval == old.burst_ns)) return;
  const std::int64_t generation = (state + 1) % kGenerations;
  SharedTerms& next = terms_[static_cast<std::size_t>(generation & 1)];
  next.interval.store(interval, std::memory_order_relaxed);
  next.burst_ns.store(limited ? size * interval : 0, std::memory_order_relaxed);
  std::int64_t moved = 0;
  do {
    const double debt = debt_ns(state / kGenerations, now);
    const double kept = old.interval > 0 ? (old.burst_ns - debt) / old.interval : size;
    moved = nanos(now) + std::llround((size - std::clamp(kept, 0.0, size)) * interval);
  } while (!state_.compare_exchange_weak(state, moved * kGenerations + generation, std::memory_order_release,
                                         std::memory_order_relaxed));
}

std::uint32_t SharedRateLimit::take_up_to(Instant now, std::uint32_t wanted) noexcept {
  std::int64_t state = state_.load(std::memory_order_acquire);
  for (;;) {
    const Terms terms = terms_of(state);
    if (terms.interval <= 0) return wanted;
    const auto full = static_cast<std::int64_t>(terms.burst_ns) + nanos(now);
    const std::int64_t from = std::max(state / kGenerations, nanos(now));
    // Half a nanosecond forgives the rounding of earlier takes.
    const double there = (static_cast<double>(full - from) + 0.5) / terms.interval;
    if (there < 1) return 0;
    const auto taken = static_cast<std::uint32_t>(std::min(static_cast<double>(wanted), there));
    const std::int64_t to = from + std::llround(taken * terms.interval);
    if (state_.compare_exchange_weak(state, to * kGenerations + state % kGenerations, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      return taken;
    }
  }
}

void SharedRateLimit::give_back(std::uint32_t permits) noexcept {
  if (permits == 0) return;
  std::int64_t state = state_.load(std::memory_order_acquire);
  std::int64_t less = 0;
  do {
    less = std::llround(permits * terms_of(state).interval);
    if (less <= 0) return;
  } while (!state_.compare_exchange_weak(state, state - less * kGenerations, std::memory_order_acq_rel,
                                         std::memory_order_acquire));
}

Instant SharedRateLimit::next_permit(Instant now) const noexcept {
  const std::int64_t state = state_.load(std::memory_order_acquire);
  const Terms terms = terms_of(state);
  if (terms.interval <= 0) return now;
  const double wait = debt_ns(state / kGenerations, now) + terms.interval - terms.burst_ns;
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
