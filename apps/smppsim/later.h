// Things that leave later: responses with latency, and deliveries that are tried again. Shard-local, held by the shard.
#pragma once

#include <vector>

#include "base/slab.h"
#include "base/time.h"
#include "runtime/timer_wheel.h"
#include "smppsim/account.h"

namespace smppd::sim {

class Shard;

struct HeldResponse {
  HeldResponse(Shard& on, SlabHandle to, std::vector<std::uint8_t> bytes, bool again);

  runtime::Timer timer;
  Shard& shard;
  SlabHandle self;
  SlabHandle session;
  std::vector<std::uint8_t> pdu;
  bool twice;
};

struct Redelivery {
  Redelivery(Shard& on, Account& to, Delivery what);

  runtime::Timer timer;
  Shard& shard;
  SlabHandle self;
  Account& account;
  Delivery delivery;
};

struct Later {
  Slab<HeldResponse> responses;
  Slab<Redelivery> deliveries;
};

// Writes `pdu` to the session after `latency` (twice if asked for), if the session is still there.
void hold_response(Shard& shard, SlabHandle session, std::vector<std::uint8_t> pdu, Duration latency, bool twice);

// Puts a delivery back into its account's queue after --redeliver.
void redeliver_later(Shard& shard, Account& account, Delivery delivery);

}  // namespace smppd::sim
