#include "smppload/pacer.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace smppd::load {

Schedule::Schedule(double rate, Duration tick, std::int64_t start) noexcept : rate_(rate), start_(start), next_(start) {
  step_ = std::max<std::int64_t>({tick.count(), static_cast<std::int64_t>(1e9 / rate), 1});
}

// The first message is due at the start; after t seconds there have been 1 + floor(t * rate).
void Schedule::advance(std::int64_t now) {
  while (next_ <= now) {
    const double seconds = static_cast<double>(next_ - start_) * 1e-9;
    const auto due = static_cast<std::uint64_t>(seconds * rate_ + 1e-6) + 1;
    if (due > scheduled_) {
      ticks_.push_back({next_, due - scheduled_});
      backlog_ += due - scheduled_;
      scheduled_ = due;
    }
    next_ += step_;
  }
}

Schedule::Due Schedule::take(unsigned wanted) noexcept {
  if (ticks_.empty() || wanted == 0) return {};
  Tick& tick = ticks_.front();
  const auto messages = static_cast<unsigned>(std::min<std::uint64_t>(wanted, tick.messages));
  const Due due{messages, tick.at};
  tick.messages -= messages;
  backlog_ -= messages;
  if (tick.messages == 0) ticks_.pop_front();
  return due;
}

PreciseTimer::PreciseTimer(runtime::EventLoop& loop, Fire fire, void* owner) : loop_(loop), fire_(fire), owner_(owner) {
  fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd_ < 0 || !loop_.add(fd_, *this)) {
    throw std::system_error(errno, std::generic_category(), "cannot create a timer");
  }
}

PreciseTimer::~PreciseTimer() {
  loop_.remove(fd_, *this);
  ::close(fd_);
}

void PreciseTimer::arm(std::int64_t at) noexcept {
  itimerspec spec{};
  at = std::max<std::int64_t>(at, 1);
  spec.it_value.tv_sec = at / 1'000'000'000;
  spec.it_value.tv_nsec = at % 1'000'000'000;
  timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

void PreciseTimer::on_events(std::uint32_t events) noexcept {
  if ((events & EPOLLIN) == 0) return;
  std::uint64_t expirations = 0;
  if (::read(fd_, &expirations, sizeof expirations) == sizeof expirations) fire_(owner_);
}

}  // namespace smppd::load
