#include "accounts/password_pool.h"

#include <algorithm>
#include <utility>

namespace smppd::accounts {

PasswordPool::PasswordPool(Options options) : options_(options) {
  for (unsigned i = 0; i < std::max(options_.threads, 1U); ++i) threads_.emplace_back([this] { work(); });
}

PasswordPool::~PasswordPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool PasswordPool::submit(std::uint32_t owner, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || jobs_.size() >= options_.queue) return false;
    std::size_t& mine = of_owner_[owner];
    if (mine >= options_.per_owner) return false;
    ++mine;
    jobs_.push_back({owner, std::move(job)});
  }
  wake_.notify_one();
  return true;
}

std::size_t PasswordPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void PasswordPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    Waiting next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    next.job();
    next.job = nullptr;
    lock.lock();
    const auto mine = of_owner_.find(next.owner);
    if (--mine->second == 0) of_owner_.erase(mine);
  }
}

}  // namespace smppd::accounts
