#include <cmath>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "toolkit/json_writer.h"
#include "toolkit/latency.h"
#include "toolkit/number_pattern.h"
#include "toolkit/process_usage.h"
#include "toolkit/units.h"

namespace smppd::toolkit {
namespace {

TEST(Units, DurationsTakeEveryUnitAndRefuseNone) {
  EXPECT_EQ(*parse_duration("250us"), 250us);
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("2m"), 2min);
  EXPECT_EQ(*parse_duration("0"), 0s);
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("-5s"));
  EXPECT_FALSE(parse_duration("5 apples"));
}

TEST(Units, SharesAreFractionsOrPercentOfAtMostAll) {
  EXPECT_DOUBLE_EQ(*parse_share("0.05"), 0.05);
  EXPECT_DOUBLE_EQ(*parse_share("5%"), 0.05);
  EXPECT_FALSE(parse_share("1.5"));
  EXPECT_FALSE(parse_share("120%"));
}

TEST(Units, RatesAndCountsTakeSuffixes) {
  EXPECT_DOUBLE_EQ(*parse_rate("20k"), 20'000);
  EXPECT_DOUBLE_EQ(*parse_rate("600/m"), 10);
  EXPECT_FALSE(parse_rate("10/fortnight"));
  EXPECT_EQ(*parse_count("2M"), 2'000'000U);
  EXPECT_FALSE(parse_count("1.5"));
}

TEST(Units, BareItemsGoOnWithAListAndAreKeysOtherwise) {
  const auto settings = parse_settings("delay=5ms,state=DELIVRD:0.9,UNDELIV:0.1,swapped", {"state"});
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->size(), 2U);
  EXPECT_EQ((*settings)[1].value, "DELIVRD:0.9,UNDELIV:0.1,swapped");
  const auto bare = parse_settings("no-response=0.1,slow-drip");
  ASSERT_TRUE(bare);
  EXPECT_EQ((*bare)[1].key, "slow-drip");
  EXPECT_FALSE(parse_settings("a=1,,b=2"));
}

TEST(Units, HexIsPairsOfDigits) {
  EXPECT_EQ(*parse_hex("05 00 ff"), std::string("\x05\x00\xFF", 3));
  EXPECT_FALSE(parse_hex("abc"));
  EXPECT_FALSE(parse_hex("zz"));
}

TEST(Units, EndpointsNeedAPort) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:2775")->to_string(), "127.0.0.1:2775");
  EXPECT_EQ(parse_endpoint("[::1]:80")->port, 80);
  EXPECT_FALSE(parse_endpoint("127.0.0.1"));
  EXPECT_FALSE(parse_endpoint("127.0.0.1:99999"));
}

TEST(ProcessUsage, TheCpuTimeOfAProcessSeenFromOutsideIsItsOwn) {
  const double before = process_usage().cpu_seconds();
  double last = 0;
  for (int i = 0; i < 1'000'000; ++i) last = std::sqrt(last + i);
  EXPECT_GT(last, 0);
  const auto seen = cpu_seconds_of(getpid());
  ASSERT_TRUE(seen);
  EXPECT_GE(*seen, before);
  EXPECT_LE(*seen, process_usage().cpu_seconds() + 1e-5) << "getrusage counts whole microseconds";
}

TEST(ProcessUsage, AProcessThatIsNotThereHasNoCpuTime) {
  EXPECT_FALSE(cpu_seconds_of(1 << 22)) << "Linux numbers processes below this";
}

TEST(NumberPattern, RandomDigitsFillTheirPlaceAndDiffer) {
  const auto pattern = NumberPattern::parse("2588{8}", 20);
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->constant());
  EXPECT_TRUE(pattern->fixed_size());
  Random random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string number = pattern->make(random);
    EXPECT_EQ(number.size(), 12U);
    EXPECT_TRUE(number.starts_with("2588"));
    EXPECT_EQ(number.find_first_not_of("0123456789"), std::string::npos);
    seen.insert(number);
  }
  EXPECT_GT(seen.size(), 95U);
}

TEST(NumberPattern, RangesStayInsideAndSequencesCountWithZeros) {
  Random random(2);
  const auto range = NumberPattern::parse("{0098-0101}", 20);
  ASSERT_TRUE(range);
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert(range->make(random));
  EXPECT_EQ(seen, (std::set<std::string>{"0098", "0099", "0100", "0101"}));
  const auto sequence = NumberPattern::parse("a{seq:3}b", 20);
  ASSERT_TRUE(sequence);
  EXPECT_EQ(sequence->make(random, 7), "a007b");
  EXPECT_EQ(sequence->make(random, 1007), "a007b") << "a running number never outgrows its width";
}

TEST(NumberPattern, ConstantTextIsKnownAsSuchAndWrongPatternsAreRefused) {
  EXPECT_TRUE(NumberPattern::parse("12345", 20)->constant());
  EXPECT_FALSE(NumberPattern::parse("{", 20));
  EXPECT_FALSE(NumberPattern::parse("{x}", 20));
  EXPECT_FALSE(NumberPattern::parse("{9-3}", 20));
  EXPECT_FALSE(NumberPattern::parse("{21}", 20)) << "longer than an address may be";
}

double mean_of(const Latency& latency) {
  Random random(3);
  double sum = 0;
  for (int i = 0; i < 20'000; ++i) sum += static_cast<double>(latency.draw(random).count());
  return sum / 20'000 * 1e-6;
}

TEST(Latency, DistributionsHaveTheMeanTheyWereGiven) {
  EXPECT_DOUBLE_EQ(mean_of(*Latency::parse("50ms")), 50);
  EXPECT_NEAR(mean_of(*Latency::parse("uniform:10ms-50ms")), 30, 0.5);
  EXPECT_NEAR(mean_of(*Latency::parse("normal:50ms/10ms")), 50, 0.5);
  EXPECT_NEAR(mean_of(*Latency::parse("exponential:50ms")), 50, 1.5);
}

TEST(Latency, WrongOnesAreRefused) {
  EXPECT_FALSE(Latency::parse("uniform:50ms"));
  EXPECT_FALSE(Latency::parse("uniform:50ms-10ms"));
  EXPECT_FALSE(Latency::parse("pareto:1ms"));
  EXPECT_TRUE(Latency::parse("0")->none());
}

TEST(JsonWriter, PutsCommasBetweenAndEscapesInside) {
  JsonWriter json;
  json.open_object().member("a", 1).member("b", "x\"\n").key("c").open_array().value(true).value(0.5).close_array();
  json.key("d").open_object().close_object().close_object();
  EXPECT_EQ(json.text(), R"({"a":1,"b":"x\"\n","c":[true,0.5],"d":{}})");
}

}  // namespace
}  // namespace smppd::toolkit
