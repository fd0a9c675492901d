// What a shard's flow counts. Plain integers, exported by server/metrics.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "message/ids.h"
#include "smpp/values.h"
#include "telemetry/histogram.h"

namespace smppd::flow {

// Messages of one client through one upstream.
struct Traffic {
  std::uint64_t accepted = 0;  // ESME_ROK
  std::uint64_t refused = 0;   // any other answer, here or there
  std::uint64_t uncertain = 0;
};

// Receipts of an upstream with a map of codes.
struct CodeCount {
  std::uint64_t mapped = 0;
  std::uint64_t unmapped = 0;
};

struct FlowProbe {
  std::uint64_t submitted = 0;  // requests that came onto the road
  std::uint64_t malformed = 0, filtered = 0, dropped_by_filter = 0;
  std::uint64_t no_route = 0, no_upstream = 0, canned = 0, unadaptable = 0;
  std::uint64_t waits = 0;
  std::uint64_t uncertain = 0, never_sent = 0, late = 0;
  std::uint64_t multi = 0, operations = 0, operations_unknown = 0;
  std::uint64_t receipts = 0, receipts_forwarded = 0, receipts_unwanted = 0, receipts_unmatched = 0;
  std::uint64_t receipts_parked = 0, receipts_refused = 0, receipts_duplicate = 0;
  std::uint64_t receipts_by_state[10] = {};  // by MessageState octet, 0 for what is unknown
  std::uint64_t long_messages = 0, long_parts = 0, long_partial = 0, long_refused = 0, parts_rewritten = 0;
  std::uint64_t receipts_of_parts = 0;  // kept until the message's other parts have theirs
  std::uint64_t mo = 0, mo_forwarded = 0, mo_refused = 0, mo_reassembled = 0;
  std::uint64_t alerts = 0, alerts_forwarded = 0, alerts_unclaimed = 0;
  std::uint64_t cross_shard = 0;
  // What is stored.
  std::uint64_t kept = 0, store_full = 0, store_damaged = 0;
  std::uint64_t retried = 0, resent_uncertain = 0, found_uncertain = 0, adopted = 0;
  std::uint64_t found_full = 0;  // back to the queue: the window they were meant for was full once they were on disk
  std::uint64_t expired = 0, cancelled = 0, replaced = 0;
  std::uint64_t dead = 0;  // messages that ended here and are kept as dead letters
  std::uint64_t requeued = 0;
  std::uint64_t own_receipts = 0;
  std::uint64_t inbox_kept = 0, inbox_full = 0, inbox_again = 0, inbox_expired = 0;

  // Grown when a client or upstream is first seen, not per message.
  std::vector<std::vector<Traffic>> traffic;  // [upstream][client + 1]; client 0 is the anonymous one

  std::vector<CodeCount> codes;  // [upstream]; on its home shard

  CodeCount& codes_of(message::UpstreamId upstream) {
    if (codes.size() <= upstream.value()) codes.resize(upstream.value() + 1U);
    return codes[upstream.value()];
  }
  Traffic& of(message::UpstreamId upstream, message::ClientId client) {
    // An invalid id is the highest number there is, so that it comes before all others.
    const std::size_t u = static_cast<std::uint16_t>(upstream.value() + 1U);
    const std::size_t c = static_cast<std::uint32_t>(client.value() + 1U);
    if (const std::uint64_t pair = u << 32U | c; pair != seen_last_) {
      if (traffic.size() <= u) traffic.resize(u + 1);
      if (traffic[u].size() <= c) traffic[u].resize(c + 1);
      seen_last_ = pair;
    }
    return traffic[u][c];
  }

 private:
  std::uint64_t seen_last_ = UINT64_MAX;  // the pair that of() was asked for: it is there
};

}  // namespace smppd::flow
