// The few threads on which slow password hashes are checked, so that no shard waits for them. One per process, created
// by the composition root, destroyed before what its callbacks refer to. Any thread may submit.
//
// Bounded: a job is refused when `queue` jobs wait, or when one owner has `per_owner` jobs waiting or running, so that
// guessing one client's password does not keep the others from binding.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace smppd::accounts {

class PasswordPool {
 public:
  struct Options {
    unsigned threads = 2;
    std::size_t queue = 1024;
    std::size_t per_owner = 16;
  };
  using Job = std::function<void()>;  // runs on a pool thread; must not throw

  explicit PasswordPool(Options options);
  PasswordPool(const PasswordPool&) = delete;
  PasswordPool& operator=(const PasswordPool&) = delete;
  ~PasswordPool();  // waits for the jobs that run; those that wait never run

  // False: busy.
  [[nodiscard]] bool submit(std::uint32_t owner, Job job);

  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Waiting {
    std::uint32_t owner = 0;
    Job job;
  };
  void work();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> jobs_;                                 // guarded by mutex_
  std::unordered_map<std::uint32_t, std::size_t> of_owner_;  // guarded by mutex_: waiting and running
  bool stop_ = false;                                        // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace smppd::accounts
