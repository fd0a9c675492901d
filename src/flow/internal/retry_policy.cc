#include "flow/internal/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace smppd::flow {
namespace {

using config::Millis;
using Kind = NextStep::Kind;

constexpr std::uint32_t kThrottled = static_cast<std::uint32_t>(smpp::CommandStatus::ESME_RTHROTTLED);
constexpr std::uint32_t kQueueFull = static_cast<std::uint32_t>(smpp::CommandStatus::ESME_RMSGQFUL);
constexpr std::uint32_t kSystemError = static_cast<std::uint32_t>(smpp::CommandStatus::ESME_RSYSERR);
constexpr std::uint32_t kTemporary = static_cast<std::uint32_t>(smpp::CommandStatus::ESME_RX_T_APPN);

constexpr std::chrono::seconds kLastCall{1};  // before the end of the validity

Attempts one_more(Attempts attempts) noexcept {
  return {static_cast<std::uint16_t>(std::min<unsigned>(attempts.counted + 1U, Attempts::kMost)), 0};
}

Attempts one_passed_over(Attempts attempts) noexcept {
  attempts.passed_over =
      static_cast<std::uint16_t>(std::min<unsigned>(attempts.passed_over + 1U, Attempts::kMostPassedOver));
  return attempts;
}

NextStep dead(EndReason reason, Attempts attempts) noexcept {
  NextStep next;
  next.kind = Kind::kDead;
  next.reason = reason;
  next.attempts = attempts;
  return next;
}

// The share of the wait that is random goes off it, so that max_delay holds.
Millis spread(const RetryInput& input, double wait) noexcept {
  constexpr double kWords = 4294967296.0;
  const double off = input.policy.jitter * (static_cast<double>(input.random) / kWords);
  return Millis(std::llround(wait * (1 - off)));
}

// The wait after the nth refusal, from 1.
Millis backoff(const RetryInput& input, unsigned nth) noexcept {
  const config::Retry& policy = input.policy;
  auto wait = static_cast<double>(policy.delay.count());
  switch (policy.backoff) {
    case config::Backoff::kFixed: break;
    case config::Backoff::kLinear: wait *= nth; break;
    case config::Backoff::kExponential: wait *= std::pow(policy.backoff_factor, nth - 1); break;
  }
  return spread(input, std::min(wait, static_cast<double>(policy.max_delay.count())));
}

NextStep retry(const RetryInput& input, Millis wait, Attempts attempts) noexcept {
  if (input.now + kLastCall >= input.expires) return dead(EndReason::kExpired, attempts);
  NextStep next;
  next.kind = Kind::kRetry;
  next.attempts = attempts;
  next.at = std::min<store::Moment>(input.now + wait, input.expires - kLastCall);
  return next;
}

NextStep retry_counted(const RetryInput& input, EndReason when_used_up) noexcept {
  const Attempts attempts = one_more(input.attempts);
  if (input.policy.max_attempts != 0 && attempts.counted >= input.policy.max_attempts) {
    return dead(when_used_up, attempts);
  }
  return retry(input, backoff(input, attempts.counted), attempts);
}

}  // namespace

NextStep after_answer(const RetryInput& input, std::uint32_t command_status) noexcept {
  if (command_status == 0) {
    NextStep done;
    done.attempts = one_more(input.attempts);
    return done;
  }
  const auto& retryable = input.policy.retryable_errors;
  const bool again = input.policy.enabled && std::ranges::find(retryable, command_status) != retryable.end();
  if (again && command_status == kThrottled) {
    return retry(input, spread(input, static_cast<double>(input.policy.throttled_pause.count())), input.attempts);
  }
  if (again && command_status == kQueueFull) {
    const Attempts attempts = one_passed_over(input.attempts);
    return retry(input, backoff(input, attempts.passed_over), attempts);
  }
  NextStep next =
      again ? retry_counted(input, EndReason::kGaveUp) : dead(EndReason::kRefused, one_more(input.attempts));
  next.elsewhere = next.kind == Kind::kRetry && (command_status == kSystemError || command_status == kTemporary);
  return next;
}

NextStep after_loss(const RetryInput& input, message::Loss loss) noexcept {
  if (!message::is_uncertain(loss)) {
    const Attempts attempts = one_passed_over(input.attempts);
    NextStep next = retry(input, backoff(input, attempts.passed_over), attempts);
    next.elsewhere = next.kind == Kind::kRetry;
    return next;
  }
  switch (input.policy.uncertain) {
    case config::Uncertain::kFail: break;
    case config::Uncertain::kHold: {
      NextStep next;
      next.kind = Kind::kHold;
      next.attempts = input.attempts;
      next.at = std::max(input.now, std::min<store::Moment>(input.now + input.policy.uncertain_wait, input.expires));
      return next;
    }
    case config::Uncertain::kResend:
      if (input.policy.enabled) return retry_counted(input, EndReason::kUncertain);
      break;
  }
  return dead(EndReason::kUncertain, one_more(input.attempts));
}

NextStep after_hold(const RetryInput& input) noexcept {
  if (!input.policy.enabled || input.policy.after_hold != config::Uncertain::kResend) {
    return dead(EndReason::kUncertain, one_more(input.attempts));
  }
  NextStep next = retry_counted(input, EndReason::kUncertain);
  if (next.kind == Kind::kRetry) next.at = input.now;  // it has waited already
  if (next.kind == Kind::kDead) next.reason = EndReason::kUncertain;
  return next;
}

}  // namespace smppd::flow
