// Which parts of a journal still matter: how many live items and records begin in each 64 KiB of its positions.
#pragma once

#include <cstdint>
#include <deque>

namespace smppd::plugins::rocks_store {

class LiveMap {
 public:
  static constexpr unsigned kChunkBits = 16;
  static constexpr std::uint64_t kChunk = std::uint64_t{1} << kChunkBits;

  void add(std::uint64_t position, std::uint64_t bytes) {
    const std::uint64_t chunk = position >> kChunkBits;
    if (counts_.empty()) first_ = chunk;
    while (chunk < first_) {
      counts_.push_front(0);
      --first_;
    }
    while (chunk >= first_ + counts_.size()) counts_.push_back(0);
    ++counts_[chunk - first_];
    bytes_ += bytes;
  }
  void drop(std::uint64_t position, std::uint64_t bytes) noexcept {
    --counts_[(position >> kChunkBits) - first_];
    bytes_ -= bytes;
    while (!counts_.empty() && counts_.front() == 0) {
      counts_.pop_front();
      ++first_;
    }
  }
  // Nothing before it is alive; `end` when nothing is.
  [[nodiscard]] std::uint64_t low_water(std::uint64_t end) const noexcept {
    return counts_.empty() ? end : first_ << kChunkBits;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::deque<std::uint32_t> counts_;
  std::uint64_t first_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace smppd::plugins::rocks_store
