// The message ids smppd issues. Time-ordered, unique over shards, nodes and restarts as long as no shard issues more
// than five million a second for as long as it ran before. Shard-local generator; formatting is free of allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "message/ids.h"

namespace smppd::message {

// How a client is shown an id; chosen by `message_id_format`.
enum class IdFormat : std::uint8_t { kHex, kDecimal, kUuid };

class OwnIdGenerator {
 public:
  OwnIdGenerator(unsigned node, unsigned shard, WallTime now) noexcept;
  // Ids come after this one from now on, whatever the clock says: it was given before a restart.
  void start_after(OwnId given) noexcept;
  // `now` is the wall time of the turn; the result is greater than every earlier one.
  [[nodiscard]] OwnId next(WallTime now) noexcept;
  // For SMPP 3.3 peers, whose message_id is at most 8 hexadecimal digits (3.3 §6.2): the last 32 bits of a counter.
  [[nodiscard]] OwnId next_short() noexcept;

 private:
  std::uint64_t tick_;
  std::uint64_t low_bits_;
  std::uint32_t short_counter_;
  std::uint32_t shard_;
};

[[nodiscard]] constexpr unsigned shard_of(OwnId id) noexcept { return static_cast<unsigned>(id & 0x1F); }

// Text of an id; lives in the caller's buffer.
class OwnIdText {
 public:
  OwnIdText(OwnId id, IdFormat format) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

 private:
  char text_[40];
  std::uint8_t size_ = 0;
};

// The id a client means by `text`, in any of the formats; empty when it cannot be one of ours.
[[nodiscard]] std::optional<OwnId> parse_own_id(std::string_view text, IdFormat format) noexcept;

}  // namespace smppd::message
