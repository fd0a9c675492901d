#include "runtime/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/connection.h"

namespace smppd::runtime {

struct EventLoop::Events {
  epoll_event list[kMaxEvents];
  int count = 0;
};

EventLoop::EventLoop()
    : now_(std::chrono::steady_clock::now()),
      timers_(now_),
      read_buffer_(new std::uint8_t[kMaxPartial + kReadBuffer]),
      events_(std::make_unique<Events>()) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_fd_ < 0)
    throw std::system_error(errno, std::generic_category(), "cannot create an event loop");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot watch the loop's own wake-up");
  }
}

EventLoop::~EventLoop() {
  retired_.clear();
  ::close(wake_fd_);
  ::close(epoll_);
}

WallTime EventLoop::wall_now() const noexcept { return std::chrono::system_clock::now(); }

void EventLoop::run() {
  while (!stopped_.load(std::memory_order_relaxed)) turn(std::chrono::hours(1));
}

void EventLoop::run_once(Duration wait) { turn(wait); }

void EventLoop::stop() noexcept {
  stopped_.store(true, std::memory_order_seq_cst);
  wake();
}

bool EventLoop::add(int fd, FdHandler& handler) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::remove(int fd, FdHandler& handler) noexcept {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  // Events of this turn that were not dispatched yet must not reach a handler that is gone.
  for (int i = 0; i < events_->count; ++i) {
    if (events_->list[i].data.ptr == &handler) events_->list[i].events = 0;
  }
}

void EventLoop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
    has_posted_.store(true, std::memory_order_seq_cst);
  }
  wake();
}

void EventLoop::wake() noexcept {
  if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

void EventLoop::turn(Duration longest_wait) {
  const int count = wait_for_events(longest_wait);
  ++turns_;
  now_ = std::chrono::steady_clock::now();
  timers_.advance(now_);
  if (hook_ != nullptr) hook_->on_mail();
  dispatch(count);
  if (!ready_.empty()) run_ready();
  bool gather = false;
  if (!line_.now.empty()) [[unlikely]] {
    read_piece();
    gather = !line_.over();
  }
  if (has_posted_.load(std::memory_order_relaxed)) run_posted();
  if (hook_ != nullptr) hook_->on_turn_end();
  if (!gather || hurry_) flush_dirty();
  if (hook_ != nullptr) hook_->on_turn_end();  // what closing connections gave rise to
  if (!retired_.empty()) retired_.clear();
}

// Somebody who saw the loop awake left something for it.
bool EventLoop::called() const noexcept {
  return has_posted_.load(std::memory_order_seq_cst) || stopped_.load(std::memory_order_seq_cst) ||
         (hook_ != nullptr && hook_->has_mail());
}

int EventLoop::poll_busily(Duration wait) noexcept {
  const Instant until = std::chrono::steady_clock::now() + std::min(wait, busy_poll_);
  do {
    const int count = epoll_wait(epoll_, events_->list, kMaxEvents, 0);
    if (count > 0 || called()) return std::max(count, 0);
    std::this_thread::yield();  // to whom else this core is wanted by
  } while (std::chrono::steady_clock::now() < until);
  return -1;
}

int EventLoop::wait_for_events(Duration longest_wait) noexcept {
  Duration wait = longest_wait;
  if (!ready_.empty() || dirty_ != nullptr || !line_.now.empty()) wait = Duration::zero();
  const Instant due = timers_.next_due();
  if (wait > Duration::zero() && due != Instant::max()) {
    wait = std::clamp(due - std::chrono::steady_clock::now(), Duration::zero(), wait);
  }
  if (wait > Duration::zero() && busy_poll_ > Duration::zero()) [[unlikely]] {
    if (const int count = poll_busily(wait); count >= 0) return count;
    if (wait <= busy_poll_) return 0;
    wait -= busy_poll_;
  }
  int milliseconds = 0;
  if (wait > Duration::zero()) {
    milliseconds = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
    sleeping_.store(true, std::memory_order_seq_cst);
    if (called()) milliseconds = 0;
  }
  const int count = epoll_wait(epoll_, events_->list, kMaxEvents, milliseconds);
  sleeping_.store(false, std::memory_order_relaxed);
  return std::max(count, 0);
}

void EventLoop::dispatch(int count) noexcept {
  events_->count = count;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_->list[i];
    if (event.events == 0) continue;
    if (event.data.ptr == nullptr) {
      std::uint64_t value = 0;
      [[maybe_unused]] const auto got = ::read(wake_fd_, &value, sizeof value);
      continue;
    }
    static_cast<FdHandler*>(event.data.ptr)->on_events(event.events);
  }
  events_->count = 0;
}

