#include "upstream/throttle.h"

#include <cmath>

namespace smppd::upstream {

namespace {

constexpr double kAlwaysTolerated = 0.02;
constexpr double kClean = 0.002;     // share of refusals that says nothing against more
constexpr double kMostNoise = 0.25;  // an SMSC that refuses more whatever the rate is had better be left alone
constexpr double kSmoothing = 0.3;
constexpr double kBelowCeiling = 0.97;
constexpr double kSlowest = 1.0;
constexpr double kBurst = 0.02;  // of a second: as long as a tick of the group
constexpr std::uint32_t kRow = 8;
constexpr std::uint32_t kEnough = 20;  // answers in an epoch
constexpr std::uint32_t kEnoughForNoise = 40;
constexpr std::uint32_t kEnoughToCompare = 4;
constexpr Duration kGrowEvery = std::chrono::milliseconds(100);
constexpr Duration kLongestEpoch = std::chrono::seconds(3);
constexpr Duration kLongestPatience = std::chrono::seconds(32);
constexpr Duration kForgetAfter = std::chrono::seconds(60);

double seconds(Duration duration) noexcept { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void Throttle::refused(Instant now, std::uint32_t in_flight) noexcept {
  ++row_;
  if (!options_->adaptive) {
    if (now < paused_until_) return;  // an answer to what was sent before the pause
    paused_until_ = now + options_->pause;
    ++reactions_;
    return;
  }
  if (stale_ > 0) {
    --stale_;
    return;
  }
  ++epoch_.refused;
  const std::uint32_t burst = limited_ ? static_cast<std::uint32_t>(rate_ * kBurst) : 0;
  const std::uint32_t refusals = epoch_.refused + last_epoch_.refused;
  const bool most = 2 * refusals >= epoch_.all() + last_epoch_.all() && (!warned_ || refusals >= 4);
  if (row_ >= kRow + burst || (most && !limited_)) shut(now, in_flight);
}

// About everything is refused: no use to go on, and no time to wait for the end of an epoch.
void Throttle::shut(Instant now, std::uint32_t in_flight) noexcept {
  ++reactions_;
  const bool again = shut_;                 // a pause without anything taken before it: nothing new
  const bool once = row_ == 1 && !warned_;  // one refusal says nothing about a rate
  paused_until_ = now + options_->pause;
  if (!again && !once) {
    if (step_ > 0) {
      end_probe(now);
    } else {
      const bool surprised = limited_;  // by a rate that was thought to be right
      const double reached = taken_lately(now);
      lower(now, limited_ ? std::clamp(reached, rate_ / 2, rate_) : reached);
      if (surprised) ceiling_ = rate_;
    }
    checking_ = false;
  }
  warned_ = true;
  shut_ = !once;
  shut_at_ = now;
  grown_at_ = paused_until_;
  last_epoch_ = epoch_;
  epoch_ = {paused_until_, 0, 0};
  last_taken_ = -1;
  epoch_rate_ = rate_;
  stale_ = in_flight;
}

// In the last second, or as much as is known of it, made a second.
double Throttle::taken_lately(Instant now) const noexcept {
  const double elapsed = std::min(1.0, seconds(now - epoch_.from));
  if (last_taken_ < 0) {
    // With the pause before: an SMSC that counts by the second gave it all at once.
    if (shut_at_ != Instant{}) return epoch_.taken / seconds(now - shut_at_);
    return epoch_.taken / std::max(elapsed, 0.1);
  }
  return epoch_.taken + last_taken_ * (1 - elapsed);
}

void Throttle::end_epoch(Instant now) noexcept {
  const Duration length = now - epoch_.from;
  const bool enough = epoch_.all() >= kEnough || length >= kLongestEpoch;
  if (!enough) return;
  if (epoch_.from != Instant{}) last_taken_ = epoch_.taken / seconds(length);
  if (epoch_.all() > 0) judge(now, last_taken_);
  warned_ = false;
  last_epoch_ = epoch_;
  epoch_ = {now, 0, 0};
  epoch_rate_ = rate_;
}

void Throttle::judge(Instant now, double taken_a_second) noexcept {
  const bool helped = !lowering_was_no_help();
  checking_ = false;
  if (!helped) return;
  const bool bad = more_than_chance();
  if (!bad && limited_ && epoch_.all() >= kEnoughForNoise && epoch_rate_ < ceiling_ * kBelowCeiling) {
    // What is refused below the ceiling is refused for another reason.
    noise_ += kSmoothing * (std::min(epoch_.share(), kMostNoise) - noise_);
  }
  const bool clean = epoch_.refused <= 1 + epoch_.all() * (kClean + 1.5 * noise_);
  if (step_ > 0) {
    if (bad || !clean) {
      end_probe(now);
    } else {
      ceiling_ = rate_;  // it takes that
    }
  } else if (bad) {
    ++reactions_;
    lower(now, taken_a_second);
  } else if (!clean && limited_ && epoch_rate_ >= ceiling_ * kBelowCeiling) {
    ceiling_ *= kBelowCeiling;
    pace(std::max(ceiling_ * options_->decrease, kSlowest));
    grown_at_ = now;
  }
}

// More refusals than what is put up with and three standard deviations explain.
bool Throttle::more_than_chance() const noexcept {
  const double expected = epoch_.all() * (kAlwaysTolerated + 1.5 * noise_);
  return epoch_.refused > expected + 3 * std::sqrt(expected) + 1;
}

bool Throttle::lowering_was_no_help() noexcept {
  const double share = epoch_.share();
  if (!checking_ || epoch_.refused < kEnoughToCompare || share > kMostNoise || share < before_.share / 2) return false;
  noise_ = std::max(noise_, share);
  limited_ = before_.limited;
  ceiling_ = before_.ceiling;
  pace(before_.rate);
  return true;
}

void Throttle::lower(Instant now, double reached) noexcept {
  before_ = {rate_, ceiling_, epoch_.share(), limited_};
  checking_ = limited_ = true;
  pace(std::max(reached * options_->decrease, kSlowest));
  ceiling_ = std::max(reached * kBelowCeiling, rate_);
  patience_ = kEpoch;
  grown_at_ = hindered_at_ = now;
  hold_until_ = now + patience_;
}

// Back to what it is known to take. The nearer that is to the truth the longer nothing else is tried.
void Throttle::end_probe(Instant now) noexcept {
  ++reactions_;
  const bool near = step_ <= options_->increase_per_second / 2;
  patience_ = near ? std::min<Duration>(2 * patience_, kLongestPatience) : kEpoch;
  step_ = 0;
  pace(std::max(ceiling_ * options_->decrease, kSlowest));
  grown_at_ = now;
  hold_until_ = now + patience_;
}

void Throttle::grow(Instant now) noexcept {
  const Duration since = now - grown_at_;
  if (since < kGrowEvery) return;
  grown_at_ = now;
  if (hindered_) hindered_at_ = now;
  if (rate_ < ceiling_) {
    pace(std::min(ceiling_, rate_ + ceiling_ * options_->increase_per_second * seconds(since)));
  } else if (now - hindered_at_ >= kForgetAfter) {
    limited_ = false;
    noise_ = step_ = 0;
  } else if (hindered_ && now >= hold_until_ && rate_ <= ceiling_) {
    step_ = step_ == 0 ? options_->increase_per_second / 2 : std::min(2 * step_, 1.0);
    pace(std::max(rate_ * (1 + step_), rate_ + kSlowest));
    epoch_ = {now, 0, 0};  // of the probe
    stale_ = 0;
  }
  hindered_ = false;
}

void Throttle::pace(double rate) noexcept {
  rate_ = rate;
  bucket_.change_rate(rate_, std::max(1.0, rate_ * kBurst));
}

}  // namespace smppd::upstream
