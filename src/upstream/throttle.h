// Keeps a link at the rate its SMSC takes, as ESME_RTHROTTLED and ESME_RMSGQFUL tell it. What counts is the share of
// such answers, not a single one: one refusal in a hundred that comes whatever the rate is must cost no more than
// itself.
//
// - The SMSC refuses about everything: nothing is sent for `pause`.
// - It refuses more than chance explains: the link goes on at `decrease` of what was taken in the last second, comes
// back
//   to that steadily, stays there, and asks for more from time to time, more seldom each time the SMSC says no.
// - Lowering the rate did not help: then that share of refusals has another reason. It is remembered and put up with.
// Sans-I/O, shard-local. Interop row 32.
#pragma once

#include <algorithm>
#include <cstddef>
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
  // No permit is asked for.
  [[nodiscard]] bool idle(Instant now) const noexcept { return !limited_ && now >= paused_until_; }
  // Takes the permit for one request.
  [[nodiscard]] bool take(Instant now) noexcept {
    if (now < paused_until_) return false;
    if (!limited_) return true;
    grow(now);
    if (!limited_ || bucket_.take(now)) return true;
    next_permit_ = bucket_.next_permit(now);
    hindered_ = true;
    return false;
  }
  // How many take() would grant, asked by somebody who has something to send.
  [[nodiscard]] std::size_t permits(Instant now) noexcept {
    if (now < paused_until_) return 0;
    if (!limited_) return SIZE_MAX;
    grow(now);
    const std::size_t there = limited_ ? bucket_.available(now) : SIZE_MAX;
    if (there == 0) {
      next_permit_ = bucket_.next_permit(now);
      hindered_ = true;
    }
    return there;
  }
  // The SMSC has answered a request; `busy` when with one of the two, `in_flight` others are unanswered.
  void answered(Instant now, bool busy, std::uint32_t in_flight) noexcept {
    if (now - epoch_.from >= kEpoch) end_epoch(now);
    if (busy) {
      refused(now, in_flight);
      return;
    }
    row_ = 0;
    shut_ = false;
    if (stale_ > 0) {
      --stale_;
    } else {
      ++epoch_.taken;
    }
  }
  [[nodiscard]] bool slowed(Instant now) const noexcept { return limited_ || now < paused_until_; }
  [[nodiscard]] double rate() const noexcept { return limited_ ? rate_ : 0; }
  [[nodiscard]] double tolerated_share() const noexcept { return noise_; }
  [[nodiscard]] std::uint64_t reactions() const noexcept { return reactions_; }

 private:
  static constexpr Duration kEpoch = std::chrono::seconds(1);  // carriers count by the second
  struct Epoch {
    Instant from{};
    std::uint32_t taken = 0, refused = 0;
    [[nodiscard]] std::uint32_t all() const noexcept { return taken + refused; }
    [[nodiscard]] double share() const noexcept { return static_cast<double>(refused) / all(); }
  };

  void refused(Instant now, std::uint32_t in_flight) noexcept;
  void shut(Instant now, std::uint32_t in_flight) noexcept;
  [[nodiscard]] double taken_lately(Instant now) const noexcept;
  void end_epoch(Instant now) noexcept;
  void judge(Instant now, double taken_a_second) noexcept;
  [[nodiscard]] bool more_than_chance() const noexcept;
  [[nodiscard]] bool lowering_was_no_help() noexcept;
  void lower(Instant now, double reached) noexcept;
  void end_probe(Instant now) noexcept;
  void grow(Instant now) noexcept;
  void pace(double rate) noexcept;

  const config::Throttling* options_;
  Instant paused_until_{};
  Instant next_permit_{};
  Instant grown_at_{};
  Instant shut_at_{};      // when about everything was refused, last
  Instant hold_until_{};   // at the ceiling, before more is tried
  Instant hindered_at_{};  // when there was last more to send than the rate allows
  Duration patience_ = kEpoch;
  Epoch epoch_, last_epoch_;  // answers to what was sent since the last reaction
  std::uint32_t stale_ = 0;   // answers still to come to what was sent before it
  std::uint32_t row_ = 0;     // refusals without anything taken in between
  std::uint64_t reactions_ = 0;
  double last_taken_ = -1;  // a second, in the epoch before this one; unknown if negative
  double rate_ = 0;
  double epoch_rate_ = 0;  // as the epoch began
  double ceiling_ = 0;     // what the SMSC takes, as far as it is known
  double step_ = 0;        // of a probe beyond the ceiling; 0: none
  double noise_ = 0;       // share of refusals that no lower rate cures
  struct Before {
    double rate = 0, ceiling = 0, share = 0;
    bool limited = false;
  } before_;               // the rate was lowered
  bool checking_ = false;  // whether that helps
  bool warned_ = false;    // paused once, in this epoch
  bool shut_ = false;      // nothing was taken since the last reaction
  bool limited_ = false;
  bool hindered_ = false;
  TokenBucket bucket_{1, 1};
};

}  // namespace smppd::upstream
