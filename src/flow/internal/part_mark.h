// How far a stored message that is cut into parts has come: store::Progress::mark, where the state says so. On disk.
//
// Parts go one after the other, so a number tells all: `done` of them an SMSC has accepted, the next one may be with
// it. The reference is kept, for parts under two references never become one message on the handset.
#pragma once

#include <cstdint>

namespace smppd::flow {

struct PartMark {
  std::uint16_t reference = 0;
  std::uint8_t total = 0;  // 0: not cut
  std::uint8_t done = 0;

  [[nodiscard]] static constexpr PartMark unpack(std::uint32_t mark) noexcept {
    return {static_cast<std::uint16_t>(mark >> 16U), static_cast<std::uint8_t>(mark >> 8U & 0xFFU),
            static_cast<std::uint8_t>(mark & 0xFFU)};
  }
  [[nodiscard]] constexpr std::uint32_t pack() const noexcept {
    return std::uint32_t{reference} << 16U | std::uint32_t{total} << 8U | done;
  }
  [[nodiscard]] constexpr bool cut() const noexcept { return total > 1; }
  [[nodiscard]] constexpr bool begun() const noexcept { return done > 0; }
  [[nodiscard]] constexpr bool at_last() const noexcept { return done + 1 >= total; }
};

}  // namespace smppd::flow
