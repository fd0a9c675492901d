// The numbers of the store's lanes: a pure function of names, so that they mean the same after a restart and nothing
// has to be registered. Two bits say what waits in the lane, 28 are a hash of the upstream's or the client's name, two
// are the priority. Two names with the same hash share a lane: what waits there says itself whose it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "store/transaction.h"

namespace smppd::flow::lanes {

inline constexpr unsigned kPriorities = 4;  // priority_flag 0 to 3 (3.4 §5.2.14); higher ones count as 3

// kParts: of long MO, by the upstream they came from.
enum class Kind : std::uint8_t { kUpstream = 1, kClient = 2, kParts = 3 };

// FNV-1a, for it must never change.
[[nodiscard]] constexpr std::uint32_t hash(std::string_view name) noexcept {
  std::uint32_t value = 2'166'136'261U;
  for (const char c : name) value = (value ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
  return (value ^ value >> 28U) & 0x0FFF'FFFFU;
}
[[nodiscard]] constexpr store::LaneId of_upstream(std::uint32_t hash, unsigned priority) noexcept {
  return store::LaneId(std::uint32_t{1} << 30U | hash << 2U | std::min(priority, kPriorities - 1));
}
[[nodiscard]] constexpr store::LaneId of_client(std::uint32_t hash) noexcept {
  return store::LaneId(std::uint32_t{2} << 30U | hash << 2U);
}
[[nodiscard]] constexpr store::LaneId of_parts(std::uint32_t hash) noexcept {
  return store::LaneId(std::uint32_t{3} << 30U | hash << 2U);
}
[[nodiscard]] constexpr Kind kind(store::LaneId lane) noexcept { return static_cast<Kind>(lane.value() >> 30U); }
[[nodiscard]] constexpr std::uint32_t hash_in(store::LaneId lane) noexcept { return lane.value() >> 2U & 0x0FFF'FFFFU; }
[[nodiscard]] constexpr unsigned priority_in(store::LaneId lane) noexcept { return lane.value() & 3U; }

}  // namespace smppd::flow::lanes
