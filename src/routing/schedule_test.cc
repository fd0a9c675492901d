#include "routing/schedule.h"

#include <gtest/gtest.h>

namespace smppd::routing {
namespace {

// Seconds since 1970 of a UTC date and time; 2026-11-20 is a Friday.
WallTime utc(int year, unsigned month, unsigned day, int hour, int minute) {
  return WallTime(std::chrono::sys_days(std::chrono::year(year) / month / day) + std::chrono::hours(hour) +
                  std::chrono::minutes(minute));
}

Schedule schedule(std::string zone, std::string hours, std::vector<std::string> days = {}) {
  auto compiled = Schedule::compile({std::move(zone), std::move(hours), std::move(days)});
  EXPECT_TRUE(compiled.has_value()) << compiled.error();
  return *compiled;
}

TEST(Schedule, HoursIncludeTheirBeginningAndNotTheirEnd) {
  const Schedule day = schedule("UTC", "08:00-17:30");
  EXPECT_FALSE(day.holds(utc(2026, 11, 20, 7, 59)));
  EXPECT_TRUE(day.holds(utc(2026, 11, 20, 8, 0)));
  EXPECT_TRUE(day.holds(utc(2026, 11, 20, 17, 29)));
  EXPECT_FALSE(day.holds(utc(2026, 11, 20, 17, 30)));
}

TEST(Schedule, HoursOverMidnightAreInTheZoneTheyName) {
  const Schedule night = schedule("Africa/Maputo", "22:00-06:00");  // UTC+2
  EXPECT_TRUE(night.holds(utc(2026, 11, 20, 20, 0)));
  EXPECT_TRUE(night.holds(utc(2026, 11, 20, 23, 0)));
  EXPECT_TRUE(night.holds(utc(2026, 11, 20, 3, 59)));
  EXPECT_FALSE(night.holds(utc(2026, 11, 20, 4, 0)));
  EXPECT_FALSE(night.holds(utc(2026, 11, 20, 19, 59)));
}

TEST(Schedule, ANightBelongsToTheDayOnWhichItBegins) {
  const Schedule friday = schedule("UTC", "22:00-06:00", {"fri"});
  EXPECT_TRUE(friday.holds(utc(2026, 11, 20, 23, 0)));
  EXPECT_TRUE(friday.holds(utc(2026, 11, 21, 5, 59)));
  EXPECT_FALSE(friday.holds(utc(2026, 11, 20, 5, 0))) << "that is Thursday's night";
  EXPECT_FALSE(friday.holds(utc(2026, 11, 21, 22, 0)));
}

TEST(Schedule, SeveralRangesWholeDaysAndDayNames) {
  const Schedule office = schedule("UTC", "08:00-12:00, 14:00-18:00", {"Monday", "TUE", "wed", "thu", "fri"});
  EXPECT_TRUE(office.holds(utc(2026, 11, 20, 11, 0)));
  EXPECT_FALSE(office.holds(utc(2026, 11, 20, 13, 0)));
  EXPECT_TRUE(office.holds(utc(2026, 11, 20, 14, 0)));
  EXPECT_FALSE(office.holds(utc(2026, 11, 21, 14, 0)));
  EXPECT_TRUE(schedule("UTC", "", {"sun"}).holds(utc(2026, 11, 22, 0, 0)));
  EXPECT_TRUE(schedule("UTC", "00:00-24:00").holds(utc(2026, 11, 22, 23, 59)));
  EXPECT_TRUE(schedule("UTC", "22:00-24:00").holds(utc(2026, 11, 22, 23, 59)));
}

TEST(Schedule, FollowsTheClockOfTheZoneThroughTheChangeToSummerTime) {
  const Schedule eight = schedule("Europe/Berlin", "08:00-09:00");
  EXPECT_TRUE(eight.holds(utc(2026, 3, 28, 7, 0)));
  EXPECT_FALSE(eight.holds(utc(2026, 3, 28, 6, 0)));
  EXPECT_TRUE(eight.holds(utc(2026, 3, 30, 6, 0)));
  EXPECT_FALSE(eight.holds(utc(2026, 3, 30, 7, 0)));
}

TEST(Schedule, RefusesWhatItCannotRead) {
  for (const char* hours : {"22", "22:00", "22:00-", "-06:00", "25:00-06:00", "22:60-23:00", "08:00-08:00",
                            "24:00-06:00", "8-9", "08:00-09:00,", "08:00-09:00,x", "08:0a-09:00", "008:00-09:00"}) {
    const auto compiled = Schedule::compile({"UTC", hours, {}});
    if (std::string_view(hours) == "08:00-09:00,") {
      EXPECT_TRUE(compiled.has_value()) << "a comma at the end does no harm";
    } else {
      EXPECT_FALSE(compiled.has_value()) << hours;
    }
  }
  EXPECT_FALSE(Schedule::compile({"Nowhere/Land", "", {}}).has_value());
  EXPECT_FALSE(Schedule::compile({"UTC", "", {"someday"}}).has_value());
}

}  // namespace
}  // namespace smppd::routing
