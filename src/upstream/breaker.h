// Keeps traffic away from a host that fails: after `threshold` failures in a row nothing is sent for `recovery_time`,
// then one request at a time until one succeeds. Sans-I/O, shard-local; it must be told of every success and failure.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace smppd::upstream {

class Breaker {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };

  Breaker() noexcept = default;
  Breaker(int threshold, Duration recovery_time) noexcept : threshold_(threshold), recovery_time_(recovery_time) {}

  // True when a request may be sent now. In half-open state only one at a time may: sent() takes the permit.
  [[nodiscard]] bool allows(Instant now) noexcept {
    if (state_ == State::kOpen && now >= open_until_) {
      state_ = State::kHalfOpen;
      probing_ = false;
    }
    return state_ == State::kClosed || (state_ == State::kHalfOpen && !probing_);
  }
  void sent() noexcept {
    if (state_ == State::kHalfOpen) probing_ = true;
  }
  // What sent() announced was not sent after all.
  void not_sent() noexcept { probing_ = false; }
  void succeeded() noexcept {
    state_ = State::kClosed;
    failures_ = 0;
    probing_ = false;
  }
  // True when this failure opened the breaker.
  bool failed(Instant now) noexcept {
    probing_ = false;
    if (threshold_ <= 0) return false;
    ++failures_;
    if (state_ == State::kClosed && failures_ < threshold_) return false;
    const bool opened = state_ != State::kOpen;
    state_ = State::kOpen;
    open_until_ = now + recovery_time_;
    return opened;
  }

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool closed() const noexcept { return state_ == State::kClosed; }
  [[nodiscard]] Instant open_until() const noexcept { return open_until_; }

 private:
  int threshold_ = 0;  // 0: never opens
  int failures_ = 0;
  Duration recovery_time_{};
  Instant open_until_{};
  State state_ = State::kClosed;
  bool probing_ = false;
};

}  // namespace smppd::upstream
