// The numbers by which handsets know the parts of one message. One per shard; private to flow.
#pragma once

#include <cstdint>
#include <string_view>

#include "flow/internal/hash.h"
#include "message/ids.h"
#include "smpp/text/udh.h"

namespace smppd::flow::internal {

class References {
 public:
  References(unsigned shard, unsigned shards, std::uint16_t start) noexcept
      : next_(start / shards * shards + shard), step_(shards) {}

  // No two shards meet before a sequence comes round.
  [[nodiscard]] std::uint16_t next() noexcept {
    const std::uint32_t reference = next_;
    next_ += step_;
    return static_cast<std::uint16_t>(reference);
  }

  // The old reference moved by what the client and the destination are: different ones stay different, every shard
  // comes to the same, and a reference of eight bits stays one.
  [[nodiscard]] static std::uint16_t regenerated(message::ClientId client, std::string_view destination,
                                                 const smpp::Concat& old) noexcept {
    constexpr std::uint64_t kSeed = 0x5EED'0F2E'FE2E'4CE5U;
    const auto by = static_cast<std::uint16_t>(high_half(hash_text(destination, hash_number(client.value(), kSeed))));
    const bool wide = old.is16 && old.ref > 0xFF;
    return static_cast<std::uint16_t>((old.ref + by) & (wide ? 0xFFFFU : 0xFFU));
  }

 private:
  std::uint32_t next_;
  std::uint32_t step_;
};

}  // namespace smppd::flow::internal
