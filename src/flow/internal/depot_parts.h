// What the depot is made of: lanes as the flow sees them, messages in its hands, steps that wait for the disk. Private
// to flow; see depot.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "flow/internal/lanes.h"
#include "flow/internal/mail.h"
#include "flow/internal/outcome.h"
#include "flow/internal/part_mark.h"
#include "flow/internal/step_queue.h"
#include "message/flight.h"
#include "store/partition.h"

namespace smppd::flow::depot {

// How a stored message ends that no SMSC has.
struct Burial {
  EndReason reason = EndReason::kRefused;
  smpp::CommandStatus status{};  // the SMSC's, or what it amounts to
  std::uint16_t attempts = 0;    // Attempts, with the one that failed; 0: as the item has them
};

// store::Progress::state. On disk: numbers stay.
enum class ItemState : std::uint8_t {
  kQueued = 1,
  kSent = 2,       // the request may be with the SMSC; found after a start, it is uncertain
  kUncertain = 3,  // its answer never came; due is when the last word of the policy is spoken
  kInbox = 4,      // a receipt or MO for a client
  kPart = 5,       // of a long MO that is not complete
};
// Beside the state: Progress::mark is a PartMark. An item without it has sent nothing of itself.
inline constexpr std::uint8_t kInParts = 0x80;

[[nodiscard]] constexpr std::uint8_t number_of(ItemState state, bool in_parts = false) noexcept {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(state) | (in_parts ? kInParts : 0U));
}
[[nodiscard]] constexpr ItemState state_of(const store::Progress& progress) noexcept {
  return static_cast<ItemState>(progress.state & ~kInParts);
}
[[nodiscard]] constexpr PartMark parts_of(const store::Progress& progress) noexcept {
  return (progress.state & kInParts) != 0 ? PartMark::unpack(progress.mark) : PartMark{};
}

// What an upstream's lanes hold, as far as this shard knows.
struct Lane {
  bool ready = false;  // the store has something due that was not taken
  bool reading = false;
};
struct Outlet {
  std::uint32_t hash = 0;
  message::UpstreamId upstream;  // invalid: not in this configuration
  std::array<Lane, lanes::kPriorities> lanes;
  std::uint8_t turn = 0;        // where the turns between priorities stand
  std::size_t promised = 0;     // requests that wait for the disk before they leave
  message::UpstreamId full_at;  // valid: nothing is taken until this upstream says that it has room
  Instant blocked_until{};      // nothing could be sent
  bool in_order = false;        // retry.order is destination
  [[nodiscard]] bool any_ready() const noexcept;
  [[nodiscard]] bool in_front_of(unsigned priority) const noexcept;
};
// A message whose request is with an SMSC or about to leave.
struct Entry {
  store::ItemId item = 0;
  store::LaneId lane{0};
  store::Moment expires = store::kNever;
  std::uint16_t attempts = 0;
  bool uncertain = false;  // held for a late answer
  PartMark parts{};        // where it was cut
  std::uint32_t mark = 0;  // of its kind, see matching.h

  // Progress::mark and state of what goes back to a queue, or waits to be heard of.
  void write(store::Progress& progress, ItemState state) const noexcept {
    const bool in_parts = state == ItemState::kUncertain ? parts.cut() : parts.begun();
    progress.state = number_of(state, in_parts);
    progress.mark = in_parts ? parts.pack() : mark;
  }
};
// What waits for one client. How many of its items are in the hands of sessions finds its own bound: it grows while the
// sessions take all they are given, and is what they had when one found no room.
struct Box {
  static constexpr std::uint32_t kFirstInHands = 64;
  static constexpr std::uint32_t kMostInHands = 4096;
  static constexpr Duration kKnownFull = std::chrono::seconds(1);  // until more is tried again

  [[nodiscard]] bool has_room() const noexcept { return in_flight < most_in_hands; }
  void given() noexcept { peak = std::max(peak, ++in_flight); }
  void returned() noexcept { in_flight -= in_flight > 0; }
  // One was taken; `now` is the loop's.
  void grow(Instant now) noexcept {
    if (most_in_hands < std::min(2 * peak, kMostInHands) && now >= full_until) ++most_in_hands;
  }
  // No session had room for the one that returned.
  void found_full(Instant now) noexcept {
    most_in_hands = std::max(in_flight, kFirstInHands);
    peak = in_flight;
    full_until = now + kKnownFull;
    blocked = true;
  }
  std::uint32_t hash = 0;
  message::ClientId client;  // invalid: not in this configuration
  Lane lane;
  std::uint64_t items = 0;
  std::uint32_t in_flight = 0;
  std::uint32_t most_in_hands = kFirstInHands;
  std::uint32_t peak = 0;  // of in_flight, since a session had no room
  Instant full_until{};
  bool blocked = false;  // no session took the last one
  bool listed = false;   // in Depot::hungry
};
// A question to the store that is about one thing, not about a lane.
struct Ask {
  enum class Kind : std::uint8_t { kEnd, kCorrelation, kSettle, kDesk, kNextPart } kind{};
  Burial burial;                                       // kEnd
  LookUpMail looked_up{};                              // kCorrelation
  message::Flight flight;                              // kNextPart, kSettle: of the part that was accepted
  std::function<void(const store::ReadAnswer&)> desk;  // kDesk
};
struct Handed {
  store::ItemId item = 0;
  std::uint32_t box = 0;  // hash
  std::uint16_t attempts = 0;
  store::Moment due{};
  store::Moment expires = store::kNever;
};

enum class StepKind : std::uint8_t { kAccepted, kLaunch, kTaken, kCorrelated, kAcknowledge, kDesk };
using Steps = internal::StepQueue<StepKind>;
using AcceptedStep = AcceptedFacts;
struct LaunchStep {
  message::Flight flight;
  std::uint32_t outlet;
};
struct TakenStep {
  message::DeliveryTicket ticket;
  SlabHandle handed;  // invalid: it waits in its lane
  message::ClientId client;
  PeerSide from;
  OfferKind kind;
  message::OwnId about;
  std::uint32_t about_entry;
};
struct AcknowledgeStep {
  message::DeliveryTicket ticket;  // what it says is on the disk
};
struct CorrelatedStep {
  message::Flight flight;
};
struct DeskStep {
  std::uint64_t number;
};
// A message that may leave, with its slot; `pdu` lives until the next one is prepared.
struct Prepared {
  message::Flight flight;
  ByteSpan pdu;
  Outlet* outlet = nullptr;
  PartMark parts{};  // where it is cut

  // What the disk is told before it leaves. Whoever has a part gets the others.
  void write(store::Progress& progress) const noexcept {
    progress.state = number_of(ItemState::kSent, parts.cut());
    progress.held = true;
    if (!parts.cut()) return;
    progress.mark = parts.pack();
    progress.lane = lanes::of_upstream(outlet->hash, lanes::priority_in(progress.lane));
  }
};
enum class Ready : std::uint8_t { kYes, kFull, kDown, kRefused };

// A receipt or MO that becomes a client's own.
struct Consignment {
  message::ClientId client;
  OfferKind kind;
  const PeerSide& from;
  message::DeliveryTicket ticket;
  message::OwnId about = 0;       // a final receipt: the message
  std::uint32_t about_entry = 0;  // and its place in the receipt map
};

// A transaction that found no room at all, with its step.
struct Owed {
  store::Transaction transaction;
  bool has_step = false;
  StepKind kind{};
  std::vector<std::uint8_t> step;
};

}  // namespace smppd::flow::depot
