#include "toolkit/latency.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "toolkit/units.h"

namespace smppd::toolkit {

namespace {
constexpr double kLongest = 3600e9;

double count_of(Duration duration) { return static_cast<double>(duration.count()); }
}  // namespace

Fallible<Latency> Latency::parse(std::string_view text) {
  Latency latency;
  const std::size_t colon = text.find(':');
  const std::string_view kind = colon == std::string_view::npos ? "fixed" : text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? text : text.substr(colon + 1);
  char separator = 0;
  if (kind == "uniform") {
    latency.kind_ = Kind::uniform;
    separator = '-';
  } else if (kind == "normal") {
    latency.kind_ = Kind::normal;
    separator = '/';
  } else if (kind == "exponential") {
    latency.kind_ = Kind::exponential;
  } else if (kind != "fixed") {
    return failure("'" + std::string(kind) + "' is no latency: fixed, uniform, normal or exponential");
  }
  const std::size_t at = separator == 0 ? std::string_view::npos : rest.find(separator);
  if (separator != 0 && at == std::string_view::npos) {
    return failure("'" + std::string(text) + "' needs two durations with '" + separator + "' between them");
  }
  const auto first = parse_duration(rest.substr(0, at));
  if (!first) return failure(first.error());
  latency.first_ = count_of(*first);
  if (separator == 0) return latency;
  const auto second = parse_duration(rest.substr(at + 1));
  if (!second) return failure(second.error());
  latency.second_ = count_of(*second);
  if (latency.kind_ == Kind::uniform && latency.second_ < latency.first_) {
    return failure("'" + std::string(text) + "': the second duration is below the first");
  }
  return latency;
}

Duration Latency::draw(Random& random) const noexcept {
  double value = first_;
  switch (kind_) {
    case Kind::fixed: break;
    case Kind::uniform: value += random.unit() * (second_ - first_); break;
    case Kind::exponential: value *= -std::log1p(-random.unit()); break;
    case Kind::normal:
      value += second_ * std::sqrt(-2 * std::log1p(-random.unit())) * std::cos(2 * std::numbers::pi * random.unit());
      break;
  }
  return Duration(static_cast<Duration::rep>(std::clamp(value, 0.0, kLongest)));
}

}  // namespace smppd::toolkit
