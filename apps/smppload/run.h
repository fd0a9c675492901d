// One run from connecting to the verdict. The calling thread coordinates; the shards do the work.
#pragma once

#include <memory>
#include <vector>

#include "smppload/options.h"
#include "smppload/stats.h"
#include "toolkit/process_usage.h"

namespace smppd::load {

struct Outcome {
  Stats stats;
  double seconds = 0;                       // from the first request measured to the last answer
  double cpu_seconds = 0;                   // of this process, while measuring
  std::optional<double> other_cpu_seconds;  // of the process of --cpu-of, over the same time
  double bind_seconds = 0;                  // from the first connection until every session was bound or gone
  toolkit::ProcessUsage usage;
  unsigned sessions_wanted = 0;
  unsigned sessions_bound = 0;  // at the most
  bool interrupted = false;
};

// Throws nothing; a sentence when the run could not start.
[[nodiscard]] Fallible<Outcome> run(const Options& options);

}  // namespace smppd::load
