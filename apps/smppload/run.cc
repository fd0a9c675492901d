#include "smppload/run.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include "runtime/shard.h"
#include "smppload/worker.h"

namespace smppd::load {

namespace {

constexpr Duration kPoll = std::chrono::milliseconds(2);
constexpr Duration kLinger = std::chrono::milliseconds(200);  // for receipts that come twice
constexpr Duration kGrace = std::chrono::seconds(3);
constexpr std::size_t kMailbox = 4096;

volatile std::sig_atomic_t g_interrupted = 0;

Instant clock_now() { return std::chrono::steady_clock::now(); }

class Run {
 public:
  Run(const Options& options, std::vector<MessageTemplates> templates)
      : options_(options), shards_(options.threads, kMailbox), receipts_(options.receipt_ids) {
    make_workers(std::move(templates));
  }

  Outcome execute();

 private:
  template <typename Value>
  std::uint64_t sum(std::atomic<Value> Published::* member) const {
    std::uint64_t total = 0;
    for (const auto& worker : workers_) total += (worker->published().*member).load(std::memory_order_relaxed);
    return total;
  }
  void make_workers(std::vector<MessageTemplates> templates);
  void on_each(const std::function<void(Worker&)>& work) {
    shards_.run_on_all([&](runtime::Shard& shard) { work(*workers_[shard.index()]); }, kGrace);
  }
  template <typename Done>
  bool wait(Instant deadline, Done&& done) {
    while (!done()) {
      if (g_interrupted != 0 || clock_now() >= deadline) return false;
      show_progress();
      std::this_thread::sleep_for(kPoll);
    }
    return true;
  }
  [[nodiscard]] Instant after(Duration duration) const { return clock_now() + duration; }
  void start_cpu();
  void stop_cpu();
  void send_all();
  void await_receipts();
  void await_mo(Instant deadline);
  void show_progress();

