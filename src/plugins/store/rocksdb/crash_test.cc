// A process of its own writes to a store on the real disk and is killed with SIGKILL at a random instant, many times.
// It says on a pipe what became durable; the next life must have all of that, and none of what was durably finished.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/store/conformance/driver.h"
#include "plugins/store/rocksdb/rocks_store.h"

namespace smppd::plugins {

namespace {

using store::ItemId;
using store::conformance::one_item;
using store::conformance::queued;
using store::conformance::Shard;

constexpr const char* kChildFlag = "--store-crash-child";
constexpr store::LaneId kLane{1};
const store::Moment kNow{std::chrono::milliseconds(1'700'000'000'000)};  // everything is due at once

// What the child tells: a number was accepted (durable), or finished (durable).
struct Word {
  ItemId id = 0;
  std::uint64_t finished = 0;
};

store::StoreOptions crash_options(const char* path) {
  store::StoreOptions options;
  options.path = path;
  options.segment_bytes = 1U << 20;
  return options;
}

}  // namespace

// Runs until it is killed: accepts numbers from argv[3] on, finishes all but every seventh.
int crash_child(char** arguments) {
  auto opened = kRocksStore.open(crash_options(arguments[2]));
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().c_str());
    return 1;
  }
  Shard shard((*opened)->partition(0), kNow);
  std::multimap<store::Sequence, Word> unsaid;
  const std::string body(300, 'c');
  for (ItemId id = std::strtoull(arguments[3], nullptr, 10);; ++id) {
    if (const auto sequence = shard.append(one_item(id, queued(kLane, kNow), body)); sequence != 0) {
      unsaid.emplace(sequence, Word{id, 0});
    }
    if ((id - 3) % 7 != 0) {
      store::Transaction done;
      done.finish(id - 3);
      done.put(store::Table::kOutcomes, std::to_string(id - 3), as_bytes("delivered"), store::kNever);
      if (const auto sequence = shard.append(done, store::Intake::kOwed); sequence != 0) {
        unsaid.emplace(sequence, Word{id - 3, 1});
      }
    }
    if (id % 16 == 0) shard.turn();
    while (!unsaid.empty() && unsaid.begin()->first <= shard.durable()) {
      if (::write(STDOUT_FILENO, &unsaid.begin()->second, sizeof(Word)) != sizeof(Word)) return 1;
      unsaid.erase(unsaid.begin());
    }
  }
}

namespace {

// Starts the child, kills it after so long and returns what it said.
std::vector<Word> run_and_kill(const std::string& path, ItemId first, std::chrono::microseconds life) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
  std::string number = std::to_string(first);
  std::string directory = path;
  std::string name = "store_rocksdb_test";
  std::string flag = kChildFlag;
  char* arguments[] = {name.data(), flag.data(), directory.data(), number.data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  std::vector<Word> words;
  Word word;
  auto deadline = std::chrono::steady_clock::time_point::max();
  std::size_t partial = 0;
  for (;;) {
    pollfd readable{pipe_ends[0], POLLIN, 0};
    ::poll(&readable, 1, 1);
    if (readable.revents != 0) {
      const ssize_t got = ::read(pipe_ends[0], reinterpret_cast<char*>(&word) + partial, sizeof word - partial);
      if (got <= 0) break;
      partial += static_cast<std::size_t>(got);
      if (partial == sizeof word) words.push_back(word);
      partial %= sizeof word;
      // Its life is counted from its first word on.
      if (words.size() == 1 && partial == 0) deadline = std::chrono::steady_clock::now() + life;
    }
    if (child != 0 && std::chrono::steady_clock::now() >= deadline) {
      ::kill(child, SIGKILL);
      deadline = std::chrono::steady_clock::time_point::max();
    }
  }
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
  return words;
}

}  // namespace

TEST(StoreCrash, KilledAtAnyInstantItKeepsWhatWasDurableAndNothingComesBack) {
  const store::conformance::TemporaryDirectory directory;
  const char* lives_wanted = std::getenv("SMPPD_STORE_CRASHES");
  const int lives = lives_wanted == nullptr ? 15 : std::atoi(lives_wanted);
  std::mt19937_64 random(20);
  std::set<ItemId> kept;
  std::set<ItemId> finished;
  std::size_t said = 0;
  ItemId first = 1000;
  for (int life = 0; life < lives && !testing::Test::HasFailure(); ++life) {
    SCOPED_TRACE(life);
    std::set<ItemId> finished_now;
    for (const Word& word : run_and_kill(directory.path(), first, std::chrono::microseconds(random() % 60'000))) {
      ++said;
      if (word.finished == 0 && !finished.contains(word.id)) kept.insert(word.id);
      if (word.finished == 0) continue;
      kept.erase(word.id);
      finished.insert(word.id);
      if (word.id >= first) finished_now.insert(word.id);
    }
    auto opened = kRocksStore.open(crash_options(directory.path().c_str()));
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_EQ((*opened)->recovery().damaged_bytes, 0U);
    Shard shard((*opened)->partition(0), kNow);
    shard.turn();
    std::set<ItemId> found;
    for (const auto& item : shard.take(kLane, 10'000'000)) {
      EXPECT_FALSE(item.damaged);
      EXPECT_TRUE(found.insert(item.id).second);
      EXPECT_FALSE(finished.contains(item.id)) << item.id << " came back";
    }
    std::set<std::string> outcomes;
    for (const auto& record : shard.scan(store::Table::kOutcomes, {}, 100'000'000)) outcomes.insert(record.key);
    for (const ItemId id : finished_now) EXPECT_TRUE(outcomes.contains(std::to_string(id))) << "the outcome of " << id;
    for (const ItemId id : kept) {
      if (found.contains(id)) continue;
      // Finished durably, and killed before it could say so; those that are never finished must be there.
      EXPECT_TRUE(id % 7 != 0 && id >= first) << id << " is lost";
    }
    kept = found;
    // A later life starts behind everything that may have been written.
    first += 10'000'000;
  }
  std::printf("%d lives, %zu durable words, %zu items alive at the end\n", lives, said, kept.size());
  EXPECT_GT(said, static_cast<std::size_t>(lives) * 20);
}

}  // namespace smppd::plugins

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], smppd::plugins::kChildFlag) == 0) return smppd::plugins::crash_child(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
