// Who has a small part in what a loop carries, to and from its clients. Counted in periods of octets, not of time, so
// that it is the same at any load: a period ends when all who took part in it did so with 8 KiB on average.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smppd::runtime {

class Shares {
 public:
  // What one connection carried; its own.
  struct Part {
    std::uint32_t period = 0;  // the last in which it carried something
    std::uint32_t bytes = 0;   // in that one
    bool was_small = true;     // in the one before
  };

  void note(Part& part, std::size_t bytes) noexcept {
    if (part.period != period_) begin(part);
    squares_ += bytes * (2 * std::uint64_t{part.bytes} + bytes);
    part.bytes += static_cast<std::uint32_t>(bytes);
    total_ += bytes;
    if (total_ >= enough_) [[unlikely]]
      end_period();
  }
  // Neither in the period that runs nor in the one before was it over an eighth of what others have.
  [[nodiscard]] bool small(const Part& part) const noexcept {
    if (part.period == period_) return part.was_small && part.bytes < limit_;
    return part.period + 1 != period_ || part.bytes < limit_;
  }

 private:
  static constexpr std::uint64_t kEach = 8 * 1024;
  static constexpr std::uint64_t kLeast = 1024 * 1024;

  void begin(Part& part) noexcept {
    part.was_small = small(part);
    part.period = period_;
    part.bytes = 0;
    enough_ = ++active_ * kEach > kLeast ? active_ * kEach : kLeast;
  }
  // An octet taken at random is of somebody with squares / total: the share of those who have most of it, however many
  // have next to nothing.
  void end_period() noexcept {
    limit_ = squares_ / total_ / 8;
    ++period_;
    squares_ = total_ = active_ = 0;
    enough_ = kLeast;
  }

  std::uint32_t period_ = 2;  // whoever is new carried nothing in the one before
  std::uint64_t active_ = 0;  // carried something in this one
  std::uint64_t total_ = 0;
  std::uint64_t squares_ = 0;  // the sum of what each carried, squared
  std::uint64_t enough_ = kLeast;
  std::uint64_t limit_ = kEach;
};

}  // namespace smppd::runtime
