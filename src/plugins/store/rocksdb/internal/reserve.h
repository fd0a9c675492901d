// Room for the tables on a full disk: a file with blocks of its own that is cut shorter while they write, and grows
// again behind them. The journals need none of it: what they have room for is in their spares (segments.h), and what
// they release comes here when the spares are there.
//
// One who has room of the disk lent has it free for everybody: what others take meanwhile is gone, and what a death
// leaves free others may take. So loans are short and small, and half of the reserve may be gone before it matters.
// Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "store/disk.h"

namespace smppd::plugins::rocks_store {

class Reserve {
 public:
  Reserve(store::Disk& disk, std::string directory, std::uint64_t bytes);
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  // While it lives so much is free, as far as there is that much to give, and the reserve does not grow.
  class Loan {
   public:
    Loan(Reserve* reserve, std::uint64_t bytes) : reserve_(reserve) {  // null: nothing is lent
      if (reserve_ != nullptr) reserve_->lend(bytes);
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() {
      if (reserve_ != nullptr) reserve_->returned();
    }

   private:
    Reserve* reserve_;
  };
  // The same for one who cannot hold a Loan. What is not returned counts as returned some seconds later.
  void lend(std::uint64_t bytes);
  void returned();
  // Sees to it that so much is free, out of what is more than enough; false when that is not as much.
  [[nodiscard]] bool spare(std::uint64_t bytes);
  // The sentence that says what to free where a loan of so much would be less.
  [[nodiscard]] Fallible<void> could_lend(std::uint64_t bytes) const;
  // Takes what is missing, if the disk has it and nothing is lent.
  void refill();

  [[nodiscard]] bool whole() const noexcept { return held_.load() >= bytes_; }
  [[nodiscard]] bool enough() const noexcept { return held_.load() >= bytes_ / 2; }
  [[nodiscard]] std::uint64_t held() const noexcept { return held_.load(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::uint64_t free_bytes() const;
  [[nodiscard]] bool open_file();
  void grow();

  store::Disk& disk_;
  const std::string directory_;
  const std::uint64_t bytes_;
  std::mutex mutex_;
  std::unique_ptr<store::File> file_;          // guarded by mutex_; null: could not be made yet
  unsigned loans_ = 0;                         // guarded by mutex_
  std::atomic<std::uint64_t> held_{0};         // octets of the file; changes under mutex_
  std::atomic<Clock::duration> not_before_{};  // since the clock's epoch: of the next refill
};

}  // namespace smppd::plugins::rocks_store
