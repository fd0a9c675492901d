#include "runtime/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace smppd::runtime {

namespace {
constexpr Duration kTick = std::chrono::milliseconds(1);
}

void Timer::cancel() noexcept {
  if (armed()) wheel_->unlink(*this);
}

TimerWheel::TimerWheel(Instant start) noexcept : start_(start) {}

std::uint64_t TimerWheel::tick_of(Instant at) const noexcept {
  if (at <= start_) return 0;
  return static_cast<std::uint64_t>((at - start_ + kTick - Duration(1)) / kTick);
}

// Level L holds the ticks less than 64^(L+1) away; what is further off than the last level reaches is put at its end
// and placed anew when it cascades.
TimerWheel::Position TimerWheel::position_of(std::uint64_t tick) const noexcept {
  constexpr std::uint64_t kReach = std::uint64_t{1} << (kSlotBits * kLevels);
  const std::uint64_t distance = std::min(tick - current_, kReach - 1);
  const std::uint64_t at = current_ + distance;
  unsigned level = 0;
  while (distance >> (kSlotBits * (level + 1)) != 0) ++level;
  return {level, static_cast<unsigned>((at >> (kSlotBits * level)) & (kSlots - 1))};
}

void TimerWheel::insert(Timer& timer) noexcept {
  const Position at = position_of(timer.tick_);
  timer.level_ = static_cast<std::uint8_t>(at.level);
  timer.slot_ = static_cast<std::uint8_t>(at.slot);
  Timer*& head = slots_[at.level][at.slot];
  if (head == nullptr) {
    timer.next_ = timer.previous_ = &timer;
    head = &timer;
    occupied_[at.level] |= std::uint64_t{1} << at.slot;
  } else {
    timer.next_ = head;
    timer.previous_ = head->previous_;
    head->previous_->next_ = &timer;
    head->previous_ = &timer;
  }
  ++armed_;
}

void TimerWheel::unlink(Timer& timer) noexcept {
  Timer*& head = slots_[timer.level_][timer.slot_];
  if (timer.next_ == &timer) {
    head = nullptr;
    occupied_[timer.level_] &= ~(std::uint64_t{1} << timer.slot_);
  } else {
    if (head == &timer) head = timer.next_;
    timer.next_->previous_ = timer.previous_;
    timer.previous_->next_ = timer.next_;
  }
  timer.next_ = timer.previous_ = nullptr;
  --armed_;
}

void TimerWheel::arm(Timer& timer, Instant at) noexcept {
  timer.cancel();
  timer.wheel_ = this;
  timer.tick_ = std::max(tick_of(at), current_ + 1);
  insert(timer);
}

void TimerWheel::cascade(unsigned level) noexcept {
  const unsigned slot = static_cast<unsigned>((current_ >> (kSlotBits * level)) & (kSlots - 1));
  Timer* head = slots_[level][slot];
  if (head == nullptr) return;
  slots_[level][slot] = nullptr;
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  head->previous_->next_ = nullptr;
  for (Timer* timer = head; timer != nullptr;) {
    Timer* next = timer->next_;
    --armed_;
    insert(*timer);
    timer = next;
  }
}

void TimerWheel::fire_slot(unsigned slot) noexcept {
  while (Timer* timer = slots_[0][slot]) {
    if (timer->tick_ > current_) break;
    unlink(*timer);
    timer->fire_(timer->owner_);
  }
}

// The next tick at which a slot is to be fired or cascaded.
std::uint64_t TimerWheel::next_tick() const noexcept {
  std::uint64_t earliest = UINT64_MAX;
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const unsigned shift = kSlotBits * level;
    const std::uint64_t group = current_ >> shift;
    const auto position = static_cast<int>(group & (kSlots - 1));
    const auto distance = static_cast<unsigned>(std::countr_zero(std::rotr(occupied_[level], position + 1))) + 1;
    earliest = std::min(earliest, (group + distance) << shift);
  }
  return earliest;
}

void TimerWheel::advance(Instant now) noexcept {
  if (now <= start_) return;
  const std::uint64_t target = static_cast<std::uint64_t>((now - start_) / kTick);
  while (current_ < target) {
    current_ = std::min(next_tick(), target);
    for (unsigned level = kLevels - 1; level >= 1; --level) {
      if ((current_ & ((std::uint64_t{1} << (kSlotBits * level)) - 1)) == 0) cascade(level);
    }
    fire_slot(static_cast<unsigned>(current_ & (kSlots - 1)));
  }
}

Instant TimerWheel::next_due() const noexcept {
  if (armed_ == 0) return Instant::max();
  return start_ + kTick * static_cast<Duration::rep>(next_tick());
}

}  // namespace smppd::runtime
