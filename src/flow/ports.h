// How the flow reaches the sessions of its shard. Implemented by downstream::SessionTable; shard-local.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "accounts/client_registry.h"
#include "base/bytes.h"
#include "base/slab.h"
#include "base/time.h"
#include "flow/snapshot.h"
#include "message/flight.h"
#include "message/ids.h"
#include "smpp/values.h"

namespace smppd::store {
class OperatorDesk;
}

namespace smppd::flow {

// Who submits: what the road must know of the session. Lives as long as the session.
struct Sender {
  SlabHandle session;
  message::ClientId client;                      // invalid: anonymous
  const accounts::ClientEntry* entry = nullptr;  // null: anonymous; replaced at a reload
  const config::SmppListener* listener = nullptr;
  message::ListenerId listener_id;
  PeerSide side;
  std::uint64_t address_hash = 0;                     // of the peer's IP address, for ip_hash
  Instant waiting_since{};                            // of the request that is tried again
  routing::RouteTable::Foreseen* foreseen = nullptr;  // of the requests of this read, while it is handed on; see below
  bool impatient = false;  // what came before it has waited `overload_wait`, and it with that: no more waiting
};

// The answer to a request of a session.
struct Answer {
  std::uint32_t sequence_number = 0;
  smpp::CommandId request{};
  smpp::CommandStatus status{};
  message::OwnId id = 0;         // not 0: the message_id to show
  std::string_view upstream_id;  // message_id: upstream
  ByteSpan upstream_response;    // the SMSC's whole response, if it is worth more than its status
};

// A PDU that is written where it is sent from, and nowhere before.
class PduSource {
 public:
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  virtual void write(std::uint8_t* out) const noexcept = 0;  // there is room for size() octets

 protected:
  ~PduSource() = default;
};

// A deliver_sm or data_sm for a session. `pdu` has room for a header at its front; its sequence_number is set on
// sending.
struct Delivery {
  ByteSpan pdu;
  message::DeliveryTicket ticket;
  message::OwnId id = 0;              // of the message a final receipt is about; 0 for anything else
  std::uint32_t entry = 0;            // id != 0: where the upstream's home shard keeps that message
  const PduSource* source = nullptr;  // instead of `pdu`

  [[nodiscard]] std::size_t size() const noexcept { return source != nullptr ? source->size() : pdu.size(); }
  void write(std::uint8_t* out) const noexcept {
    if (source != nullptr) return source->write(out);
    std::memcpy(out, pdu.data(), pdu.size());
  }
};

// Room for a session over a client's limit: goes round the shards once to find the client's oldest session, then to the
// shard that has it, to close it.
struct KickOrder {
  message::ClientId client;
  std::uint32_t most = 0;        // sessions the client may have; whoever finds that it has no more stops
  std::uint8_t asked_by = 0;     // the shard where the round began
  std::uint8_t shard = 0;        // of the oldest session seen
  SlabHandle session;            // the oldest seen
  std::uint64_t bind_order = 0;  // its ClientState::next_bind(); 0: none was seen
  bool close = false;            // the round is over
};

class Sessions {
 public:
  virtual void answer(SlabHandle session, const Answer& answer) noexcept = 0;
  // False when the session is gone, may not receive, or its window is full: offer it to another.
  virtual bool deliver(SlabHandle session, const Delivery& delivery) noexcept = 0;
  // What a client is told of a request that has no answer: its own or its listener's choice.
  [[nodiscard]] virtual smpp::CommandStatus status_for_loss(SlabHandle session, message::Loss loss) noexcept = 0;
  // A session whose submit() answered kWait may try again.
  virtual void resume(SlabHandle session) noexcept = 0;
  // An order that another shard passed on.
  virtual void kick(KickOrder order) noexcept = 0;
  // Something waits for this client, which has no session to receive it and is to be called with outbind.
  virtual void call(message::ClientId client) noexcept = 0;

 protected:
  ~Sessions() = default;
};

// Of requests that a session was sent and has yet to hand on: looks up what the flow will need to find their routes, in
// a table that is_large(), so that the waits for memory pass together. The session shows `foreseen` to the flow in its
// Sender as long as these octets stay where they are. A hint: whatever is seen or missed, what becomes of a message is
// the same. Says how many octets were looked through before it is time to look again: kNothingAhead when there is
// nothing left.
inline constexpr std::size_t kNothingAhead = SIZE_MAX / 2;
[[nodiscard]] std::size_t foresee_routes(const routing::RouteTable& routes, ByteSpan bytes,
                                         routing::RouteTable::Foreseen& foreseen) noexcept;

}  // namespace smppd::flow
