#include "smpp/text/smpp_time.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace smppd::smpp::smpp_time_test {
namespace {

using std::chrono::sys_days;
using namespace std::chrono;

constexpr WallTime at(int y, unsigned m, unsigned d, int h = 0, int min = 0, int s = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(h) + minutes(min) + seconds(s);
}

TEST(Interop, Row48_AbsoluteTimesNameTheirZoneInQuarterHours) {
  const auto time = parse_time("260131235959708+");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->tenths, 7);
  EXPECT_EQ(time->utc_quarter_hours, 8);
  EXPECT_EQ(to_wall(*time, {}), at(2026, 1, 31, 21, 59, 59) + 700ms);
  EXPECT_EQ(to_wall(*parse_time("260131235959020-"), {}), at(2026, 2, 1, 4, 59, 59));
  EXPECT_EQ(view(format_time(*time)), "260131235959708+");
}

TEST(Interop, Row48_RelativeTimesCountFromNow) {
  const auto now = at(2026, 11, 20, 13);
  EXPECT_EQ(to_wall(*parse_time("000003000000000R"), now), now + hours(72));
  EXPECT_EQ(to_wall(*parse_time("000000720000000R"), now), now + hours(72));
  EXPECT_EQ(to_wall(*parse_time("010200000000000R"), now), at(2028, 1, 20, 13));
  EXPECT_EQ(view(format_time(*parse_time("020610233429000R"))), "020610233429000R");
}

TEST(SmppTime, AMonthAfterThe31stIsTheLastDayOfTheNext) {
  EXPECT_EQ(to_wall(*parse_time("000100000000000R"), at(2026, 1, 31, 6)), at(2026, 2, 28, 6));
}

TEST(SmppTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "R", "26013123595970", "260131235959708", "2601312359597088+", "260131235959708*", "26013123595970 +",
        "261331235959708+", "260230000000000+", "260131245959708+", "260131236059708+", "260131235960000+",
        "260131235959749+", "2601312359597o8+", "-10131235959708+", "260131235959708r"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
  EXPECT_TRUE(parse_time("240229000000048-"));
  EXPECT_FALSE(parse_time("230229000000000+"));
}

TEST(SmppTime, SpansBeyondTheFieldsAreRefusedNotWrapped) {
  EXPECT_EQ(view(format_time(*relative_time(24h * 100 - 1s))), "000099235959000R");
  EXPECT_FALSE(relative_time(24h * 100));
  EXPECT_FALSE(relative_time(-1s));
  EXPECT_FALSE(absolute_time(at(1999, 12, 31)));
  EXPECT_FALSE(absolute_time(at(2100, 1, 1)));
  EXPECT_FALSE(absolute_time(at(2026, 1, 1), 49));
  EXPECT_TRUE(absolute_time(at(1999, 12, 31, 23), 4));
}

RC_GTEST_PROP(SmppTime, AbsoluteTimesRoundTripInEveryZone, ()) {
  const auto tenths = *rc::gen::inRange<std::int64_t>(0, std::int64_t{86400} * 365 * 99 * 10);
  const auto zone = static_cast<std::int8_t>(*rc::gen::inRange(-48, 49));
  const WallTime moment = at(2000, 1, 2) + milliseconds(100 * tenths);
  const auto time = absolute_time(moment, zone);
  RC_ASSERT(time.has_value());
  const auto back = parse_time(view(format_time(*time)));
  RC_ASSERT(back == time);
  RC_ASSERT(to_wall(*back, {}) == moment);
}

RC_GTEST_PROP(SmppTime, RelativeTimesRoundTrip, ()) {
  const seconds span(*rc::gen::inRange(0, 100 * 86400));
  const auto time = parse_time(view(format_time(*relative_time(span))));
  RC_ASSERT(time.has_value());
  const auto now = at(2026, 11, 20, 13);
  RC_ASSERT(to_wall(*time, now) - now == span);
}

RC_GTEST_PROP(SmppTime, AcceptsNothingItWouldWriteDifferently, (std::string text)) {
  text.resize(kTimeOctets, '0');
  if (const auto time = parse_time(text); time && time->kind == SmppTime::Kind::absolute) {
    if (time->utc_quarter_hours != 0) RC_ASSERT(view(format_time(*time)) == text);
  }
}

}  // namespace
}  // namespace smppd::smpp::smpp_time_test
