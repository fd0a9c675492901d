// What a Group counts and what it works with.
#pragma once

#include <cstdint>

#include "base/slab.h"
#include "runtime/event_loop.h"
#include "runtime/resolver.h"
#include "runtime/tls.h"
#include "telemetry/histogram.h"
#include "upstream/events.h"
#include "upstream/link.h"

namespace smppd::upstream {

struct GroupProbe {
  std::uint64_t calls_refused = 0;  // by the address, for want of a place, or for what their outbind said
  std::uint64_t requests = 0, responses_ok = 0, responses_failed = 0, throttled = 0, timeouts = 0, lost = 0;
  runtime::TlsProbe tls;
  telemetry::Histogram latency;
};

// What every group of a shard works with; outlives them.
struct GroupEnvironment {
  runtime::EventLoop& loop;
  runtime::Resolver& resolver;
  Events& events;
  Slab<Link>& links;
  unsigned shard;
  unsigned shard_count;
  Foresight* foresight = nullptr;  // null: nobody looks ahead
};

}  // namespace smppd::upstream
