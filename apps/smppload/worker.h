// All sessions of one shard: what they may send and when, and what they saw. Lives on its shard; the coordinator reads
// `published` from its own thread and reaches the rest through EventLoop::post().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/event_loop.h"
#include "smppload/message_templates.h"
#include "smppload/options.h"
#include "smppload/pacer.h"
#include "smppload/receipt_tracker.h"
#include "smppload/session.h"
#include "smppload/stats.h"

namespace smppd::load {

// What the coordinator may know while the run lasts.
struct Published {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> receipts{0};
  std::atomic<std::uint64_t> mo{0};
  std::atomic<std::uint64_t> backlog{0};
  std::atomic<unsigned> in_flight{0};
  std::atomic<unsigned> settling{0};  // sessions neither bound nor given up
  std::atomic<unsigned> bound{0};
  std::atomic<unsigned> bound_senders{0};
  std::atomic<bool> exhausted{false};  // nothing is left to send
};

// Which part of the whole run a worker does.
struct Share {
  unsigned index = 0;
  std::vector<unsigned> sessions;  // their numbers in the whole run
  std::uint64_t messages = UINT64_MAX;
  double rate = 0;
};

class Worker {
 public:
  Worker(runtime::EventLoop& loop, const Options& options, const Share& share, MessageTemplates templates,
         ReceiptTracker& receipts);

  // On the shard's thread.
  void connect();
  void start_sending(std::int64_t at);
  void stop_sending() noexcept;
  void end_warmup() noexcept;
  void unbind_all() noexcept;
  void close_all() noexcept;

  [[nodiscard]] const Published& published() const noexcept { return published_; }
  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

  // For sessions.
  [[nodiscard]] runtime::EventLoop& loop() noexcept { return loop_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] Stats& mutable_stats() noexcept { return stats_; }
  [[nodiscard]] MessageTemplates& templates() noexcept { return templates_; }
  [[nodiscard]] ReceiptTracker& receipts() noexcept { return receipts_; }
  [[nodiscard]] std::int64_t now() const noexcept { return loop_.now().time_since_epoch().count(); }
  [[nodiscard]] std::int64_t measured_from() const noexcept { return measured_from_; }
  [[nodiscard]] bool finishing() const noexcept { return finishing_; }
  // Up to `wanted` messages to send now, all with one intended time.
  Schedule::Due grant(unsigned wanted) noexcept;
  void session_changed() noexcept { publish(); }

 private:
  static void on_housekeeping(void* self) noexcept;
  static void on_publish(void* self) noexcept;
  static void on_pace(void* self) noexcept;
  void pump_all() noexcept;
  void publish() noexcept;

  runtime::EventLoop& loop_;
  const Options& options_;
  MessageTemplates templates_;
  ReceiptTracker& receipts_;
  Stats stats_;
  Published published_;
  std::vector<std::unique_ptr<Session>> sessions_;
  PreciseTimer pace_timer_;
  runtime::Timer housekeeping_;
  runtime::Timer publish_timer_;
  Schedule schedule_;
  std::uint64_t quota_;
  double rate_;
  std::int64_t measured_from_ = 0;
  Instant next_enquiry_{};
  std::size_t turn_ = 0;  // session that is served first next time
  bool sending_ = false;
  bool finishing_ = false;
};

}  // namespace smppd::load
