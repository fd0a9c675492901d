// How a message ended, or where it stands: the value of a record of store::Table::kOutcomes, found by our id, and of
// kDeadLetters, which has the item's body too, so that a command can queue it again.
//
// Pure values, any thread, no allocation. The views of what decode_outcome() returns live as long as the octets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "flow/internal/octets.h"
#include "message/ids.h"
#include "smpp/values.h"
#include "store/transaction.h"

namespace smppd::flow {

// Why a message left the queue. On disk.
enum class EndReason : std::uint8_t {
  kAccepted = 0,    // the SMSC took it; its receipt says more
  kReceipt = 1,     // a receipt said how it ended
  kRefused = 2,     // the SMSC refused it for good
  kGaveUp = 3,      // refused as often as may be
  kExpired = 4,     // its validity ended first
  kUncertain = 5,   // sent, and nobody knows what became of it
  kCancelled = 6,   // by its client, or by a command
  kReplaced = 7,    // by another message: replace_if_present_flag
  kUnroutable = 8,  // nothing is configured any more that would take it
  kRequeued = 9,    // given up, and queued again by a command
};
// For logs and the API: "accepted", "gave_up", ...
[[nodiscard]] std::string_view name_of(EndReason reason) noexcept;

// Records lie in the order of the ids, which is that of acceptance.
using OutcomeKey = std::array<char, sizeof(message::OwnId)>;
[[nodiscard]] OutcomeKey outcome_key(message::OwnId own) noexcept;
[[nodiscard]] inline std::string_view view(const OutcomeKey& key) noexcept { return {key.data(), key.size()}; }
// 0 for what is no such key.
[[nodiscard]] message::OwnId own_of(std::string_view outcome_key) noexcept;

struct Outcome {
  smpp::MessageState state = smpp::MessageState::unknown;
  EndReason reason = EndReason::kAccepted;
  std::uint8_t registered_delivery = 0;
  std::uint16_t attempts = 0;
  std::uint32_t command_status = 0;  // of the SMSC's last answer
  std::uint32_t source_hash = 0;     // who asks for it must know it
  store::Moment arrived{};
  store::Moment sent{};   // of the last attempt; the epoch: never
  store::Moment ended{};  // of the state; the epoch: not final
  std::string_view client;
  std::string_view upstream;     // of the last attempt
  std::string_view upstream_id;  // as the SMSC gave it
  std::string_view error;        // err: of the receipt
  ByteSpan body;                 // of a dead letter: the item's; kRequeued: the key of the item it is now
};

// In front of the body at most.
inline constexpr std::size_t kMaxOutcomeHeader = 40 + 4 * (1 + internal::kMaxStoredText);

// Empty when there is too little room, or a text is longer than internal::kMaxStoredText.
[[nodiscard]] ByteSpan encode(const Outcome& outcome, std::span<std::uint8_t> room) noexcept;
[[nodiscard]] std::optional<Outcome> decode_outcome(ByteSpan octets) noexcept;

}  // namespace smppd::flow
