// Thousands of simulated lives of smppd, each decided by a seed. `--seeds N --from S` runs those and nothing else, for
// as long as you like; `--seed S` runs one with smppd's log. A failing seed is printed with the way to see it again.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace smppd::sim {
namespace {

std::string report(std::uint64_t seed, const Outcome& outcome) {
  std::string text = "seed " + std::to_string(seed) + " (" + outcome.scenario + "):\n";
  for (const std::string& violation : outcome.violations) text += "  " + violation + "\n";
  return text + "  again: sim_test --seed " + std::to_string(seed) + "\n";
}

struct Totals {
  std::size_t messages = 0, accepted = 0, uncertain = 0, receipts = 0, failed = 0;
  void add(const Outcome& outcome) {
    messages += outcome.messages;
    accepted += outcome.accepted;
    uncertain += outcome.uncertain;
    receipts += outcome.receipts;
    failed += outcome.violations.empty() ? 0 : 1;
  }
};

Totals run_seeds(std::uint64_t from, std::uint64_t count) {
  Totals totals;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const Outcome outcome = run_seed(seed, false);
    totals.add(outcome);
    if (!outcome.violations.empty()) std::fputs(report(seed, outcome).c_str(), stderr);
  }
  return totals;
}

TEST(Simulation, EverySeedKeepsTheGuarantees) {
  const Totals totals = run_seeds(1, 600);
  EXPECT_EQ(totals.failed, 0U);
  // The trouble is real, and so is the traffic.
  EXPECT_GT(totals.accepted, totals.messages / 2);
  EXPECT_GT(totals.uncertain, 100U);
  EXPECT_GT(totals.receipts, totals.messages / 10);
}

TEST(Simulation, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Outcome once = run_seed(seed, false), again = run_seed(seed, false);
    ASSERT_EQ(once.hash, again.hash) << "seed " << seed << " (" << once.scenario << "), " << once.events << " and "
                                     << again.events << " events";
  }
}

int run_from_command_line(std::uint64_t from, std::uint64_t count, bool verbose) {
  Totals totals;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const Outcome outcome = run_seed(seed, verbose);
    totals.add(outcome);
    if (!outcome.violations.empty()) {
      std::fputs(report(seed, outcome).c_str(), stdout);
      std::fflush(stdout);
    }
    if (verbose)
      std::printf("%s\nhash %016llx, %zu events\n", outcome.scenario.c_str(),
                  static_cast<unsigned long long>(outcome.hash), outcome.events);
  }
  std::printf("%llu seeds, %zu failed; %zu messages, %zu accepted, %zu uncertain, %zu receipts\n",
              static_cast<unsigned long long>(count), totals.failed, totals.messages, totals.accepted, totals.uncertain,
              totals.receipts);
  return totals.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace smppd::sim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::uint64_t from = 1, count = 0;
  bool one = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--seeds") == 0) {
      count = value;
    } else if (std::strcmp(argv[i], "--from") == 0) {
      from = value;
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      from = value;
      count = 1;
      one = true;
    }
  }
  if (count > 0) return smppd::sim::run_from_command_line(from, count, one);
  if (argc > 1) {
    std::fputs("usage: sim_test [--seeds N [--from S] | --seed S]\n", stderr);
    return 2;
  }
  return RUN_ALL_TESTS();
}
