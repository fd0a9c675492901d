// What smppd remembers of a request while its answer is on the way: small, plain, copied between shards by value.
#pragma once

#include <cstdint>

#include "base/slab.h"
#include "base/time.h"
#include "message/ids.h"
#include "smpp/values.h"

namespace smppd::message {

// Whom to answer. The handle names a session of `shard`, or its gathering point there for a part of a submit_multi, or
// its entry in the depot there for a stored message.
struct Origin {
  SlabHandle session;
  std::uint32_t sequence_number = 0;
  std::uint8_t shard = 0;
};

struct Flight {
  OwnId id = 0;
  Instant arrived{};
  Origin origin;
  ClientId client;
  smpp::CommandId command_id{};
  std::uint32_t source_hash = 0;  // of source_addr; who asks for a message later must know it
  std::uint32_t prefix = 0;       // upstream::PrefixCode of the destination; 0 where outcomes are not followed
  UpstreamId upstream;
  std::uint16_t host = 0;              // index within the upstream
  std::uint16_t destination_hash = 0;  // flow::destination_hash(); only where a receipt was asked for
  std::uint8_t registered_delivery = 0;
  std::uint8_t lane_shard = 0;  // the shard whose link carries it
  bool part_of_multi = false;
  bool tracked = false;               // keep the SMSC's id for receipts and for query, cancel and replace
  bool unbooked = false;              // picked on another shard than origin's: no balancer's books have it
  bool stored = false;                // origin names an entry of that shard's depot, not a session
  bool doubtful = false;              // another request may have brought it to an SMSC, too
  std::uint8_t part = 0;              // of a message that was cut here, from 1; then `origin` names its gathering point
  std::uint8_t parts = 0;             // of the message; 0: it was not cut
  std::uint8_t destination_tail = 0;  // flow::internal::destination_tail()
};
static_assert(sizeof(Flight) == 64);

// How a request that was forwarded ended without an answer.
enum class Loss : std::uint8_t {
  kNeverSent,  // certainly not accepted: no link took it
  kNoRoom,     // certainly not accepted: the windows stayed full for as long as it may wait
  kTimeout,    // sent, no answer in time: uncertain
  kLinkLost,   // sent, the link died: uncertain
};

// The SMSC may have it.
constexpr bool is_uncertain(Loss loss) noexcept { return loss == Loss::kTimeout || loss == Loss::kLinkLost; }

// A deliver_sm or data_sm of an SMSC that waits for our answer, or one that waits in the store for its client's.
struct DeliveryTicket {
  SlabHandle link;  // stored: its entry in the depot of `shard`
  std::uint32_t sequence_number = 0;
  UpstreamId upstream;
  std::uint8_t shard = 0;  // of the link
  bool answered = false;   // the SMSC has its answer already (parked receipts, parts held for reassembly)
  smpp::CommandId command_id{};
  std::uint16_t connection = 0;  // of the link, which may have another one by now
  bool stored = false;           // the SMSC has been answered; what the client says is for the depot
  bool on_record = false;        // answered, and kept in the store of `shard`: `link` is the record's number
};

}  // namespace smppd::message
