// Which parts of a journal still matter: how many live items and records begin in each 64 KiB of its positions, and how
// long they are. A record with several of them counts for each.
#pragma once

#include <algorithm>
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
      counts_.emplace_front();
      --first_;
    }
    while (chunk >= first_ + counts_.size()) counts_.emplace_back();
    Count& at = counts_[chunk - first_];
    ++at.items;
    at.bytes += bytes;
    bytes_ += bytes;
  }
  void drop(std::uint64_t position, std::uint64_t bytes) noexcept {
    Count& at = counts_[(position >> kChunkBits) - first_];
    --at.items;
    at.bytes -= bytes;
    bytes_ -= bytes;
    while (!counts_.empty() && counts_.front().items == 0) {
      counts_.pop_front();
      ++first_;
    }
  }
  // Nothing before it is alive; `end` when nothing is.
  [[nodiscard]] std::uint64_t low_water(std::uint64_t end) const noexcept {
    return counts_.empty() ? end : first_ << kChunkBits;
  }
  // Octets that live between the two, and around them in the chunks they lie in.
  [[nodiscard]] std::uint64_t bytes_between(std::uint64_t from, std::uint64_t end) const noexcept {
    std::uint64_t bytes = 0;
    const std::uint64_t last = std::min<std::uint64_t>((end + kChunk - 1) >> kChunkBits, first_ + counts_.size());
    for (std::uint64_t chunk = std::max(from >> kChunkBits, first_); chunk < last; ++chunk) {
      bytes += counts_[chunk - first_].bytes;
    }
    return bytes;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  struct Count {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
  };
  std::deque<Count> counts_;
  std::uint64_t first_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace smppd::plugins::rocks_store
