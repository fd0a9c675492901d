// Timers of one shard: a hierarchical wheel with 1 ms ticks. Arming, moving and cancelling are O(1) and allocate
// nothing; a Timer is embedded in its owner and must be cancelled (or destroyed) before the owner goes.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace smppd::runtime {

class TimerWheel;

class Timer {
 public:
  using Fire = void (*)(void* owner) noexcept;
  Timer(Fire fire, void* owner) noexcept : fire_(fire), owner_(owner) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }
  void cancel() noexcept;

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  TimerWheel* wheel_ = nullptr;
  std::uint64_t tick_ = 0;
  Fire fire_;
  void* owner_;
  std::uint8_t level_ = 0;
  std::uint8_t slot_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant start) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Fires at the first advance() at or after `at`, never before; re-arming moves it.
  void arm(Timer& timer, Instant at) noexcept;
  // Fires everything due. A timer may arm, cancel or destroy any timer, itself included.
  void advance(Instant now) noexcept;
  // When advance() has to be called next, at the latest; Instant::max() when nothing is armed.
  [[nodiscard]] Instant next_due() const noexcept;
  [[nodiscard]] std::size_t armed() const noexcept { return armed_; }

 private:
  friend class Timer;
  static constexpr unsigned kLevels = 4;
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1U << kSlotBits;
  struct Position {
    unsigned level;
    unsigned slot;
  };

  [[nodiscard]] std::uint64_t tick_of(Instant at) const noexcept;
  [[nodiscard]] std::uint64_t next_tick() const noexcept;
  [[nodiscard]] Position position_of(std::uint64_t tick) const noexcept;
  void insert(Timer& timer) noexcept;
  void unlink(Timer& timer) noexcept;
  void cascade(unsigned level) noexcept;
  void fire_slot(unsigned slot) noexcept;

  Instant start_;
  std::uint64_t current_ = 0;  // every tick <= current_ has fired
  std::size_t armed_ = 0;
  std::array<std::array<Timer*, kSlots>, kLevels> slots_{};
  std::array<std::uint64_t, kLevels> occupied_{};
};

}  // namespace smppd::runtime
