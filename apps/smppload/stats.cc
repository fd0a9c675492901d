#include "smppload/stats.h"

#include <algorithm>

namespace smppd::load {

void Stats::merge(const Stats& other) {
#define SMPPLOAD_X(name, text) name += other.name;
  SMPPLOAD_COUNTERS(SMPPLOAD_X)
#undef SMPPLOAD_X
  for (const auto& [status, count] : other.statuses) statuses[status] += count;
  for (const auto& [status, count] : other.bind_statuses) bind_statuses[status] += count;
  for (const auto& [state, count] : other.receipt_states) receipt_states[state] += count;
  latency.merge(other.latency);
  receipt_latency.merge(other.receipt_latency);
  if (other.first_sent != 0) first_sent = first_sent == 0 ? other.first_sent : std::min(first_sent, other.first_sent);
  last_answered = std::max(last_answered, other.last_answered);
}

void Stats::forget_warmup() {
  sent = data_sm_sent = answered = accepted = 0;
  statuses.clear();
  latency.reset();
  receipt_latency.reset();
  first_sent = last_answered = 0;
}

}  // namespace smppd::load
