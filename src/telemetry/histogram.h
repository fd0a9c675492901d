// Log-linear histogram of durations in nanoseconds: 1 ns to 1 h at 2 significant digits' worth of error (< 1.6 %).
// Plain integers, shard-local; recording is a handful of instructions and allocates only the first time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace smppd::telemetry {

class Histogram {
 public:
  void record(std::uint64_t nanoseconds) noexcept {
    if (counts_.empty()) [[unlikely]]
      counts_.resize(kBuckets);
    ++counts_[bucket_of(nanoseconds)];
    ++count_;
    max_ = std::max(max_, nanoseconds);
    min_ = std::min(min_, nanoseconds);
    sum_ += static_cast<double>(nanoseconds);
  }
  void record(std::uint64_t nanoseconds, std::uint64_t times) noexcept;
  void merge(const Histogram& other);
  void reset() noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] double sum() const noexcept { return sum_; }
  // Smallest recorded magnitude that at least `percent` (0-100) of the values do not exceed.
  [[nodiscard]] std::uint64_t percentile(double percent) const noexcept;
  // How many recorded values are <= nanoseconds (to the histogram's resolution).
  [[nodiscard]] std::uint64_t count_below(std::uint64_t nanoseconds) const noexcept;
  // {a magnitude, how many values have it to the histogram's resolution}; recording them elsewhere merges histograms of
  // several processes.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> buckets() const;

 private:
  static constexpr unsigned kSubBits = 6;  // 64 linear steps per power of two
  static constexpr unsigned kBuckets = (43 - kSubBits + 1) << kSubBits;
  // Values below 64 have a bucket each; above, each power of two is cut into 64 equal steps. What lies beyond the last
  // bucket is counted there; max() stays exact.
  static unsigned bucket_of(std::uint64_t nanoseconds) noexcept {
    constexpr std::uint64_t kLinear = 1ULL << kSubBits;
    if (nanoseconds < kLinear) return static_cast<unsigned>(nanoseconds);
    const auto top_bit = static_cast<unsigned>(std::bit_width(nanoseconds)) - 1;
    const unsigned group = top_bit - kSubBits + 1;
    const auto step = static_cast<unsigned>((nanoseconds >> (top_bit - kSubBits)) & (kLinear - 1));
    return std::min((group << kSubBits) + step, kBuckets - 1);
  }
  static std::uint64_t upper_bound_of(unsigned bucket) noexcept;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  double sum_ = 0;
};

}  // namespace smppd::telemetry
