#include "smpp/text/smpp_time.h"

#include <algorithm>

namespace smppd::smpp {
namespace {

using std::chrono::days;
using std::chrono::year_month_day;

constexpr int kMaxQuarterHours = 48;
constexpr auto kQuarter = std::chrono::minutes(15);

std::uint8_t two_digits(std::string_view text, std::size_t at) noexcept {
  return static_cast<std::uint8_t>((text[at] - '0') * 10 + (text[at + 1] - '0'));
}

void put_two(char* at, unsigned value) noexcept {
  at[0] = static_cast<char>('0' + value / 10 % 10);
  at[1] = static_cast<char>('0' + value % 10);
}

year_month_day date_of(const SmppTime& time) noexcept {
  return {std::chrono::year(2000 + time.year), std::chrono::month(time.month), std::chrono::day(time.day)};
}

bool exists(const SmppTime& time) noexcept {
  return date_of(time).ok() && time.hour < 24 && time.minute < 60 && time.second < 60 &&
         time.utc_quarter_hours >= -kMaxQuarterHours && time.utc_quarter_hours <= kMaxQuarterHours;
}

Duration time_of_day(const SmppTime& time) noexcept {
  return std::chrono::hours(time.hour) + std::chrono::minutes(time.minute) + std::chrono::seconds(time.second);
}

WallTime calendar_sum(const SmppTime& time, WallTime now) noexcept {
  const auto today = std::chrono::floor<days>(now);
  auto date = year_month_day(today) + std::chrono::years(time.year) + std::chrono::months(time.month);
  if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
  return std::chrono::sys_days(date) + days(time.day) + (now - today) + time_of_day(time);
}

}  // namespace

std::optional<SmppTime> parse_time(std::string_view text) noexcept {
  if (text.size() != kTimeOctets) return std::nullopt;
  const auto digits = text.substr(0, kTimeOctets - 1);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  SmppTime time;
  time.year = two_digits(text, 0);
  time.month = two_digits(text, 2);
  time.day = two_digits(text, 4);
  time.hour = two_digits(text, 6);
  time.minute = two_digits(text, 8);
  time.second = two_digits(text, 10);
  if (text.back() == 'R') {
    time.kind = SmppTime::Kind::relative;
    return time;
  }
  if (text.back() != '+' && text.back() != '-') return std::nullopt;
  time.tenths = static_cast<std::uint8_t>(text[12] - '0');
  const int quarters = two_digits(text, 13);
  time.utc_quarter_hours = static_cast<std::int8_t>(text.back() == '-' ? -quarters : quarters);
  if (!exists(time)) return std::nullopt;
  return time;
}

TimeText format_time(const SmppTime& time) noexcept {
  TimeText text{};
  put_two(text.data(), time.year);
  put_two(text.data() + 2, time.month);
  put_two(text.data() + 4, time.day);
  put_two(text.data() + 6, time.hour);
  put_two(text.data() + 8, time.minute);
  put_two(text.data() + 10, time.second);
  const bool relative = time.kind == SmppTime::Kind::relative;
  text[12] = static_cast<char>('0' + (relative ? 0 : time.tenths % 10));
  const int quarters = relative ? 0 : time.utc_quarter_hours;
  put_two(text.data() + 13, static_cast<unsigned>(quarters < 0 ? -quarters : quarters));
  text[15] = relative ? 'R' : quarters < 0 ? '-' : '+';
  return text;
}

WallTime to_wall(const SmppTime& time, WallTime now) noexcept {
  if (time.kind == SmppTime::Kind::relative) return calendar_sum(time, now);
  return std::chrono::sys_days(date_of(time)) + time_of_day(time) + std::chrono::milliseconds(100 * time.tenths) -
         kQuarter * time.utc_quarter_hours;
}

std::optional<SmppTime> absolute_time(WallTime at, std::int8_t utc_quarter_hours) noexcept {
  if (utc_quarter_hours < -kMaxQuarterHours || utc_quarter_hours > kMaxQuarterHours) return std::nullopt;
  const auto local = at + kQuarter * utc_quarter_hours;
  const auto midnight = std::chrono::floor<days>(local);
  const year_month_day date(midnight);
  const int year = static_cast<int>(date.year());
  if (year < 2000 || year > 2099) return std::nullopt;
  const std::chrono::hh_mm_ss clock(local - midnight);
  SmppTime time;
  time.year = static_cast<std::uint8_t>(year - 2000);
  time.month = static_cast<std::uint8_t>(static_cast<unsigned>(date.month()));
  time.day = static_cast<std::uint8_t>(static_cast<unsigned>(date.day()));
  time.hour = static_cast<std::uint8_t>(clock.hours().count());
  time.minute = static_cast<std::uint8_t>(clock.minutes().count());
  time.second = static_cast<std::uint8_t>(clock.seconds().count());
  time.tenths = static_cast<std::uint8_t>(clock.subseconds() / std::chrono::milliseconds(100));
  time.utc_quarter_hours = utc_quarter_hours;
  return time;
}

std::optional<SmppTime> relative_time(std::chrono::seconds span) noexcept {
  if (span < 0s || span >= days(100)) return std::nullopt;
  SmppTime time;
  time.kind = SmppTime::Kind::relative;
  const auto whole_days = std::chrono::floor<days>(span);
  const std::chrono::hh_mm_ss clock(span - whole_days);
  time.day = static_cast<std::uint8_t>(whole_days.count());
  time.hour = static_cast<std::uint8_t>(clock.hours().count());
  time.minute = static_cast<std::uint8_t>(clock.minutes().count());
  time.second = static_cast<std::uint8_t>(clock.seconds().count());
  return time;
}

}  // namespace smppd::smpp
