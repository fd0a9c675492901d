// Names of things as small integers, stable over reloads: the server interns each name once and never reuses a number.
#pragma once

#include <cstdint>

#include "base/strong_id.h"

namespace smppd::message {

using ClientId = StrongId<struct ClientTag, std::uint32_t>;
using UpstreamId = StrongId<struct UpstreamTag, std::uint16_t>;
using ListenerId = StrongId<struct ListenerTag, std::uint16_t>;
using RouteId = StrongId<struct RouteTag, std::uint32_t>;

// The id smppd issues: 52 bits of 200 ns ticks since 2026 (never the same twice), 7 bits node, 5 bits shard; its
// natural order is the order of acceptance. Zero is "none".
using OwnId = std::uint64_t;

}  // namespace smppd::message
