#include "plugins/filter/logger/logger.h"

#include <fstream>
#include <iterator>

#include "plugins/filter/common/test_support.h"
#include "telemetry/log.h"

namespace smppd::plugins::testing {
namespace {

// Runs `work` and gives what was logged meanwhile at `level` and above.
template <typename Work>
std::string logged(telemetry::Level level, Work&& work) {
  const std::string path = ::testing::TempDir() + "logger_filter_test.log";
  std::remove(path.c_str());
  telemetry::LogOptions options;
  options.level = level;
  options.file = path;
  EXPECT_TRUE(telemetry::configure_logging(options));
  work();
  telemetry::shutdown_logging();
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(LoggerFilter, WritesTheUsefulFieldsAndNotTheText) {
  World world;
  const auto filter = world.make(kLoggerFilter, {});
  const auto lines = logged(telemetry::Level::kInfo, [&] { Message().pass(*filter, world.client("acme")); });
  for (const char* part : {"acme", "258841234567", "submit_sm", "0000004d", "\"octets\":5"}) {
    EXPECT_NE(lines.find(part), std::string::npos) << part << " in " << lines;
  }
  EXPECT_EQ(lines.find("hello"), std::string::npos);
}

TEST(LoggerFilter, WritesTheTextWhenAsked) {
  World world;
  config::Filter options;
  options.text = true;
  const auto filter = world.make(kLoggerFilter, options);
  const auto lines = logged(telemetry::Level::kInfo, [&] { Message().pass(*filter, world.client("acme")); });
  EXPECT_NE(lines.find("hello"), std::string::npos) << lines;
}

TEST(LoggerFilter, WritesOutcomes) {
  World world;
  const auto filter = world.make(kLoggerFilter, {});
  const auto lines = logged(telemetry::Level::kInfo, [&] {
    filter->on_outcome({.id = 77,
                        .client = world.client("acme")->id,
                        .upstream = message::UpstreamId(0),
                        .command_id = smpp::CommandId::submit_sm,
                        .status = smpp::CommandStatus::ESME_RMSGQFUL,
                        .uncertain = false,
                        .elapsed = std::chrono::milliseconds(5),
                        .upstream_message_id = "abc-1"});
  });
  for (const char* part : {"acme", "carrier", "ESME_RMSGQFUL", "abc-1", "0000004d"}) {
    EXPECT_NE(lines.find(part), std::string::npos) << part << " in " << lines;
  }
}

TEST(LoggerFilter, KeepsToItsLevel) {
  World world;
  config::Filter options;
  options.level = "debug";
  const auto filter = world.make(kLoggerFilter, options);
  EXPECT_EQ(logged(telemetry::Level::kInfo, [&] { Message().pass(*filter, nullptr); }), "");
  EXPECT_NE(logged(telemetry::Level::kDebug, [&] { Message().pass(*filter, nullptr); }), "");
}

}  // namespace
}  // namespace smppd::plugins::testing
