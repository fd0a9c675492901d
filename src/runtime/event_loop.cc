#include "runtime/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

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
  read_ = 0;
  now_ = std::chrono::steady_clock::now();
  timers_.advance(now_);
  if (hook_ != nullptr) hook_->on_mail();
  dispatch(count);
  if (!ready_.empty()) run_ready();
  if (lined_up_) [[unlikely]]
    serve_lines();
  if (read_ >= kPiece || lined_up_) much_at_ = now_;
  if (has_posted_.load(std::memory_order_relaxed)) run_posted();
  if (hook_ != nullptr) hook_->on_turn_end();
  flush_dirty();
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
  if (!ready_.empty() || dirty_ != nullptr || lined_up_) wait = Duration::zero();
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

void EventLoop::read(Connection* connection) noexcept {
  if (connection == nullptr) return;
  connection->scheduled_ = false;
  connection->read_available();
}

void EventLoop::run_ready() noexcept {
  ready_now_.swap(ready_);
  // One that is read leaves no entry behind, for it may be gone when another is.
  for (Connection*& connection : ready_now_) read(std::exchange(connection, nullptr));
  ready_now_.clear();
}

// After what nobody in line has caused has left. Those in line get no less than all others took in this turn.
void EventLoop::serve_lines() noexcept {
  if (!heedful()) {
    serve_everyone();
    lined_up_ = !lines_empty();
    return;
  }
  if (dirty_ != nullptr) {
    if (hook_ != nullptr) hook_->on_turn_end();
    flush_dirty();
  }
  const std::size_t others = read_;
  std::size_t done = 0;
  serving_lines_ = true;
  do {
    done += std::max(serve_one(), kLeastWork);
    gather();
  } while (done < std::max(others, kTurn) && !lines_empty());
  if (hook_ != nullptr) hook_->on_turn_end();
  gather();
  serving_lines_ = false;
  lined_up_ = !lines_empty();
}

// A piece of each shared one, then what is due, then a piece of the next in line, or of several that bring less:
// answers go before requests, but not for ever. Returns how many octets that was.
std::size_t EventLoop::serve_one() noexcept {
  const std::size_t before = read_;
  if (shared_line_.round_over() && line_.empty() && due_.empty() && gathered_.empty()) shared_line_.begin_round();
  if (!shared_line_.round_over()) {
    read(shared_line_.take());
    return read_ - before;
  }
  if (due_.round_over()) due_.begin_round();
  if (!due_.round_over()) return flush_gathered(due_.take());
  if (line_.round_over()) line_.begin_round();
  if (!line_.round_over()) read(line_.take());
  line_read_ += read_ - before;
  if (line_.round_over()) release_gathered();
  if (line_.round_over() || line_read_ >= kTurn) {
    line_read_ = 0;
    shared_line_.begin_round();
  }
  return read_ - before;
}

void EventLoop::serve_everyone() noexcept {
  const auto read_it = [this](Connection* connection) { read(connection); };
  shared_line_.serve_all(read_it);
  line_.serve_all(read_it);
  release_gathered();
  due_.serve_all([this](Connection* connection) { flush_gathered(connection); });
}

std::size_t EventLoop::flush_gathered(Connection* connection) noexcept {
  if (connection == nullptr) return 0;
  const std::size_t bytes = connection->output_bytes_;
  connection->put_off_ = PutOff::kNo;
  connection->flush();
  return bytes;
}

// Whoever was written to counts as clean, so that it is noticed when somebody else writes to it, too.
void EventLoop::gather() noexcept {
  for (Connection* connection : touched_) {
    if (connection == nullptr) continue;
    connection->dirty_ = false;
    if (connection->put_off_ == PutOff::kNo) {
      connection->put_off_ = PutOff::kGathered;
      gathered_.push_back(connection);
    }
    if (connection->put_off_ == PutOff::kGathered && connection->output_bytes_ >= kGathered) {
      connection->put_off_ = PutOff::kDue;
      due_.add(*connection);
    }
  }
  touched_.clear();
}

void EventLoop::release_gathered() noexcept {
  for (Connection* connection : gathered_) {
    if (connection == nullptr || connection->put_off_ != PutOff::kGathered) continue;
    connection->put_off_ = PutOff::kDue;
    due_.add(*connection);
  }
  gathered_.clear();
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
  if (serving_lines_ && connection.patient()) {
    touched_.push_back(&connection);
    return;
  }
  connection.next_dirty_ = nullptr;
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
  if (connection.stands_in_line()) {
    (connection.shared_ ? shared_line_ : line_).add(connection);
    lined_up_ = true;
  } else {
    ready_.push_back(&connection);
  }
}

void EventLoop::unschedule(Connection& connection) noexcept {
  const auto leave = [&connection](std::vector<Connection*>& list) {
    std::replace(list.begin(), list.end(), &connection, static_cast<Connection*>(nullptr));
  };
  if (connection.scheduled_) {
    leave(ready_);
    leave(ready_now_);
    shared_line_.leave(connection);
    line_.leave(connection);
    connection.scheduled_ = false;
  }
  if (connection.put_off_ != PutOff::kNo) {
    leave(gathered_);
    due_.leave(connection);
    connection.put_off_ = PutOff::kNo;
  }
  if (!connection.dirty_) return;
  connection.dirty_ = false;
  leave(touched_);
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
