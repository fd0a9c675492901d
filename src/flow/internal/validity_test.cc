#include "flow/internal/validity.h"

#include <string>

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

using smpp::CommandStatus;
using store::Moment;

// 2026-03-10 12:00:00.250 UTC.
const Moment kNow = std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + std::chrono::hours(12) + 250ms;
const Moment kNoon = std::chrono::sys_days(std::chrono::year(2026) / 3 / 10) + std::chrono::hours(12);

config::Storage storage() {
  config::Storage one;
  one.validity_default = std::chrono::hours(48);
  one.validity_max = std::chrono::hours(24 * 7);
  return one;
}

Lifetime of(std::string_view schedule, std::string_view validity) {
  return lifetime_of({schedule, validity, {}}, storage(), kNow);
}

TEST(Validity, OfAMessageThatSaysNothingIsTheDefault) {
  const Lifetime life = of("", "");
  EXPECT_EQ(life.status, CommandStatus::ESME_ROK);
  EXPECT_EQ(life.due, kNow);
  EXPECT_EQ(life.expires, kNow + std::chrono::hours(48));
  EXPECT_FALSE(life.scheduled);
  EXPECT_FALSE(life.asked) << "the SMSC keeps its own default";
}

TEST(Validity, RelativeCountsFromNow) {
  const Lifetime life = of("", "000000013000000R");
  EXPECT_EQ(life.expires, kNow + std::chrono::hours(1) + std::chrono::minutes(30));
  EXPECT_TRUE(life.asked);
  EXPECT_EQ(of("", "000000720000000R").expires, kNow + std::chrono::hours(72)) << "72 hours is a habit of peers";
}

TEST(Validity, AbsoluteIsMeantInItsZoneToTheTenth) {
  EXPECT_EQ(of("", "260310130000900+").expires, kNoon + std::chrono::hours(1) + 900ms);
  EXPECT_EQ(of("", "260310150000008+").expires, kNoon + std::chrono::hours(1)) << "two hours ahead of UTC";
  EXPECT_EQ(of("", "260310083000018-").expires, kNoon + std::chrono::hours(1)) << "four and a half behind";
}

TEST(Validity, LongerThanAllowedIsCut) {
  const Moment most = kNow + std::chrono::hours(24 * 7);
  EXPECT_EQ(of("", "000008000000000R").expires, most);
  EXPECT_EQ(of("", "991231235959000+").expires, most);
  EXPECT_EQ(of("", "999999999999000R").expires, most);
  EXPECT_EQ(of("", "000006000000000R").expires, kNow + std::chrono::hours(24 * 6));
}

TEST(Validity, ThatIsOverIsRefused) {
  EXPECT_EQ(of("", "260310120000200+").status, CommandStatus::ESME_RINVEXPIRY);
  EXPECT_EQ(of("", "260310120000300+").status, CommandStatus::ESME_ROK);
  EXPECT_EQ(of("", "250310120000000+").status, CommandStatus::ESME_RINVEXPIRY);
}

TEST(Validity, OfNothingAtAllIsNoneGiven) {
  const Lifetime life = of("", "000000000000000R");
  EXPECT_EQ(life.status, CommandStatus::ESME_ROK);
  EXPECT_EQ(life.expires, kNow + std::chrono::hours(48));
  EXPECT_FALSE(life.asked);
}

TEST(Validity, ThatCannotBeReadIsRefusedByItsField) {
  for (const char* bad : {"1", "26031012000000+", "2603101200000000+", "260310120000000 ", "260231120000000+",
                          "260310240000000+", "260310120000049+", "2603101200x0000+", "000000010000000r"}) {
    EXPECT_EQ(of("", bad).status, CommandStatus::ESME_RINVEXPIRY) << bad;
    EXPECT_EQ(of(bad, "").status, CommandStatus::ESME_RINVSCHED) << bad;
    EXPECT_EQ(of(bad, bad).status, CommandStatus::ESME_RINVSCHED) << bad;
  }
}

