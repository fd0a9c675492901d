#include "telemetry/log.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/async.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include "telemetry/internal/log_line.h"
#include "telemetry/internal/log_output.h"
#include "telemetry/metrics.h"

namespace smppd::telemetry {
namespace {

constexpr std::size_t kQueuedLines = 8192;
constexpr auto kShutdownWait = std::chrono::seconds(5);
constexpr MetricDescription kDroppedLines{"smppd_telemetry_log_lines_dropped_total", MetricKind::kCounter,
                                          "Log lines lost because the writer fell behind or could not write."};

struct LevelTable {
  Level fallback;
  std::vector<std::pair<std::string, Level>> modules;

  [[nodiscard]] Level of(const char* module) const noexcept {
    for (const auto& [name, level] : modules) {
      if (std::strcmp(name.c_str(), module) == 0) return level;
    }
    return fallback;
  }
};

// Used by the writer's thread. What other threads ask of it never waits for an output that is stuck.
class LineSink final : public spdlog::sinks::sink {
 public:
  explicit LineSink(LogOutput output) : output_(std::move(output)) {}

  // The next line goes to `output`.
  void replace(LogOutput output) {
    const std::lock_guard lock(next_mutex_);
    next_ = std::move(output);
    has_next_.store(true, std::memory_order_release);
  }
  void read_queue_of(spdlog::details::thread_pool* pool) noexcept { pool_ = pool; }
  [[nodiscard]] std::uint64_t lost_lines() const noexcept { return lost_.load(std::memory_order_relaxed); }

  // The payload is the body of a line behind the letter of its format; several lines are written in one go while more
  // are waiting.
  void log(const spdlog::details::log_msg& message) override {
    if (has_next_.load(std::memory_order_acquire)) take_next();
    const std::string_view payload(message.payload.data(), message.payload.size());
    line_.clear();
    append_line(line_, static_cast<LineFormat>(payload.front()), message.time, to_level(message.level),
                payload.substr(1));
    output_.append(line_);
    if (pool_.load()->queue_size() == 0) output_.flush();
    publish_losses();
  }
  void flush() override {
    output_.flush();
    publish_losses();
  }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  void take_next() {
    const std::lock_guard lock(next_mutex_);
    output_.flush();
    lost_before_ += output_.lost_lines();
    output_ = std::move(*next_);
    next_.reset();
    has_next_.store(false, std::memory_order_relaxed);
  }
  void publish_losses() noexcept { lost_.store(lost_before_ + output_.lost_lines(), std::memory_order_relaxed); }
  static Level to_level(spdlog::level::level_enum level) noexcept {
    switch (level) {
      case spdlog::level::debug: return Level::kDebug;
      case spdlog::level::warn: return Level::kWarn;
      case spdlog::level::err: return Level::kError;
      default: return Level::kInfo;
    }
  }

  LogOutput output_;
  std::string line_;
  std::uint64_t lost_before_ = 0;
  std::mutex next_mutex_;
  std::optional<LogOutput> next_;
  std::atomic<bool> has_next_{false};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<spdlog::details::thread_pool*> pool_{nullptr};
};

// What lines being written read, without a lock. The objects behind the pointers are never freed, so that a line under
// way during a reload or shutdown finds them; a reload adds one small table.
struct Published {
  std::atomic<Level> lowest{Level::kInfo};
  std::atomic<const LevelTable*> levels{nullptr};
  std::atomic<spdlog::async_logger*> writer{nullptr};
  std::atomic<LineFormat> format{LineFormat::kText};
  std::atomic<std::uint64_t> not_queued{0};
};
constinit Published published;

// Touched by the control thread, and by whoever asks for the number of dropped lines.
struct Control {
  std::mutex mutex;
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::vector<std::shared_ptr<spdlog::async_logger>> writers;
  std::vector<std::unique_ptr<const LevelTable>> tables;
  std::uint64_t dropped_before = 0;
};
Control& control() {
  static auto* instance = new Control;  // lives as long as the last thread that may log
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) noexcept {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
    case Level::kOff: return spdlog::level::off;
  }
  return spdlog::level::off;
}

void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void start_writer(Control& c, LogOutput output) {
  c.sink = std::make_shared<LineSink>(std::move(output));
  c.pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1, block_all_signals);
  c.sink->read_queue_of(c.pool.get());
  auto writer =
      std::make_shared<spdlog::async_logger>("smppd", c.sink, c.pool, spdlog::async_overflow_policy::overrun_oldest);
  writer->set_level(spdlog::level::trace);
  writer->set_error_handler([](const std::string&) { published.not_queued.fetch_add(1, std::memory_order_relaxed); });
  published.writer.store(writer.get());
  c.writers.push_back(std::move(writer));
}

