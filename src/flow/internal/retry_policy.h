// What to do with a stored message after an attempt, by the upstream's config::Retry. The numbers are the caller's, who
// keeps them in store::Progress. Pure functions, any thread, noexcept, no allocation, no clock.
//
// A status that is not in retryable_errors is final. ESME_RTHROTTLED says that the link is too fast and ESME_RMSGQFUL
// that a queue is full: neither is an attempt that counts, the second waits longer each time (interop row 32). A
// request that never left is no attempt either, whatever `enabled` says. No attempt is later than a second before the
// validity ends.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/storage.h"
#include "flow/internal/outcome.h"
#include "message/flight.h"
#include "store/transaction.h"

namespace smppd::flow {

// Progress::attempts.
struct Attempts {
  static constexpr std::uint16_t kMost = 1023;
  static constexpr std::uint16_t kMostPassedOver = 63;

  std::uint16_t counted = 0;      // of max_attempts
  std::uint16_t passed_over = 0;  // since the last that counted: queue full, or never sent

  [[nodiscard]] static constexpr Attempts unpack(std::uint16_t packed) noexcept {
    return {static_cast<std::uint16_t>(packed & kMost), static_cast<std::uint16_t>(packed >> 10U)};
  }
  [[nodiscard]] constexpr std::uint16_t pack() const noexcept {
    const auto low = counted < kMost ? counted : kMost;
    const auto high = passed_over < kMostPassedOver ? passed_over : kMostPassedOver;
    return static_cast<std::uint16_t>(low | high << 10U);
  }
  bool operator==(const Attempts&) const noexcept = default;
};

struct RetryInput {
  const config::Retry& policy;
  Attempts attempts;  // before this one
  store::Moment now;
  store::Moment expires;
  std::uint32_t random = 0;  // spreads the waits
};

struct NextStep {
  enum class Kind : std::uint8_t {
    kDone,   // the SMSC has it
    kRetry,  // again at `at`
    kHold,   // uncertain: wait until `at` for a late answer or a receipt, then after_hold()
    kDead,   // no more, for `reason`
  };
  Kind kind = Kind::kDone;
  EndReason reason = EndReason::kAccepted;
  bool elsewhere = false;  // kRetry: another host, or what the route fails over to, may take it at once
  Attempts attempts;       // to keep
  store::Moment at{};
};

[[nodiscard]] NextStep after_answer(const RetryInput& input, std::uint32_t command_status) noexcept;
[[nodiscard]] NextStep after_loss(const RetryInput& input, message::Loss loss) noexcept;
// No answer and no receipt came while it was held.
[[nodiscard]] NextStep after_hold(const RetryInput& input) noexcept;

}  // namespace smppd::flow