  const Options& options_;
  runtime::ShardGroup shards_;
  ReceiptTracker receipts_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Outcome outcome_;
  double cpu_before_ = 0;
  std::optional<double> other_cpu_before_;
  Instant shown_ = clock_now();
  std::uint64_t shown_answered_ = 0;
  unsigned seconds_shown_ = 0;
};

void Run::make_workers(std::vector<MessageTemplates> templates) {
  const unsigned threads = options_.threads;
  for (unsigned i = 0; i < threads; ++i) {
    Share share;
    share.index = i;
    for (unsigned session = i; session < options_.sessions; session += threads) share.sessions.push_back(session);
    if (options_.messages) share.messages = *options_.messages / threads + (i < *options_.messages % threads ? 1 : 0);
    if (!options_.sends()) share.messages = 0;
    share.rate = options_.rate / threads;
    workers_.push_back(std::make_unique<Worker>(shards_.shard(i).loop(), options_, std::move(share),
                                                std::move(templates[i]), receipts_));
  }
  outcome_.sessions_wanted = options_.sessions * (options_.bind.mode == BindMode::pair ? 2 : 1);
}

void Run::show_progress() {
  const Instant now = clock_now();
  if (!options_.progress || now - shown_ < std::chrono::seconds(1)) return;
  const std::uint64_t answered = sum(&Published::answered);
  const double seconds = std::chrono::duration<double>(now - shown_).count();
  const double rate = static_cast<double>(answered - std::min(answered, shown_answered_)) / seconds;
  const bool tty = isatty(STDERR_FILENO) != 0;
  std::fprintf(
      stderr, "%s%us: sent %llu, answered %llu (%.0f/s), in flight %llu, waiting %llu, receipts %llu, MO %llu%s",
      tty ? "\r\033[K" : "", ++seconds_shown_, static_cast<unsigned long long>(sum(&Published::sent)),
      static_cast<unsigned long long>(answered), rate, static_cast<unsigned long long>(sum(&Published::in_flight)),
      static_cast<unsigned long long>(sum(&Published::backlog)),
      static_cast<unsigned long long>(sum(&Published::receipts)), static_cast<unsigned long long>(sum(&Published::mo)),
      tty ? "" : "\n");
  std::fflush(stderr);
  shown_ = now;
  shown_answered_ = answered;
}

void Run::start_cpu() {
  cpu_before_ = toolkit::process_usage().cpu_seconds();
  if (options_.cpu_of) other_cpu_before_ = toolkit::cpu_seconds_of(*options_.cpu_of);
}

void Run::stop_cpu() {
  outcome_.cpu_seconds = toolkit::process_usage().cpu_seconds() - cpu_before_;
  if (!other_cpu_before_) return;
  if (const auto now = toolkit::cpu_seconds_of(*options_.cpu_of))
    outcome_.other_cpu_seconds = *now - *other_cpu_before_;
}

void Run::send_all() {
  const Instant start = clock_now();
  start_cpu();
  on_each([&](Worker& worker) { worker.start_sending(start.time_since_epoch().count()); });
  const auto over = [&] {
    const bool nobody = options_.sends() ? sum(&Published::bound_senders) == 0 : sum(&Published::bound) == 0;
    const bool hopeless = nobody && !options_.reconnect;
    const bool exhausted = options_.messages && options_.sends() && sum(&Published::exhausted) == workers_.size();
    return hopeless || exhausted;
  };
  if (options_.warmup > Duration::zero()) {
    wait(after(options_.warmup), over);
    start_cpu();
    on_each([](Worker& worker) { worker.end_warmup(); });
  }
  const Instant end = options_.duration ? after(*options_.duration) : Instant::max();
  if (options_.sends()) {
    wait(end, over);
  } else {
    await_mo(end);
  }
  on_each([](Worker& worker) { worker.stop_sending(); });
  outcome_.interrupted = g_interrupted != 0;
  g_interrupted = 0;
  wait(after(options_.response_timeout + kGrace), [&] { return sum(&Published::in_flight) == 0; });
}

void Run::await_mo(Instant deadline) {
  wait(deadline, [&] {
    if (sum(&Published::bound) == 0 && !options_.reconnect) return true;
    return options_.expected_mo && sum(&Published::mo) >= *options_.expected_mo;
  });
}

// The wait starts anew with every receipt that comes.
void Run::await_receipts() {
  std::uint64_t before = receipts_.pending();
  Instant deadline = after(options_.receipt_timeout);
  wait(Instant::max(), [&] {
    const std::uint64_t pending = receipts_.pending();
    if (pending == 0) return true;
    if (pending != before) {
      before = pending;
      deadline = after(options_.receipt_timeout);
    }
    return clock_now() >= deadline;
  });
  wait(after(kLinger), [] { return false; });
}

Outcome Run::execute() {
  shards_.start(options_.pin_cpus, Duration::zero(), [](runtime::Shard&) {});
  const Instant connecting = clock_now();
  on_each([](Worker& worker) { worker.connect(); });
  wait(after(options_.connect_timeout + kGrace), [&] {
    outcome_.sessions_bound = std::max(outcome_.sessions_bound, static_cast<unsigned>(sum(&Published::bound)));
    return sum(&Published::settling) == 0 || (options_.reconnect && outcome_.sessions_bound > 0);
  });
  outcome_.bind_seconds = std::chrono::duration<double>(clock_now() - connecting).count();
  outcome_.sessions_bound = std::max(outcome_.sessions_bound, static_cast<unsigned>(sum(&Published::bound)));
  if (outcome_.sessions_bound > 0) {
    send_all();
    stop_cpu();
    if (options_.awaits_receipts()) await_receipts();
    if (options_.expected_mo && options_.sends()) await_mo(after(options_.receipt_timeout));
  }
  on_each([](Worker& worker) { worker.unbind_all(); });
  wait(after(kGrace), [&] { return sum(&Published::bound) + sum(&Published::settling) == 0; });
  on_each([](Worker& worker) { worker.close_all(); });
  shards_.stop_and_join();
  for (const auto& worker : workers_) outcome_.stats.merge(worker->stats());
  if (options_.progress && isatty(STDERR_FILENO) != 0) std::fputc('\n', stderr);
  Stats& stats = outcome_.stats;
  stats.receipts_missing = receipts_.pending();
  stats.receipts_unknown = receipts_.unknown();
  outcome_.seconds = static_cast<double>(std::max<std::int64_t>(stats.last_answered - stats.first_sent, 0)) * 1e-9;
  outcome_.usage = toolkit::process_usage();
  return std::move(outcome_);
}

}  // namespace

Fallible<Outcome> run(const Options& options) {
  std::vector<MessageTemplates> templates;
  for (unsigned i = 0; i < options.threads; ++i) {
    auto made = MessageTemplates::make(options, options.seed + i);
    if (!made) return failure(made.error());
    templates.push_back(std::move(*made));
  }
  struct sigaction action{};
  action.sa_handler = [](int) { g_interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return Run(options, std::move(templates)).execute();
}

}  // namespace smppd::load
