// What one shard's flow tells another's: a kind, a plain fact sheet, and octets (a PDU, an id). Copied into the
// mailbox, read in place by the receiver. Never leaves the process, so the layout is the compiler's.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "flow/internal/directory.h"
#include "flow/ports.h"
#include "flow/receipt_map.h"
#include "message/flight.h"
#include "runtime/shard.h"
#include "store/transaction.h"
#include "upstream/events.h"

namespace smppd::flow {

// Whose final receipt: those of a submit_multi have one id, and a receipt for each destination.
struct ToldId {
  message::OwnId own = 0;
  std::uint16_t destination_hash = 0;
  bool operator==(const ToldId&) const noexcept = default;
  template <typename H>
  friend H AbslHashValue(H h, const ToldId& id) {
    return H::combine(std::move(h), id.own, id.destination_hash);
  }
};

enum class MailKind : std::uint32_t {
  kSubmit,           // SubmitMail + PDU: send it on one of your links
  kResponse,         // ResponseMail + the SMSC's PDU: the answer to a kSubmit
  kLoss,             // LossMail: no answer to a kSubmit
  kLane,             // LaneMail: what my links of a host can take
  kApplied,          // AppliedMail: I have taken a configuration; tell me your lanes, I may have missed some
  kTrack,            // TrackMail + SMSC's message id: remember it (to the upstream's home shard)
  kReport,           // ReportMail + PDU: a receipt to be matched (to the upstream's home shard)
  kMo,               // MoMail + PDU: an MO that may be a part of a longer one (to the upstream's home shard)
  kDeliver,          // DeliverMail + PDU: hand it to this session of yours
  kDelivered,        // DeliveredMail: what became of a kDeliver or kReport; answer the SMSC
  kTold,             // ToldMail: what a client said to its final receipt (to the upstream's home shard)
  kReceiver,         // ReceiverMail + address_range: a session came or went
  kOperate,          // OperateMail + PDU: query, cancel or replace, if the message is known to you
  kLastMsgs,         // LastMsgsMail + query_last_msgs_resp: name the messages (to the upstream's home shard), and back
  kOperated,         // OperatedMail: it failed; tell the client
  kBusy,             // BusyMail: open one more link, everyone's windows are full
  kKick,             // KickMail: find this client's oldest session, or close it
  kCall,             // CallMail: call this client with outbind
  kCorrelate,        // CorrelateMail + SMSC's message id: make it durable (to the upstream's home shard)
  kCorrelated,       // CorrelatedMail + SMSC's message id: it is (to the shard that has the item)
  kOperationAnswer,  // OperatedMail + response: it was carried out; tell the client
  kSettled,          // SettledMail: an SMSC has this message after all; whoever holds it as uncertain lets go of it
  kLookUp,           // LookUpMail + canonical id: whose message is this? Whoever knows answers with a kFound
  kFound,            // FoundMail + SMSC's message id (to the upstream's home shard)
  kReplace,          // ReplaceMail + the store's octets: has a queue of yours what it replaces?
  kReplaced,         // ReplaceMail: it is on a disk; tell the client (to the shard it came to)
  kCancel,           // CancelMail + cancel_sm without an id: cancel what is meant in your queues
  kClaim,            // ClaimMail: may I tell the final receipt of this message? (to the shard that says who)
  kClaimed,          // ClaimedMail: its answer
  kUnclaim,          // UnclaimMail: it is not told after all
  kOutcomes,         // OutcomesMail + upstream::Quality::Delta in a row: what I saw become of messages
};

struct SubmitMail {
  message::Flight flight;
  Instant until;  // how long it may wait for room in a window; zero: not at all
};
struct ResponseMail {
  message::Flight flight;
  Duration took;
  bool late;
};
struct LossMail {
  message::Flight flight;
  message::Loss loss;
};
struct LaneMail {
  message::UpstreamId upstream;
  std::uint16_t host;
  upstream::Lane lane;
};
struct AppliedMail {};
struct TrackMail {
  message::Flight flight;
};
struct ReportMail {
  message::DeliveryTicket ticket;
};
struct MoMail {
  message::DeliveryTicket ticket;
};
// What is offered to receivers; each kind has its counts.
enum class OfferKind : std::uint8_t { kMo, kReceipt, kAlert };
struct DeliverMail {
  message::DeliveryTicket ticket;
  message::OwnId id;
  std::uint32_t entry;
  message::ClientId client;
  SlabHandle session;
  PeerSide side;  // for which the PDU was written
  OfferKind kind;
  std::uint64_t tried;  // shards where no session of the client took it, one bit each
};
struct DeliveredMail {
  message::DeliveryTicket ticket;
  smpp::CommandStatus status;
};
struct ToldMail {
  ReceiptMap::Ref message;
  smpp::CommandStatus status;
};
struct ReceiverMail {
  Receiver receiver;
  bool gone;
};
// First round: what waits in the store. Second round: whose id an SMSC gave.
struct OperateMail {
  message::Flight flight;     // of the operation; flight.id names the message it is about
  bool at_smsc = false;       // this is the second round
  bool goes_round = false;    // it is about a submit_multi, of which other shards may have more
  std::uint32_t changed = 0;  // messages, so far
  smpp::CommandStatus why{};  // one was found that cannot be changed
};
struct OperatedMail {
  message::Flight flight;
  smpp::CommandStatus status;
};

struct LastMsgsMail {
  message::Flight flight;
  bool named;  // the ids are those the client knows
};
struct BusyMail {
  message::UpstreamId upstream;
};
struct KickMail {
  KickOrder order;
};

struct CallMail {
  message::ClientId client;
};
struct CorrelateMail {
  message::Flight flight;
  store::Moment expires;
};
struct CorrelatedMail {
  message::Flight flight;
};
struct SettledMail {
  message::OwnId own;
  std::uint8_t part;               // that it has; 0: the message was not cut
  std::uint16_t destination_hash;  // which of a submit_multi it is
};
// Whom to answer for a message that is kept.
struct AcceptedFacts {
  message::Origin origin;  // a session, or a gathering point of submit_multi
  message::OwnId id;
  smpp::CommandId command_id;
  bool part_of_multi;
};
struct ReplaceMail {
  AcceptedFacts accepted;
  store::ItemId item;
  store::Progress progress;
};
struct CancelMail {
  message::Flight flight;  // of the operation
  std::uint32_t mark;
  std::uint32_t cancelled;  // so far
};
struct LookUpMail {
  message::UpstreamId upstream;
  bool parked;  // the receipt that asks waits for it
};
struct FoundMail {
  message::Flight flight;
  bool told;    // its last receipt was
  bool parked;  // as LookUpMail
};
struct ClaimMail {
  ToldId id;
  std::uint64_t number;  // of the question
  std::uint8_t from;
};
enum class Claim : std::uint8_t { kYours, kTold, kUnknown };  // kUnknown: the disk cannot say
struct ClaimedMail {
  std::uint64_t number;
  Claim claim;
};
struct UnclaimMail {
  ToldId id;
};
struct OutcomesMail {};

// Sends `facts` and `octets`; answers and facts that must not be lost are never refused.
template <typename Facts>
void post(runtime::Shard& from, unsigned to, MailKind kind, const Facts& facts, ByteSpan octets = {}) {
  static_assert(std::is_trivially_copyable_v<Facts>);
  const std::size_t size = sizeof kind + sizeof facts + octets.size();
  if (std::uint8_t* at = from.begin_mail(to, size)) {
    std::memcpy(at, &kind, sizeof kind);
    std::memcpy(at + sizeof kind, &facts, sizeof facts);
    if (!octets.empty()) std::memcpy(at + sizeof kind + sizeof facts, octets.data(), octets.size());
    from.commit_mail(to);
    return;
  }
  std::vector<std::uint8_t> record(size);
  std::memcpy(record.data(), &kind, sizeof kind);
  std::memcpy(record.data() + sizeof kind, &facts, sizeof facts);
  if (!octets.empty()) std::memcpy(record.data() + sizeof kind + sizeof facts, octets.data(), octets.size());
  from.send_mail(to, record);
}

struct Letter {
  MailKind kind;
  ByteSpan body;

  explicit Letter(ByteSpan record) noexcept : body(record.subspan(sizeof kind)) {
    std::memcpy(&kind, record.data(), sizeof kind);
  }
  template <typename Facts>
  [[nodiscard]] Facts facts() const noexcept {
    Facts facts;
    std::memcpy(&facts, body.data(), sizeof facts);
    return facts;
  }
  template <typename Facts>
  [[nodiscard]] ByteSpan octets() const noexcept {
    return body.subspan(sizeof(Facts));
  }
};

}  // namespace smppd::flow