void EventLoop::read(Connection*& entry) noexcept {
  if (entry == nullptr) return;
  Connection& connection = *entry;
  entry = nullptr;
  connection.scheduled_ = false;
  connection.read_available();
}

void EventLoop::run_ready() noexcept {
  ready_now_.swap(ready_);
  for (Connection*& connection : ready_now_) read(connection);
  ready_now_.clear();
}

// The next in line, after what nobody in line has caused has left; all of them once the loop need not be heedful.
// A round begins with all who have come, and there is a line only where `now` is not empty.
void EventLoop::read_piece() noexcept {
  if (hurry_) {
    if (hook_ != nullptr) hook_->on_turn_end();
    flush_dirty();
  }
  if (line_.over()) {
    line_.now.clear();
    line_.at = 0;
  }
  if (line_.at == 0) {
    line_.now.insert(line_.now.end(), line_.next.begin(), line_.next.end());
    line_.next.clear();
  }
  do read(line_.now[line_.at++]);
  while (!line_.over() && !heedful());
  if (!line_.empty()) return;
  line_.now.clear();
  line_.at = 0;
}

void EventLoop::run_posted() {
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
  }
  for (auto& item : work) item();
}

void EventLoop::flush_dirty() noexcept {
  hurry_ = false;
  while (dirty_ != nullptr) {
    Connection* connection = dirty_;
    dirty_ = connection->next_dirty_;
    if (dirty_ == nullptr) dirty_tail_ = nullptr;
    connection->next_dirty_ = nullptr;
    connection->dirty_ = false;
    connection->flush();
  }
}

void EventLoop::schedule_flush(Connection& connection) noexcept {
  if (connection.dirty_) return;
  connection.dirty_ = true;
  connection.next_dirty_ = nullptr;
  if (!connection.heavy_ && !connection.shared_) hurry_ = true;
  if (dirty_tail_ == nullptr) {
    dirty_ = &connection;
  } else {
    dirty_tail_->next_dirty_ = &connection;
  }
  dirty_tail_ = &connection;
}

void EventLoop::schedule_read(Connection& connection) noexcept {
  if (connection.scheduled_) return;
  connection.scheduled_ = true;
  if (connection.heavy_ && heedful()) {
    (line_.now.empty() ? line_.now : line_.next).push_back(&connection);
  } else {
    ready_.push_back(&connection);
  }
}

void EventLoop::unschedule(Connection& connection) noexcept {
  if (connection.scheduled_) {
    for (auto* list : {&ready_, &ready_now_, &line_.now, &line_.next}) {
      std::replace(list->begin(), list->end(), &connection, static_cast<Connection*>(nullptr));
    }
    connection.scheduled_ = false;
  }
  if (!connection.dirty_) return;
  connection.dirty_ = false;
  Connection* before = nullptr;
  for (Connection* at = dirty_; at != nullptr; before = at, at = at->next_dirty_) {
    if (at != &connection) continue;
    (before == nullptr ? dirty_ : before->next_dirty_) = at->next_dirty_;
    if (dirty_tail_ == at) dirty_tail_ = before;
    break;
  }
}

bool EventLoop::take_handshake() noexcept {
  constexpr unsigned kHandshakesInATurn = 4;  // a signature takes the better part of a millisecond
  if (handshake_turn_ != turns_) {
    handshake_turn_ = turns_;
    handshakes_ = 0;
  }
  if (handshakes_ >= kHandshakesInATurn) return false;
  ++handshakes_;
  return true;
}

void EventLoop::retire(std::shared_ptr<void> object) { retired_.push_back(std::move(object)); }

}  // namespace smppd::runtime
