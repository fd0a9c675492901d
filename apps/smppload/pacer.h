// Open-loop schedule of one worker: when messages are due, whether or not anybody has room for them. A message's
// intended time is the tick it belongs to, so waiting behind a slow peer counts as latency.
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.h"
#include "runtime/event_loop.h"

namespace smppd::load {

// The arithmetic, without a clock.
class Schedule {
 public:
  Schedule() = default;
  // `rate` messages a second in steps of `tick`, or of one message where that is longer.
  Schedule(double rate, Duration tick, std::int64_t start) noexcept;

  // Moves every tick up to `now` into the backlog.
  void advance(std::int64_t now);
  // When the next tick is.
  [[nodiscard]] std::int64_t next() const noexcept { return next_; }
  [[nodiscard]] std::uint64_t backlog() const noexcept { return backlog_; }

  struct Due {
    unsigned messages = 0;
    std::int64_t intended = 0;
  };
  // Up to `wanted` messages of the oldest tick in the backlog.
  Due take(unsigned wanted) noexcept;

 private:
  struct Tick {
    std::int64_t at;
    std::uint64_t messages;
  };
  double rate_ = 0;
  std::int64_t start_ = 0;
  std::int64_t next_ = 0;
  std::int64_t step_ = 1;
  std::uint64_t scheduled_ = 0;
  std::uint64_t backlog_ = 0;
  std::deque<Tick> ticks_;
};

// Wakes the loop with the microseconds that its timer wheel lacks.
class PreciseTimer final : public runtime::FdHandler {
 public:
  using Fire = void (*)(void* owner) noexcept;
  PreciseTimer(runtime::EventLoop& loop, Fire fire, void* owner);
  PreciseTimer(const PreciseTimer&) = delete;
  PreciseTimer& operator=(const PreciseTimer&) = delete;
  ~PreciseTimer();
  void arm(std::int64_t at) noexcept;  // monotonic nanoseconds
  void on_events(std::uint32_t events) noexcept override;

 private:
  runtime::EventLoop& loop_;
  Fire fire_;
  void* owner_;
  int fd_ = -1;
};

}  // namespace smppd::load
