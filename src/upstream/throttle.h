// Slows a link down when its SMSC says ESME_RTHROTTLED or ESME_RMSGQFUL and speeds it up again: a pause after each such
// answer, then a rate that starts at a share of what the link had reached and grows steadily until the SMSC complains
// again or the link is as fast as before the first complaint. Sans-I/O, shard-local. Interop row 32.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "base/token_bucket.h"
#include "config/config.h"

namespace smppd::upstream {

class Throttle {
 public:
  explicit Throttle(const config::Throttling& options) noexcept : options_(&options) {}

  // False while paused or when no permit can be there yet.
  [[nodiscard]] bool open(Instant now) const noexcept {
    return now >= paused_until_ && (!limited_ || now >= next_permit_);
  }
  // Takes the permit for one request.
  [[nodiscard]] bool take(Instant now) noexcept {
    if (now < paused_until_) return false;
    if (!limited_) return true;
    grow(now);
    if (!limited_ || bucket_.take(now)) return true;
    next_permit_ = bucket_.next_permit(now);
    return false;
  }
  void sent(Instant now) noexcept {
    if (now - counted_from_ >= std::chrono::seconds(1)) {
      const double seconds = std::chrono::duration<double>(now - counted_from_).count();
      measured_rate_ = counted_from_ == Instant{} ? 0 : static_cast<double>(counted_) / seconds;
      counted_from_ = now;
      counted_ = 0;
    }
    ++counted_;
  }
  void complained(Instant now) noexcept {
    // Answers to what was sent before the pause began are one complaint, not many.
    if (now < paused_until_) return;
    paused_until_ = now + options_->pause;
    ++complaints_;
    if (!options_->adaptive) return;
    const double reached = limited_ ? rate_ : std::max(measured_rate_, static_cast<double>(counted_));
    if (!limited_) full_rate_ = std::max(reached, 1.0);
    limited_ = true;
    rate_ = std::max(1.0, reached * options_->decrease);
    grown_at_ = paused_until_;
    bucket_.change_rate(rate_, std::max(1.0, rate_ / 10));
  }
  [[nodiscard]] bool slowed(Instant now) const noexcept { return limited_ || now < paused_until_; }
  [[nodiscard]] double rate() const noexcept { return limited_ ? rate_ : 0; }
  [[nodiscard]] std::uint64_t complaints() const noexcept { return complaints_; }

 private:
  void grow(Instant now) noexcept {
    if (now - grown_at_ < std::chrono::milliseconds(100)) return;
    rate_ += full_rate_ * options_->increase_per_second * std::chrono::duration<double>(now - grown_at_).count();
    grown_at_ = now;
    limited_ = rate_ < full_rate_ * 1.1;
    bucket_.change_rate(rate_, std::max(1.0, rate_ / 10));
  }

  const config::Throttling* options_;
  Instant paused_until_{};
  Instant counted_from_{};
  Instant grown_at_{};
  Instant next_permit_{};
  std::uint64_t counted_ = 0;
  std::uint64_t complaints_ = 0;
  double measured_rate_ = 0;
  double full_rate_ = 0;
  double rate_ = 0;
  bool limited_ = false;
  TokenBucket bucket_{1, 1};
};

}  // namespace smppd::upstream
