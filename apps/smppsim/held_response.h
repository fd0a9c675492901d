// Things that leave later: responses with latency, and deliveries that are tried again.
#pragma once

#include <vector>

#include "base/slab.h"
#include "base/time.h"
#include "smppsim/shard.h"

namespace smppd::sim {

// Writes `pdu` to the session after `latency` (twice if asked for), if the session is still there.
void hold_response(Shard& shard, SlabHandle session, std::vector<std::uint8_t> pdu, Duration latency, bool twice);

// Puts a delivery back into its account's queue after --redeliver.
void redeliver_later(Shard& shard, Account& account, Delivery delivery);

}  // namespace smppd::sim
