// What a shard's links tell the flow above them. Implemented by flow::Flow; called on the shard's thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "message/flight.h"
#include "smpp/pdu_view.h"

namespace smppd::upstream {

class Group;

// How many of a host's windows a shard offers to the others.
struct Lane {
  std::uint16_t links = 0;   // bound for sending and warm
  std::uint32_t window = 0;  // sum of their windows
  bool operator==(const Lane&) const noexcept = default;
};

class Events {
 public:
  // The SMSC answered; `pdu` is its response and lives until the call returns. A late answer comes for a request that
  // was already reported lost.
  virtual void on_response(Group& group, const message::Flight& flight, ByteSpan pdu, Duration took,
                           bool late) noexcept = 0;
  virtual void on_loss(Group& group, const message::Flight& flight, message::Loss loss) noexcept = 0;
  // deliver_sm, data_sm or alert_notification; answered later through UpstreamSet::answer(ticket).
  virtual void on_request(Group& group, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept = 0;
  // A slot became free after Group::pick() had answered kFull.
  virtual void on_room(Group& group) noexcept = 0;
  // This shard's lane of a host changed; the other shards are to be told.
  virtual void on_lane(Group& group, std::uint16_t host, const Lane& lane) noexcept = 0;
  // Every window is full: the other shards are to open more of their links, through Group::grow().
  virtual void on_busy(Group& group) noexcept = 0;

 protected:
  ~Events() = default;
};

// Shown what a link has read before Events are told of it, so that memory can be fetched. Hints: nothing but time
// depends on them.
class Foresight {
 public:
  // Whole PDUs first. Says how many octets were looked through, SIZE_MAX / 2 where there is no need to ask again before
  // other octets come.
  virtual std::size_t foresee(Group& group, ByteSpan bytes) noexcept = 0;

 protected:
  ~Foresight() = default;
};

}  // namespace smppd::upstream