void publish_levels(Control& c, const LogOptions& options) {
  auto table = std::make_unique<LevelTable>();
  table->fallback = options.level;
  table->modules.assign(options.module_levels.begin(), options.module_levels.end());
  Level lowest = options.level;
  for (const auto& [module, level] : table->modules) lowest = std::min(lowest, level);
  published.levels.store(table.get());
  published.lowest.store(lowest);
  c.tables.push_back(std::move(table));
}

void write_to_stderr(Level level, std::string_view body) {
  std::string line;
  append_line(line, LineFormat::kText, std::chrono::system_clock::now(), level, body);
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) published.not_queued.fetch_add(1);
}

}  // namespace

bool Logger::enabled(Level level) const noexcept {
  if (level < published.lowest.load(std::memory_order_relaxed)) return false;
  if (level == Level::kOff) return false;
  const LevelTable* table = published.levels.load(std::memory_order_acquire);
  return table == nullptr || level >= table->of(module_);
}

void Logger::write(Level level, std::string_view sentence, std::initializer_list<LogField> fields) const noexcept {
  if (!enabled(level)) return;
  try {
    thread_local std::string payload;
    payload.clear();
    spdlog::async_logger* writer = published.writer.load(std::memory_order_acquire);
    if (writer == nullptr) {
      append_line_body(payload, LineFormat::kText, module_, sentence, fields);
      return write_to_stderr(level, payload);
    }
    const LineFormat format = published.format.load(std::memory_order_relaxed);
    payload += static_cast<char>(format);
    append_line_body(payload, format, module_, sentence, fields);
    writer->log(to_spdlog(level), spdlog::string_view_t(payload.data(), payload.size()));
  } catch (...) {
    published.not_queued.fetch_add(1, std::memory_order_relaxed);
  }
}

bool LogLimit::allow(Instant now, std::uint64_t& suppressed) noexcept {
  if (window_start_ == Instant{} || now - window_start_ >= interval_) {
    window_start_ = now;
    written_ = 0;
  }
  if (written_ >= burst_) {
    ++suppressed_;
    return false;
  }
  ++written_;
  suppressed = std::exchange(suppressed_, 0);
  return true;
}

Fallible<void> configure_logging(const LogOptions& options) {
  auto output = LogOutput::open(options.file, options.rotate_bytes, options.rotate_files);
  if (!output) return std::unexpected(output.error());
  Control& c = control();
  const std::lock_guard lock(c.mutex);
  published.format.store(options.json ? LineFormat::kJson : LineFormat::kText);
  publish_levels(c, options);
  if (c.pool == nullptr) {
    start_writer(c, std::move(*output));
  } else {
    c.sink->replace(std::move(*output));
  }
  return {};
}

void shutdown_logging() noexcept {
  Control& c = control();
  const std::lock_guard lock(c.mutex);
  published.writer.store(nullptr);
  if (c.pool == nullptr) return;

  struct Done {
    std::mutex mutex;
    std::condition_variable changed;
    bool yes = false;
  };
  const auto done = std::make_shared<Done>();
  c.dropped_before += c.pool->overrun_counter();
  // Ending the pool writes out its queue; on a thread of its own because the reader of stdout may never read again.
  std::thread([done, sink = c.sink, pool = std::move(c.pool)]() mutable {
    pool.reset();
    sink->flush();
    const std::lock_guard done_lock(done->mutex);
    done->yes = true;
    done->changed.notify_all();
  }).detach();
  c.pool = nullptr;

  std::unique_lock wait(done->mutex);
  if (!done->changed.wait_for(wait, kShutdownWait, [&] { return done->yes; })) {
    write_to_stderr(Level::kWarn, "telemetry: the last log lines could not be written, their reader does not read");
    return;
  }
  c.dropped_before += c.sink->lost_lines();
  c.sink = nullptr;
}

std::uint64_t dropped_log_lines() noexcept {
  Control& c = control();
  const std::lock_guard lock(c.mutex);
  std::uint64_t dropped = c.dropped_before + published.not_queued.load();
  if (c.pool != nullptr) dropped += c.pool->overrun_counter() + c.sink->lost_lines();
  return dropped;
}

void collect_logging(Collector& collector) { collector.add(kDroppedLines, static_cast<double>(dropped_log_lines())); }

Fallible<Level> parse_level(std::string_view name) {
  if (name == "debug") return Level::kDebug;
  if (name == "info") return Level::kInfo;
  if (name == "warn" || name == "warning") return Level::kWarn;
  if (name == "error") return Level::kError;
  if (name == "off") return Level::kOff;
  return failure(fmt::format("unknown log level \"{}\"; use debug, info, warn, error or off", name));
}

}  // namespace smppd::telemetry
