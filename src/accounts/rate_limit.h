// A limit on messages per second for a client whose sessions live on several shards. One atomic, no lock: the generic
// cell rate algorithm's "theoretical arrival time", moved forward by compare-and-swap. Shards take permits from it in
// leases of half a millisecond's worth (one permit at low rates), so that a fast client does not make the shards fight
// for the cache line.
//
// Bound: in any time t at most burst + rate * t + one lease per shard are admitted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace smppd::accounts {

// Owned by ClientStates, lives as long as the process; any thread may take, the control thread configures.
class SharedRateLimit {
 public:
  SharedRateLimit() = default;
  SharedRateLimit(const SharedRateLimit&) = delete;
  SharedRateLimit& operator=(const SharedRateLimit&) = delete;

  // Permits per second, 0: unlimited; burst 0: one second's worth. The permits there are stay, so that a reload grants
  // no second burst, not even to takes that run at the same moment.
  void configure(double rate, double burst, Instant now) noexcept;

  [[nodiscard]] bool unlimited() const noexcept { return now_valid().interval <= 0; }
  [[nodiscard]] double rate() const noexcept;

  // Takes up to `wanted` permits, returns how many. wanted > 0.
  [[nodiscard]] std::uint32_t take_up_to(Instant now, std::uint32_t wanted) noexcept;
  void give_back(std::uint32_t permits) noexcept;

  // When there will be a permit, if nobody else takes it.
  [[nodiscard]] Instant next_permit(Instant now) const noexcept;

  // What a shard should take at once.
  [[nodiscard]] std::uint32_t lease_size() const noexcept { return lease_.load(std::memory_order_relaxed); }

 private:
  struct Terms {
    double interval;  // ns a permit takes to grow; 0: unlimited
    double burst_ns;  // ns in which the whole burst grows
  };
  struct SharedTerms {
    std::atomic<double> interval{0}, burst_ns{0};
  };
  // The low bits of state_ number the terms its arrival goes by: an arrival that is swapped in by compare-and-swap was
  // worked out from the terms that are valid at that instant. terms_ has these and, for who is late, those before.
  static constexpr unsigned kGenerationBits = 4;
  static constexpr std::int64_t kGenerations = 1 << kGenerationBits;

  [[nodiscard]] Terms terms_of(std::int64_t state) const noexcept {
    const SharedTerms& terms = terms_[static_cast<std::size_t>(state & 1)];
    return {terms.interval.load(std::memory_order_relaxed), terms.burst_ns.load(std::memory_order_relaxed)};
  }
  [[nodiscard]] Terms now_valid() const noexcept { return terms_of(state_.load(std::memory_order_acquire)); }

  // Over the generation: ns of the Instant at which all permits will be there again, less the burst.
  std::atomic<std::int64_t> state_{0};
  std::array<SharedTerms, 2> terms_;
  std::atomic<std::uint32_t> lease_{1};
};

// One shard's share of a limit. Shard-local, no atomics while the lease lasts.
class RateLease {
 public:
  static constexpr Duration kLifetime = 5ms;  // then what is left goes back

  explicit RateLease(SharedRateLimit& limit) noexcept : limit_(&limit) {}
  RateLease(const RateLease&) = delete;
  RateLease& operator=(const RateLease&) = delete;
  ~RateLease() { limit_->give_back(left_); }

  // One permit, or none.
  [[nodiscard]] bool take(Instant now) noexcept {
    if (left_ > 0 && now < until_) {
      --left_;
      return true;
    }
    return renew(now);
  }
  [[nodiscard]] Instant next_permit(Instant now) const noexcept { return limit_->next_permit(now); }

 private:
  [[nodiscard]] bool renew(Instant now) noexcept;

  SharedRateLimit* limit_;
  std::uint32_t left_ = 0;
  Instant until_{};
};

}  // namespace smppd::accounts
