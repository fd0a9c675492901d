// A rate limit of `rate` permits per second with bursts of up to `burst`. Shard-local, no clock of its own.
// Invariant: 0 <= tokens <= burst. A rate of 0 means unlimited.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace smppd {

class TokenBucket {
 public:
  TokenBucket() = default;
  TokenBucket(double rate_per_second, double burst) noexcept
      : rate_(rate_per_second), burst_(std::max(burst, 1.0)), tokens_(burst_) {}

  [[nodiscard]] bool unlimited() const noexcept { return rate_ <= 0; }

  // Takes one permit if there is one.
  [[nodiscard]] bool take(Instant now) noexcept { return take(now, 1.0); }
  [[nodiscard]] bool take(Instant now, double permits) noexcept {
    if (unlimited()) return true;
    refill(now);
    if (tokens_ < permits) return false;
    tokens_ -= permits;
    return true;
  }

  // How many whole permits there are.
  [[nodiscard]] std::size_t available(Instant now) noexcept {
    if (unlimited()) return SIZE_MAX;
    refill(now);
    return static_cast<std::size_t>(tokens_);
  }

  // Takes up to `wanted` permits, returns how many; for shards leasing from a shared limit.
  [[nodiscard]] double take_up_to(Instant now, double wanted) noexcept {
    if (unlimited()) return wanted;
    refill(now);
    const double taken = std::min(wanted, static_cast<double>(static_cast<std::int64_t>(tokens_)));
    tokens_ -= taken;
    return taken;
  }

  // When the next permit is there, given that take() at `now` said no.
  [[nodiscard]] Instant next_permit(Instant now) const noexcept {
    if (unlimited() || tokens_ >= 1.0) return now;
    const double seconds = (1.0 - tokens_) / rate_;
    return now + Duration(static_cast<Duration::rep>(seconds * 1e9) + 1);
  }

  // Keeps the tokens already there, so that a reload grants no second burst.
  void change_rate(double rate_per_second, double burst) noexcept {
    rate_ = rate_per_second;
    burst_ = std::max(burst, 1.0);
    tokens_ = std::min(tokens_, burst_);
  }

  [[nodiscard]] double rate() const noexcept { return rate_; }

 private:
  void refill(Instant now) noexcept {
    if (now <= filled_at_) return;
    const double seconds = std::chrono::duration<double>(now - filled_at_).count();
    tokens_ = std::min(burst_, tokens_ + seconds * rate_);
    filled_at_ = now;
  }

  double rate_ = 0;
  double burst_ = 1;
  double tokens_ = 1;
  Instant filled_at_{};
};

}  // namespace smppd
