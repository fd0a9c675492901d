// Structured logs: one line is a sentence plus typed fields, written as JSON or text by one background thread.
//
// A Logger is a constant per module (`constexpr telemetry::Logger kLog{"downstream"};`), usable from any thread. A
// disabled level costs one load. Lines never block a shard: when the writer falls behind, the oldest lines are dropped
// and counted (smppd_telemetry_log_lines_dropped_total). Field values are escaped by the sink; secrets must not be
// passed.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"

namespace smppd::telemetry {

class Collector;

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <typename T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  LogField(std::string_view k, T v) : key(k) {
    if constexpr (std::is_signed_v<T>) {
      value = static_cast<std::int64_t>(v);
    } else {
      value = static_cast<std::uint64_t>(v);
    }
  }
};

class Logger {
 public:
  explicit constexpr Logger(const char* module) noexcept : module_(module) {}

  [[nodiscard]] bool enabled(Level level) const noexcept;
  void write(Level level, std::string_view sentence, std::initializer_list<LogField> fields = {}) const noexcept;

  void debug(std::string_view s, std::initializer_list<LogField> f = {}) const noexcept { write(Level::kDebug, s, f); }
  void info(std::string_view s, std::initializer_list<LogField> f = {}) const noexcept { write(Level::kInfo, s, f); }
  void warn(std::string_view s, std::initializer_list<LogField> f = {}) const noexcept { write(Level::kWarn, s, f); }
  void error(std::string_view s, std::initializer_list<LogField> f = {}) const noexcept { write(Level::kError, s, f); }

 private:
  const char* module_;
};

// Lets through `burst` lines per interval and counts the rest; for lines a peer can provoke. Shard-local.
class LogLimit {
 public:
  explicit LogLimit(int burst = 5, Duration interval = std::chrono::seconds(10)) noexcept
      : burst_(burst), interval_(interval) {}
  // True when the line may be written; `suppressed` receives how many were held back since the last one.
  [[nodiscard]] bool allow(Instant now, std::uint64_t& suppressed) noexcept;

 private:
  int burst_;
  Duration interval_;
  Instant window_start_{};
  int written_ = 0;
  std::uint64_t suppressed_ = 0;
};

struct LogOptions {
  Level level = Level::kInfo;
  std::map<std::string, Level, std::less<>> module_levels;
  bool json = true;
  std::string file;                          // empty: stdout
  std::uint64_t rotate_bytes = 100'000'000;  // 0: never
  int rotate_files = 10;                     // old files kept: FILE.1 (newest) to FILE.10
};

// Starts or reconfigures logging for the process; before the first call lines go to stderr as text. Control thread
// only. A log file is opened anew each time, so a reload also follows a file that was moved away. On error the former
// configuration stays in force.
[[nodiscard]] Fallible<void> configure_logging(const LogOptions& options);
// Writes out what is queued (waiting at most five seconds for a stuck reader of stdout) and stops the writer; later
// lines go to stderr again. Control thread only.
void shutdown_logging() noexcept;
[[nodiscard]] std::uint64_t dropped_log_lines() noexcept;
// Adds smppd_telemetry_log_lines_dropped_total; collected once a process, not once a shard.
void collect_logging(Collector& collector);

[[nodiscard]] Fallible<Level> parse_level(std::string_view name);

}  // namespace smppd::telemetry
