// The wall clock, read once a turn of the loop and only when it is asked for; and draws without an engine or a lock.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "runtime/event_loop.h"

namespace smppd::flow::internal {

class TurnClock {
 public:
  [[nodiscard]] WallTime now(const runtime::EventLoop& loop) noexcept {
    if (turn_ != loop.turns()) look(loop);
    return wall_;
  }

 private:
  [[gnu::noinline]] void look(const runtime::EventLoop& loop) noexcept {
    turn_ = loop.turns();
    wall_ = loop.wall_now();
  }

  WallTime wall_{};
  std::uint64_t turn_ = 0;
};

// The high half of a linear congruential generator (Knuth's MMIX).
class Draws {
 public:
  explicit Draws(std::uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] std::uint32_t next() noexcept {
    state_ = state_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<std::uint32_t>(state_ >> 32U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace smppd::flow::internal
