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
  void on_expired(std::span<const store::ItemId>) noexcept override {}
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

// Offers the changes of a message's way to a partition and waits where it is refused.
class Sender {
 public:
  explicit Sender(Run& run) : run_(run), held_(progress(true)), sent_(held_) { sent_.state = 2; }

  void accept(ItemId id) {
    transaction_.enqueue(id, held_, as_bytes(body()));
    append(store::Intake::kNew);
  }
  void send(ItemId id) {
    transaction_.amend(id, sent_);
    append(store::Intake::kOwed);
  }
  void answered(ItemId id) {
    transaction_.finish(id);
    transaction_.put(store::Table::kCorrelations, key_of(id), as_bytes("12345678901234567890"), store::kNever);
    append(store::Intake::kOwed);
  }
  void receipt(ItemId id) {
    transaction_.erase(store::Table::kCorrelations, key_of(id));
    append(store::Intake::kOwed);
  }
  store::Sequence last = 0;
  std::uint64_t refused = 0;

 private:
  std::string_view key_of(ItemId id) {
    store_be(reinterpret_cast<std::uint8_t*>(&key_[3]), id);
    return {key_, sizeof key_};
  }
  void append(store::Intake intake) {
    while ((last = run_.partition().append(transaction_, intake)) == 0) {
      ++refused;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      run_.partition().turn(wall());
    }
    transaction_.clear();
  }

  Run& run_;
  store::Progress held_;
  store::Progress sent_;
  Transaction transaction_;
  char key_[11] = {'1', '2', '/'};
};

// A message's whole way in the store: accepted; sent; answered and finished with its correlation kept; the receipt
// erases it. `window` messages are between each step and the next. Optionally above a queue that does not move.
void whole_way(benchmark::State& state) {
  const auto queued = static_cast<std::uint64_t>(state.range(1));
  constexpr std::uint64_t kWindow = 20'000;
  constexpr std::uint64_t kMessages = 1'000'000;
  for (auto _ : state) {
    Run run(static_cast<store::Durability>(state.range(0)));
    run.open();
    if (queued > 0) run.settle(fill(run, queued, 1'000'000'000));
    const std::uint64_t syncs = run.partition().stats().syncs;
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    Sender sender(run);
    for (std::uint64_t i = 1; i <= kMessages + 3 * kWindow; ++i) {
      if (i <= kMessages) sender.accept(i);
      if (i > kWindow && i - kWindow <= kMessages) sender.send(i - kWindow);
      if (i > 2 * kWindow && i - 2 * kWindow <= kMessages) sender.answered(i - 2 * kWindow);
      if (i > 3 * kWindow) sender.receipt(i - 3 * kWindow);
      if (i % 128 == 0) run.partition().turn(wall());
    }
    run.settle(sender.last);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    state.counters["cpu_us_per_message"] = (cpu_seconds() - cpu) * 1e6 / kMessages;
    state.counters["messages_per_second"] = kMessages / seconds;
    state.counters["syncs"] = static_cast<double>(run.partition().stats().syncs - syncs);
    state.counters["refused"] = static_cast<double>(sender.refused);
    state.counters["disk_MB"] = static_cast<double>(run.partition().stats().disk_bytes) / 1e6;
  }
}

// As the flow does it on one shard: (1) accepted and sent at once; (2) answered: finished, correlation kept; and with a
// receipt (3) the inbox has it, the correlation is final; (4) the client has it.
class Way {
 public:
  explicit Way(Run& run) : run_(run), held_(progress(true)) {
    held_.state = 2;
    held_.expires = held_.due + std::chrono::hours(48);
  }

  void accepted(ItemId id) {
    transaction_.enqueue(id, held_, ByteSpan(octets_).first(250));
    append(store::Intake::kNew);
  }
  void answered(ItemId id) {
    transaction_.finish(id);
    transaction_.put(store::Table::kCorrelations, key_of(id), ByteSpan(octets_).first(80), held_.due + kKept);
    append(store::Intake::kOwed);
  }
  void receipt(ItemId id) {
    transaction_.enqueue(kInbox + id, held_, ByteSpan(octets_).first(200));
    transaction_.put(store::Table::kCorrelations, key_of(id), ByteSpan(octets_).first(80), held_.due + kFinal);
    append(store::Intake::kOwed);
  }
  void delivered(ItemId id) {
    transaction_.finish(kInbox + id);
    append(store::Intake::kOwed);
  }
  store::Sequence last = 0;
  std::uint64_t refused = 0;

 private:
  static constexpr ItemId kInbox = ItemId{1} << 40;
  static constexpr auto kKept = std::chrono::hours(24 * 9);
  static constexpr auto kFinal = std::chrono::minutes(10);
  std::string_view key_of(ItemId id) {
    store_be(reinterpret_cast<std::uint8_t*>(&key_[32]), id);
    return {key_, sizeof key_};
  }
  void append(store::Intake intake) {
    while ((last = run_.partition().append(transaction_, intake)) == 0) {
      ++refused;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      run_.partition().turn(wall());
    }
    transaction_.clear();
  }

  Run& run_;
  store::Progress held_;
  Transaction transaction_;
  std::vector<std::uint8_t> octets_ = std::vector<std::uint8_t>(250, 'b');
  char key_[40] = "upstream group/0123456789abcdef";
};

// STORE_BENCH_MESSAGES: fewer, to count instructions with callgrind.
std::uint64_t messages() {
  const char* number = std::getenv("STORE_BENCH_MESSAGES");
  return number == nullptr ? 1'000'000 : std::strtoull(number, nullptr, 10);
}

void flow_way(benchmark::State& state) {
  const bool with_receipt = state.range(0) != 0;
  const auto queued = static_cast<std::uint64_t>(state.range(1));
  constexpr std::uint64_t kWindow = 5000;
  const std::uint64_t count = messages();
  for (auto _ : state) {
    Run run(store::Durability::kFsync);
    run.open();
    if (queued > 0) run.settle(fill(run, queued, 1'000'000'000));
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    Way way(run);
    for (std::uint64_t i = 1; i <= count + 3 * kWindow; ++i) {
      if (i <= count) way.accepted(i);
      if (i > kWindow && i - kWindow <= count) way.answered(i - kWindow);
      if (with_receipt && i > 2 * kWindow && i - 2 * kWindow <= count) way.receipt(i - 2 * kWindow);
      if (with_receipt && i > 3 * kWindow) way.delivered(i - 3 * kWindow);
      if (i % 128 == 0) run.partition().turn(wall());
    }
    run.settle(way.last);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    state.counters["cpu_us_per_message"] = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(count);
    state.counters["messages_per_second"] = static_cast<double>(count) / seconds;
    state.counters["refused"] = static_cast<double>(way.refused);
    state.counters["disk_MB"] = static_cast<double>(run.partition().stats().disk_bytes) / 1e6;
    state.counters["moved"] = static_cast<double>(run.partition().stats().moved);
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
BENCHMARK(flow_way)->Args({0, 0})->Args({1, 0})->Args({1, 10'000'000})->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(recover_and_read_back)
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1})
    ->Args({10'000'000, 0})
    ->Args({10'000'000, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace smppd::plugins
