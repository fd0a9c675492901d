// What the store costs a message: appended and committed, read back, recovered.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "plugins/store/rocksdb/rocks_store.h"

namespace smppd::plugins {

namespace {

using store::ItemId;
using store::Transaction;

store::Moment wall() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Flow final : public store::Consumer {
 public:
  void on_durable(store::Sequence last) noexcept override { durable = last; }
  void on_read(const store::ReadAnswer& answer) noexcept override {
    for (const auto& item : answer.items) {
      read_bytes += item.body.size();
      done.push_back(item.id);
    }
    more = answer.more;
    answered = true;
  }
  void on_ready(store::LaneId) noexcept override {}
  void on_room(store::Room) noexcept override {}

  store::Sequence durable = 0;
  std::uint64_t read_bytes = 0;
  std::vector<ItemId> done;
  bool more = false;
  bool answered = false;
};

// STORE_BENCH_DIR chooses the disk.
std::string bench_directory() {
  const char* base = std::getenv("STORE_BENCH_DIR");
  const std::string path = std::string(base == nullptr ? "/tmp" : base) + "/smppd-store-bench";
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

struct Run {
  std::string path = bench_directory();
  store::StoreOptions options;
  std::unique_ptr<store::Store> store;
  Flow flow;

  explicit Run(store::Durability durability) {
    options.path = path;
    options.durability = durability;
    options.max_items = 50'000'000;
    options.max_bytes = 64ULL << 30;
  }
  ~Run() {
    store.reset();
    std::filesystem::remove_all(path);
  }
  void open() {
    store.reset();
    auto opened = kRocksStore.open(options);
    if (!opened) {
      std::fprintf(stderr, "%s\n", opened.error().c_str());
      std::abort();
    }
    store = std::move(*opened);
    store->partition(0).attach(flow, [] {});
  }
  store::Partition& partition() { return store->partition(0); }
  void settle(store::Sequence sequence) {
    while (flow.durable < sequence) {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      partition().turn(wall());
    }
  }
};

const std::string& body() {
  static const std::string octets(230, 'b');  // 300 octets a record
  return octets;
}

store::Progress progress(bool held) {
  store::Progress made;
  made.state = 1;
  made.lane = store::LaneId(1);
  made.due = wall();
  made.held = held;
  return made;
}

// Fills the queue with `count` messages and returns the last sequence.
store::Sequence fill(Run& run, std::uint64_t count, ItemId first) {
  Transaction transaction;
  const store::Progress waiting = progress(false);
  store::Sequence last = 0;
  for (std::uint64_t i = 0; i < count;) {
    transaction.clear();
    transaction.enqueue(first + i, waiting, as_bytes(body()));
    const auto sequence = run.partition().append(transaction, store::Intake::kNew);
    if (sequence != 0) {
      last = sequence;
      ++i;
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (sequence == 0 || i % 256 == 0) run.partition().turn(wall());
  }
  return last;
}

// A message's whole way in the store: accepted; sent; answered and finished with its correlation kept; the receipt
// erases it. `window` messages are between acceptance and answer. Optionally above a queue that does not move.
void whole_way(benchmark::State& state) {
  const auto durability = static_cast<store::Durability>(state.range(0));
  const auto queued = static_cast<std::uint64_t>(state.range(1));
  constexpr std::uint64_t kWindow = 20'000;
  constexpr std::uint64_t kMessages = 1'000'000;
  for (auto _ : state) {
    Run run(durability);
    run.open();
    if (queued > 0) run.settle(fill(run, queued, 1'000'000'000));
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    const store::Progress held = progress(true);
    store::Progress sent = held;
    sent.state = 2;
    Transaction transaction;
    store::Sequence last = 0;
    std::uint64_t refused = 0;
    char key[32];
    const auto key_of = [&key](std::uint64_t id) {
      return std::string_view(key, static_cast<std::size_t>(std::snprintf(key, sizeof key, "12/%016lx", id)));
    };
    const auto append = [&](store::Intake intake) {
      for (;;) {
        const auto sequence = run.partition().append(transaction, intake);
        if (sequence != 0) {
          last = sequence;
          return;
        }
        ++refused;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        run.partition().turn(wall());
      }
    };
    for (std::uint64_t i = 1; i <= kMessages + 3 * kWindow; ++i) {
      if (i <= kMessages) {
        transaction.clear();
        transaction.enqueue(i, held, as_bytes(body()));
        append(store::Intake::kNew);
      }
      if (i > kWindow && i - kWindow <= kMessages) {
        transaction.clear();
        transaction.amend(i - kWindow, sent);
        append(store::Intake::kOwed);
      }
      if (i > 2 * kWindow && i - 2 * kWindow <= kMessages) {
        transaction.clear();
        transaction.finish(i - 2 * kWindow);
        transaction.put(store::Table::kCorrelations, key_of(i - 2 * kWindow), as_bytes("12345678901234567890"),
                        store::kNever);
        append(store::Intake::kOwed);
      }
      if (i > 3 * kWindow) {
        transaction.clear();
        transaction.erase(store::Table::kCorrelations, key_of(i - 3 * kWindow));
        append(store::Intake::kOwed);
      }
      if (i % 128 == 0) run.partition().turn(wall());
    }
    run.settle(last);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    state.counters["cpu_us_per_message"] = (cpu_seconds() - cpu) * 1e6 / kMessages;
    state.counters["messages_per_second"] = kMessages / seconds;
    state.counters["transactions_per_sync"] =
        4.0 * kMessages / static_cast<double>(std::max<std::uint64_t>(run.partition().stats().syncs, 1));
    state.counters["refused"] = static_cast<double>(refused);
    state.counters["disk_MB"] = static_cast<double>(run.partition().stats().disk_bytes) / 1e6;
  }
}

void append_and_commit(benchmark::State& state) {
  constexpr std::uint64_t kMessages = 2'000'000;
  for (auto _ : state) {
    Run run(static_cast<store::Durability>(state.range(0)));
    run.open();
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    run.settle(fill(run, kMessages, 1));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    state.counters["cpu_us_per_message"] = (cpu_seconds() - cpu) * 1e6 / kMessages;
    state.counters["messages_per_second"] = kMessages / seconds;
    state.counters["refused"] = static_cast<double>(run.partition().stats().refused);
  }
}

// A queue of so many messages: how long the next start takes, and what it then costs to send them all.
void recover_and_read_back(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const bool crashed = state.range(1) != 0;
  for (auto _ : state) {
    Run run(store::Durability::kOs);
    run.open();
    run.settle(fill(run, count, 1));
    const auto memory = run.partition().stats().memory_bytes;
    run.store.reset();
    if (crashed) {  // what a kill leaves at worst: no index at all
      for (const auto& entry : std::filesystem::recursive_directory_iterator(run.path)) {
        if (entry.path().extension() == ".idx") std::filesystem::remove(entry.path());
      }
    }
    run.open();
    state.counters["recovery_seconds"] = run.store->recovery().seconds;
    state.counters["octets_of_memory_per_item"] = static_cast<double>(memory) / static_cast<double>(count);
    run.flow = Flow();
    run.partition().turn(wall());
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    const std::uint64_t wanted = std::min<std::uint64_t>(count, 1'000'000);
    Transaction transaction;
    for (std::uint64_t read = 0; read < wanted;) {
      store::ReadRequest request;
      request.kind = store::ReadRequest::Kind::kTake;
      request.lane = store::LaneId(1);
      request.limit = 512;
      run.flow.answered = false;
      run.partition().read(request);
      while (!run.flow.answered) run.partition().turn(wall());
      read += run.flow.done.size();
      for (const ItemId id : run.flow.done) {
        transaction.clear();
        transaction.finish(id);
        while (run.partition().append(transaction, store::Intake::kOwed) == 0) run.partition().turn(wall());
      }
      run.flow.done.clear();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    state.counters["read_back_per_second"] = static_cast<double>(wanted) / seconds;
    state.counters["read_back_cpu_us"] = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(wanted);
  }
}

BENCHMARK(append_and_commit)->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(whole_way)->Args({0, 0})->Args({1, 0})->Args({0, 10'000'000})->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(recover_and_read_back)
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1})
    ->Args({10'000'000, 0})
    ->Args({10'000'000, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace smppd::plugins
