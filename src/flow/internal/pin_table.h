// Where the parts of a client's long message go, once its first one has gone somewhere: to the same upstream and host,
// under the same reference (interop row 42). Shard-local; private to flow.
//
// Bounds: kPins messages, in sets of four; each for kLife after its last part. A full set gives up the message whose
// last part is longest ago; its further parts then go where the balancer likes. Allocates at the first part only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/time.h"
#include "message/ids.h"

namespace smppd::flow::internal {

inline constexpr std::uint16_t kAnyHost = 0xFFFF;  // of the upstream

class PinTable {
 public:
  static constexpr std::size_t kPins = 16'384;
  static constexpr Duration kLife = std::chrono::minutes(5);

  struct Pin {
    std::uint64_t key = 0;  // a hash of client, addresses, reference and total; 0: free
    Instant used{};
    message::UpstreamId upstream;  // invalid: no part was sent yet
    std::uint16_t host = 0;
    std::optional<std::uint16_t> reference;  // under which its parts go on
  };

  // The pin of that message, a fresh one if there was none. Until the next call.
  [[nodiscard]] Pin& of(std::uint64_t key, Instant now) {
    if (pins_ == nullptr) pins_ = std::make_unique<std::array<Pin, kPins>>();
    key |= 1;
    Pin* const set = pins_->data() + (key >> 32U) % (kPins / kWays) * kWays;
    Pin* oldest = set;
    for (Pin* pin = set; pin != set + kWays; ++pin) {
      if (pin->key == key && now - pin->used <= kLife) {
        pin->used = now;
        return *pin;
      }
      if (pin->used < oldest->used) oldest = pin;
    }
    *oldest = Pin{key, now, {}, 0, {}};
    return *oldest;
  }

 private:
  static constexpr std::size_t kWays = 4;
  std::unique_ptr<std::array<Pin, kPins>> pins_;
};

}  // namespace smppd::flow::internal
