#include "routing/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

namespace smppd::routing {

struct Schedule::Zone {
  absl::TimeZone zone;
};

namespace {

constexpr int kDay = 24 * 60;
constexpr std::array<std::string_view, 7> kDays{"monday", "tuesday",  "wednesday", "thursday",
                                                "friday", "saturday", "sunday"};

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "HH:MM" to minutes, -1 if it is not one.
int minutes(std::string_view text) {
  text = without_spaces(text);
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon > 2 || text.size() != colon + 3) return -1;
  int hour = 0;
  int minute = 0;
  const char* begin = text.data();
  const auto [hour_end, hour_error] = std::from_chars(begin, begin + colon, hour);
  const auto [minute_end, minute_error] = std::from_chars(begin + colon + 1, begin + text.size(), minute);
  if (hour_error != std::errc{} || minute_error != std::errc{}) return -1;
  if (hour_end != begin + colon || minute_end != begin + text.size()) return -1;
  if (hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > kDay) return -1;
  return hour * 60 + minute;
}

int weekday(std::string_view text) {
  std::string lower(without_spaces(text));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if (lower == kDays[i] || lower == kDays[i].substr(0, 3)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

Fallible<Schedule> Schedule::compile(const config::Schedule& schedule) {
  Schedule compiled;
  auto zone = std::make_shared<Zone>();
  if (!absl::LoadTimeZone(schedule.timezone, &zone->zone)) {
    return failure("the time zone '" + schedule.timezone + "' is not known; write one like Africa/Maputo or UTC");
  }
  compiled.zone_ = std::move(zone);
  std::string_view rest = schedule.hours;
  while (!without_spaces(rest).empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view one = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t dash = one.find('-');
    const int begin = dash == std::string_view::npos ? -1 : minutes(one.substr(0, dash));
    const int end = dash == std::string_view::npos ? -1 : minutes(one.substr(dash + 1));
    if (begin < 0 || end < 0 || begin == end || begin == kDay) {
      return failure("the hours '" + std::string(without_spaces(one)) +
                     "' cannot be read; write them like 22:00-06:00");
    }
    compiled.ranges_.push_back({begin, end});
  }
  if (compiled.ranges_.empty()) compiled.ranges_.push_back({});
  if (!schedule.days.empty()) compiled.days_ = 0;
  for (const std::string& day : schedule.days) {
    const int number = weekday(day);
    if (number < 0) return failure("'" + day + "' is not a day; write mon, tue, wed, thu, fri, sat or sun");
    compiled.days_ |= 1U << number;
  }
  return compiled;
}

Schedule::Local Schedule::local(WallTime now) const noexcept {
  const absl::CivilSecond civil = zone_->zone.At(absl::FromChrono(now)).cs;
  return {static_cast<int>(absl::GetWeekday(civil)), civil.hour() * 60 + civil.minute()};
}

bool Schedule::holds(WallTime now) const noexcept {
  const Local at = local(now);
  const bool today = on_day(at.weekday);
  const bool yesterday = on_day((at.weekday + 6) % 7);
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    if (range.begin < range.end) return today && at.minute >= range.begin && at.minute < range.end;
    return (today && at.minute >= range.begin) || (yesterday && at.minute < range.end);
  });
}

std::string Schedule::local_time(WallTime now) const {
  return absl::FormatTime("%Y-%m-%d %a %H:%M ", absl::FromChrono(now), zone_->zone) + zone_->zone.name();
}

}  // namespace smppd::routing
