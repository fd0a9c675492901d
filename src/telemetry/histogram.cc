#include "telemetry/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace smppd::telemetry {

std::uint64_t Histogram::upper_bound_of(unsigned bucket) noexcept {
  constexpr std::uint64_t kLinear = 1ULL << kSubBits;
  const unsigned group = bucket >> kSubBits;
  const std::uint64_t step = bucket & (kLinear - 1);
  return group == 0 ? step : ((kLinear + step + 1) << (group - 1)) - 1;
}

void Histogram::record(std::uint64_t nanoseconds, std::uint64_t times) noexcept {
  if (times == 0) return;
  if (counts_.empty()) [[unlikely]]
    counts_.resize(kBuckets);
  counts_[bucket_of(nanoseconds)] += times;
  count_ += times;
  max_ = std::max(max_, nanoseconds);
  min_ = std::min(min_, nanoseconds);
  sum_ += static_cast<double>(nanoseconds) * static_cast<double>(times);
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (counts_.empty()) counts_.resize(kBuckets);
  for (unsigned i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  min_ = std::min(min_, other.min_);
  sum_ += other.sum_;
}

void Histogram::reset() noexcept {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  max_ = 0;
  min_ = UINT64_MAX;
  sum_ = 0;
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  if (rank == 1) return min_;
  std::uint64_t seen = 0;
  for (unsigned i = 0; i + 1 < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::clamp(upper_bound_of(i), min_, max_);
  }
  return max_;
}

std::uint64_t Histogram::count_below(std::uint64_t nanoseconds) const noexcept {
  if (nanoseconds >= max_) return count_;
  if (nanoseconds < min_) return 0;
  const unsigned last = bucket_of(nanoseconds);
  std::uint64_t seen = 0;
  for (unsigned i = 0; i <= last; ++i) seen += counts_[i];
  return seen;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> Histogram::buckets() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> filled;
  for (unsigned i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) filled.emplace_back(upper_bound_of(i), counts_[i]);
  }
  return filled;
}

}  // namespace smppd::telemetry
