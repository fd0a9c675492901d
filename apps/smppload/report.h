// The end of a run as JSON, as text for people, and as an exit code. Start-up and end only.
#pragma once

#include <string>
#include <vector>

#include "smppload/options.h"
#include "smppload/run.h"

namespace smppd::load {

// What was not as it should be, one sentence each; empty: the run was good.
[[nodiscard]] std::vector<std::string> problems_of(const Options& options, const Outcome& outcome);
[[nodiscard]] int exit_code_of(const Options& options, const Outcome& outcome);

[[nodiscard]] std::string to_json(const Options& options, const Outcome& outcome);
// The same with a verdict that is known already.
[[nodiscard]] std::string to_json(const Options& options, const Outcome& outcome, int exit_code,
                                  const std::vector<std::string>& problems);
[[nodiscard]] std::string to_text(const Options& options, const Outcome& outcome);

// Adds up the reports of several processes that ran at the same time and writes the sum. Exit code: the worst of
// theirs, or kUsage when one cannot be read.
[[nodiscard]] int merge_reports(const std::vector<std::string>& files, const std::string& output);

}  // namespace smppd::load
