#include "telemetry/log.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "telemetry/internal/log_line.h"
#include "telemetry/metrics.h"

namespace smppd::telemetry {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr Logger kLog{"testing"};
constexpr Logger kOther{"other"};

class Log : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("smppd_log_" + std::to_string(::getpid()) + "_" +
                                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    options_.file = (folder_ / "smppd.log").string();
  }
  void TearDown() override {
    shutdown_logging();
    std::filesystem::remove_all(folder_);
  }
  void start() { ASSERT_TRUE(configure_logging(options_)); }
  std::string written(const std::string& name = "smppd.log") {
    std::ifstream file(folder_ / name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::filesystem::path folder_;
  LogOptions options_;
};

std::string body(LineFormat format, std::string_view sentence, std::initializer_list<LogField> fields) {
  std::string out;
  append_line_body(out, format, "m", sentence, fields);
  return out;
}

TEST(LogLine, IsOneJsonObjectWithTimeLevelModuleSentenceAndFields) {
  std::string out;
  const auto time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'042));
  append_line(out, LineFormat::kJson, time, Level::kWarn,
              body(LineFormat::kJson, "link lost", {{"upstream", "a"}, {"n", -3}, {"share", 0.5}, {"ok", false}}));
  EXPECT_EQ(out,
            "{\"ts\":\"2023-11-14T22:13:20.042Z\",\"level\":\"warn\",\"module\":\"m\",\"msg\":\"link lost\","
            "\"upstream\":\"a\",\"n\":-3,\"share\":0.5,\"ok\":false}\n");
}

TEST(LogLine, ReadsAsTextWhenAskedTo) {
  std::string out;
  append_line(out, LineFormat::kText, std::chrono::system_clock::time_point{}, Level::kInfo,
              body(LineFormat::kText, "a \"b\"", {{"word", "x"}, {"words", "x y"}, {"empty", ""}, {"n", 7U}}));
  EXPECT_EQ(out, "1970-01-01T00:00:00.000Z info  m: a \"b\" word=x words=\"x y\" empty=\"\" n=7\n");
}

TEST(LogLine, EscapesWhatWouldEndTheJsonStringOrTheLine) {
  EXPECT_THAT(body(LineFormat::kJson, "a\"b\\c\nd\re\tf\x01", {{"k\"", std::string_view("\0z", 2)}}),
              HasSubstr(R"("msg":"a\"b\\c\nd\re\tf\u0001","k\"":"\u0000z")"));
  EXPECT_THAT(body(LineFormat::kText, "a\nb", {{"k", "1\n2"}}), HasSubstr("a\\nb k=\"1\\n2\""));
}

TEST(LogLine, ReplacesEachMalformedOctetAndKeepsWellFormedUtf8) {
  const std::string ok = "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  EXPECT_THAT(body(LineFormat::kJson, ok, {}), HasSubstr(ok));
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_THAT(body(LineFormat::kJson, "\xFF", {}), HasSubstr("\"" + r + "\""));
  EXPECT_THAT(body(LineFormat::kJson, "\xC0\xAF", {}), HasSubstr("\"" + r + r + "\""));          // overlong
  EXPECT_THAT(body(LineFormat::kJson, "\xED\xA0\x80", {}), HasSubstr("\"" + r + r + r + "\""));  // surrogate
  EXPECT_THAT(body(LineFormat::kJson, "\xF4\x90\x80\x80", {}), HasSubstr("\"" + r + r + r + r + "\""));
  EXPECT_THAT(body(LineFormat::kJson, "x\xE2\x82", {}), HasSubstr("\"x" + r + r + "\""));  // cut short
}

TEST(LogLine, WritesNumbersJsonDoesNotKnowAsNull) {
  EXPECT_THAT(body(LineFormat::kJson, "s", {{"v", std::numeric_limits<double>::infinity()}}), HasSubstr("\"v\":null"));
}

TEST(LogLine, CutsLongValuesAndSaysHowMuchIsMissing) {
  const std::string line = body(LineFormat::kJson, "s", {{"v", std::string(kMaxLogValue + 100, 'x')}});
  EXPECT_THAT(line, HasSubstr("x... (100 octets more)\""));
  EXPECT_LT(line.size(), kMaxLogValue + 100);
}

TEST_F(Log, WritesLinesInOrderAndAllOfThemAtShutdown) {
  start();
  for (int i = 0; i < 1000; ++i) kLog.info("line", {{"i", i}});
  shutdown_logging();
  std::istringstream lines(written());
  std::string line;
  int expected = 0;
  while (std::getline(lines, line)) EXPECT_THAT(line, HasSubstr("\"i\":" + std::to_string(expected++) + "}"));
  EXPECT_EQ(expected, 1000);
}

TEST_F(Log, ReachesTheFileWithoutShutdown) {
  start();
  kLog.info("soon there");
  for (int i = 0; i < 500 && written().empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(written(), HasSubstr("soon there"));
}

TEST_F(Log, WritesOnlyWhatTheModulesLevelLetsThrough) {
  options_.level = Level::kWarn;
  options_.module_levels["testing"] = Level::kDebug;
  start();
  EXPECT_TRUE(kLog.enabled(Level::kDebug));
  EXPECT_FALSE(kOther.enabled(Level::kInfo));
  EXPECT_TRUE(kOther.enabled(Level::kError));
  kLog.debug("seen");
  kOther.info("hidden");
  shutdown_logging();
  EXPECT_THAT(written(), HasSubstr("seen"));
  EXPECT_THAT(written(), Not(HasSubstr("hidden")));
}

TEST_F(Log, IsSilentWhenOff) {
  options_.level = Level::kOff;
  start();
  EXPECT_FALSE(kLog.enabled(Level::kError));
  EXPECT_FALSE(kLog.enabled(Level::kOff));
}

TEST_F(Log, ChangesLevelFormatAndFileWhileRunning) {
  start();
  kLog.info("first");
  options_.json = false;
  options_.level = Level::kDebug;
  options_.file = (folder_ / "other.log").string();
  for (int i = 0; i < 500 && written().empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  start();
  kLog.debug("second");
  shutdown_logging();
  EXPECT_THAT(written(), HasSubstr("\"msg\":\"first\""));
  EXPECT_THAT(written(), Not(HasSubstr("second")));
  EXPECT_THAT(written("other.log"), HasSubstr("debug testing: second\n"));
}

TEST_F(Log, RotatesAtTheSizeAndKeepsSoManyOldFiles) {
  options_.rotate_bytes = 1000;
  options_.rotate_files = 2;
  start();
  for (int i = 0; i < 100; ++i) kLog.info("a line that is around a hundred octets long", {{"i", i}});
  shutdown_logging();
  EXPECT_THAT(written(), HasSubstr("\"i\":99}"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "smppd.log.2"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "smppd.log.3"));
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    EXPECT_LE(file.file_size(), 1000U);
    EXPECT_GT(file.file_size(), 0U);
    EXPECT_EQ(written(file.path().filename()).back(), '\n');
  }
}

TEST_F(Log, KeepsTheFormerConfigurationWhenTheFileCannotBeOpened) {
  start();
  LogOptions wrong = options_;
  wrong.file = (folder_ / "missing" / "smppd.log").string();
  const auto outcome = configure_logging(wrong);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error(), HasSubstr("missing/smppd.log: No such file or directory"));
  kLog.info("still here");
  shutdown_logging();
  EXPECT_THAT(written(), HasSubstr("still here"));
}

TEST_F(Log, NeverWaitsForAStuckReaderAndCountsEveryDroppedLine) {
  ASSERT_EQ(::mkfifo(options_.file.c_str(), 0600), 0);
  const int reader = ::open(options_.file.c_str(), O_RDWR | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  start();
  const std::uint64_t before = dropped_log_lines();
  constexpr int kLines = 20'000;
  for (int i = 0; i < kLines; ++i) kLog.info("nobody reads this until all are written", {{"i", i}});
  EXPECT_GT(dropped_log_lines(), before);

  int received = 0;
  std::string last;
  std::atomic<bool> stop{false};
  std::thread drain([&] {
    std::string text(1 << 16, '\0');
    while (true) {
      const bool final_round = stop.load();
      const ssize_t got = ::read(reader, text.data(), text.size());
      for (ssize_t i = 0; i < got; ++i) received += text[static_cast<std::size_t>(i)] == '\n';
      if (got > 0) last = text.substr(0, static_cast<std::size_t>(got));
      if (got <= 0 && final_round) break;
      if (got <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  shutdown_logging();
  stop = true;
  drain.join();
  ::close(reader);
  EXPECT_EQ(static_cast<std::uint64_t>(received) + dropped_log_lines() - before, static_cast<std::uint64_t>(kLines));
  EXPECT_THAT(last, HasSubstr("\"i\":19999}"));  // the oldest were dropped, not the newest
}

TEST_F(Log, CountsLinesThatTheDiskRefuses) {
  options_.file = "/dev/full";
  start();
  const std::uint64_t before = dropped_log_lines();
  testing::internal::CaptureStderr();
  kLog.info("no room");
  kLog.info("no room");
  shutdown_logging();
  EXPECT_EQ(dropped_log_lines() - before, 2U);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot write to /dev/full: No space left on device"));
}

TEST_F(Log, ExportsTheNumberOfDroppedLines) {
  Collector collector;
  collect_logging(collector);
  EXPECT_THAT(prometheus_text(collector), HasSubstr("\nsmppd_telemetry_log_lines_dropped_total "));
}

TEST_F(Log, GoesToStderrAsTextBeforeItIsConfiguredAndAfterShutdown) {
  start();
  shutdown_logging();
  testing::internal::CaptureStderr();
  kLog.error("no file yet", {{"port", 2775}});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), ContainsRegex("Z error testing: no file yet port=2775\n$"));
}

TEST_F(Log, TakesLinesFromManyThreadsWhileItIsReconfigured) {
  options_.level = Level::kInfo;
  start();
  const std::uint64_t before = dropped_log_lines();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 1000; ++i) kLog.info("busy", {{"thread", t}, {"i", i}});
    });
  }
  for (int i = 0; i < 20; ++i) start();
  for (auto& thread : threads) thread.join();
  shutdown_logging();
  const std::string text = written();
  EXPECT_EQ(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + dropped_log_lines() - before,
            4000U);
}

TEST(LogLimit, LetsABurstThroughAndReportsWhatItHeldBack) {
  LogLimit limit(2, std::chrono::seconds(10));
  std::uint64_t suppressed = 99;
  const Instant start{std::chrono::seconds(100)};
  EXPECT_TRUE(limit.allow(start, suppressed));
  EXPECT_EQ(suppressed, 0U);
  EXPECT_TRUE(limit.allow(start, suppressed));
  EXPECT_FALSE(limit.allow(start + std::chrono::seconds(1), suppressed));
  EXPECT_FALSE(limit.allow(start + std::chrono::seconds(9), suppressed));
  EXPECT_TRUE(limit.allow(start + std::chrono::seconds(10), suppressed));
  EXPECT_EQ(suppressed, 2U);
}

TEST(ParseLevel, KnowsTheNamesAndNamesThemWhenItDoesNot) {
  EXPECT_EQ(parse_level("debug"), Level::kDebug);
  EXPECT_EQ(parse_level("warn"), Level::kWarn);
  const auto wrong = parse_level("verbose");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), "unknown log level \"verbose\"; use debug, info, warn, error or off");
}

}  // namespace
}  // namespace smppd::telemetry
