// schedule_delivery_time, validity_period and final_date: absolute "YYMMDDhhmmsstnnp" and relative "YYMMDDhhmmss000R",
// SMPP 3.4 §7.1.1 (5.0 §4.7.23.4). Pure values, any thread, noexcept, no clock: the caller says what time it is.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace smppd::smpp {

inline constexpr std::size_t kTimeOctets = 16;  // without the NUL

struct SmppTime {
  enum class Kind : std::uint8_t { absolute, relative };
  Kind kind = Kind::absolute;
  std::uint8_t year = 0;  // absolute: 2000 + year; relative: years
  std::uint8_t month = 0;
  std::uint8_t day = 0;
  std::uint8_t hour = 0;
  std::uint8_t minute = 0;
  std::uint8_t second = 0;
  std::uint8_t tenths = 0;            // absolute only
  std::int8_t utc_quarter_hours = 0;  // absolute only: local time is ahead of UTC by this, -48 to +48
  bool operator==(const SmppTime&) const noexcept = default;
};

// Exactly 16 octets; nullopt for anything that is not such a time: then ESME_RINVSCHED or ESME_RINVEXPIRY. Absolute
// times must exist in the calendar; the fields of relative times may each be 0 to 99 (72 hours is a habit of peers).
// An empty field (a lone NUL) is no time and not parsed here.
[[nodiscard]] std::optional<SmppTime> parse_time(std::string_view text) noexcept;

using TimeText = std::array<char, kTimeOctets + 1>;  // NUL-terminated

[[nodiscard]] TimeText format_time(const SmppTime& time) noexcept;
[[nodiscard]] inline std::string_view view(const TimeText& text) noexcept { return {text.data(), kTimeOctets}; }

// The moment meant; relative times count from `now`, their years and months by the calendar in UTC (the 31st plus a
// month is the last day of the next month).
[[nodiscard]] WallTime to_wall(const SmppTime& time, WallTime now) noexcept;

// Tenths are rounded down. nullopt outside 2000-2099 in that zone or for an offset beyond 12 hours.
[[nodiscard]] std::optional<SmppTime> absolute_time(WallTime at, std::int8_t utc_quarter_hours = 0) noexcept;
// Days, hours, minutes and seconds, at most 99 days 23:59:59; longer and negative spans are nullopt.
[[nodiscard]] std::optional<SmppTime> relative_time(std::chrono::seconds span) noexcept;

}  // namespace smppd::smpp