TEST(Schedule, HoldsTheMessageHereAndTheDefaultCountsFromThen) {
  const Lifetime life = of("000003000000000R", "");
  EXPECT_EQ(life.status, CommandStatus::ESME_ROK);
  EXPECT_EQ(life.due, kNow + std::chrono::hours(72));
  EXPECT_TRUE(life.scheduled);
  EXPECT_EQ(life.expires, life.due + std::chrono::hours(48));
  EXPECT_EQ(of("260310140000004+", "").due, kNoon + std::chrono::hours(1));
}

TEST(Schedule, InThePastIsNow) {
  const Lifetime life = of("260310115959000+", "");
  EXPECT_EQ(life.status, CommandStatus::ESME_ROK);
  EXPECT_EQ(life.due, kNow);
  EXPECT_FALSE(life.scheduled);
  EXPECT_EQ(of("000000000000000R", "").due, kNow);
}

TEST(Schedule, LaterThanAnybodyMeansIsRefused) {
  EXPECT_EQ(of("020000000000000R", "").status, CommandStatus::ESME_RINVSCHED);
  EXPECT_EQ(of("991231235959000+", "").status, CommandStatus::ESME_RINVSCHED);
  EXPECT_EQ(of("010000000000000R", "").status, CommandStatus::ESME_ROK);
}

TEST(Schedule, AfterTheValidityIsRefused) {
  EXPECT_EQ(of("000002000000000R", "000001000000000R").status, CommandStatus::ESME_RINVEXPIRY);
  EXPECT_EQ(of("000001000000000R", "000001000000000R").status, CommandStatus::ESME_RINVEXPIRY);
  const Lifetime life = of("000008000000000R", "260319120000000+");
  EXPECT_EQ(life.status, CommandStatus::ESME_ROK);
  EXPECT_EQ(life.expires, kNoon + std::chrono::hours(24 * 9)) << "the longest validity counts from the delivery";
}

TEST(TimeToLive, IsTheValidityOfDataSm) {
  const auto with = [](std::uint32_t seconds, std::string_view validity = "") {
    return lifetime_of({"", validity, seconds}, storage(), kNow);
  };
  EXPECT_EQ(with(60).expires, kNow + std::chrono::minutes(1));
  EXPECT_TRUE(with(60).asked);
  EXPECT_EQ(with(0).expires, kNow + std::chrono::hours(48));
  EXPECT_EQ(with(0xFFFF'FFFF).expires, kNow + std::chrono::hours(24 * 7));
  EXPECT_EQ(with(60, "000000010000000R").expires, kNow + std::chrono::hours(1)) << "the field comes first";
}

TEST(ValidityLeft, IsWhatTheSmscMayStillUse) {
  const auto left = [](Duration span) {
    return std::string(smpp::view(validity_left(std::chrono::ceil<std::chrono::milliseconds>(span) + kNow, kNow)));
  };
  EXPECT_EQ(left(std::chrono::hours(36)), "000001120000000R");
  EXPECT_EQ(left(90s + 999ms), "000000000130000R") << "never longer than asked";
  EXPECT_EQ(left(300ms), "000000000001000R");
  EXPECT_EQ(left(-5s), "000000000001000R");
  EXPECT_EQ(left(std::chrono::hours(24 * 300)), "000099235959000R");
}

TEST(ValidityLeft, AddsUpToWhatTheClientAsked) {
  const Lifetime life = of("", "000002000000000R");
  const Moment later = kNow + std::chrono::hours(5);
  const auto rest = smpp::parse_time(smpp::view(validity_left(life.expires, later)));
  ASSERT_TRUE(rest);
  EXPECT_EQ(smpp::to_wall(*rest, WallTime(later)), WallTime(kNow + std::chrono::hours(48)));
}

}  // namespace
}  // namespace smppd::flow
