// How long something takes, drawn from a distribution. Value; drawing is for the shard that owns the Random.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "toolkit/random.h"

namespace smppd::toolkit {

class Latency {
 public:
  Latency() = default;  // none
  // "50ms" or "fixed:50ms", "uniform:10ms-50ms", "normal:50ms/10ms" (mean/deviation), "exponential:50ms" (mean).
  [[nodiscard]] static Fallible<Latency> parse(std::string_view text);

  [[nodiscard]] bool none() const noexcept { return kind_ == Kind::fixed && first_ <= 0; }
  // Never negative, at most one hour.
  [[nodiscard]] Duration draw(Random& random) const noexcept;

 private:
  enum class Kind : unsigned char { fixed, uniform, normal, exponential };
  Kind kind_ = Kind::fixed;
  double first_ = 0;   // nanoseconds: value, least, mean
  double second_ = 0;  // most, deviation
};

}  // namespace smppd::toolkit
