// What an item of the store holds: a header with all that must outlive the session and the process, then the PDU.
//
// Names are text, for their numbers are another's after a restart. The octets are on disk: the first one is their
// version, and what a newer smppd wrote is not read. Pure values, any thread, no allocation. The views of what decode()
// returns live as long as the octets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "flow/internal/octets.h"
#include "flow/snapshot.h"
#include "store/transaction.h"

namespace smppd::flow {

// On disk.
enum class StoredKind : std::uint8_t {
  kMessage = 1,  // from a client to an SMSC
  kReceipt = 2,  // to a client
  kMo = 3,       // from a handset to a client
};

struct StoredMessage {
  // Bits of `flags`; those that are not known are kept.
  static constexpr std::uint16_t kMended = 1;       // it breaks a rule that was let pass: never forward it as it is
  static constexpr std::uint16_t kPartOfMulti = 2;  // of a submit_multi
  static constexpr std::uint16_t kOwnReceipt = 4;   // a receipt that smppd made
  static constexpr std::uint16_t kAsked = 8;        // Lifetime::asked: the SMSC is told what is left of it
  static constexpr std::uint16_t kScheduled = 16;   // Lifetime::scheduled: the SMSC is not told of it

  [[nodiscard]] bool is(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }

  StoredKind kind = StoredKind::kMessage;
  message::OwnId own = 0;                // the id its sender knows; kReceipt: of the message it is about
  std::uint8_t registered_delivery = 0;  // as the client asked
  std::uint16_t flags = 0;
  std::uint16_t destination_hash = 0;  // flow::destination_hash()
  std::uint32_t source_hash = 0;       // flow::address_hash()
  PeerSide side;                       // of whoever sent the PDU
  store::Moment arrived{};
  store::Moment expires = store::kNever;
  std::string_view client;  // system_id; empty: anonymous
  std::string_view
      upstream;  // of kReceipt and kMo: where it came from; of kMessage: empty, or the only one it may take
  ByteSpan pdu;
};

// In front of the PDU at most.
inline constexpr std::size_t kMaxStoredHeader = 40 + 2 * (1 + internal::kMaxStoredText);

// The octets, in `room`; empty when there is too little, or a name is longer than internal::kMaxStoredText.
[[nodiscard]] ByteSpan encode(const StoredMessage& message, std::span<std::uint8_t> room) noexcept;
// Nothing for octets that encode() of this version cannot have written.
[[nodiscard]] std::optional<StoredMessage> decode_stored(ByteSpan octets) noexcept;

}  // namespace smppd::flow
