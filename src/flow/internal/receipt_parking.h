// Receipts that came before the response to their submit_sm (interop row 1), kept until the response names their id.
//
// Two stages, because an SMSC that is left without an answer stops sending: a receipt is held unanswered for
// `early_hold`; then the caller is told to acknowledge it, and it stays until `park` has passed; then it is handed back
// as unmatched. At `max_parked` the oldest is handed back to make room. One per shard, on the shard's thread; knows no
// link: the ticket says whom to answer. The PDU is copied; a receipt is found by any of its candidate ids
// in constant time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "flow/internal/index_table.h"
#include "message/flight.h"
#include "message/ids.h"
#include "smpp/text/canonical_id.h"

namespace smppd::flow {

class ReceiptParking {
 public:
  struct Options {
    Duration early_hold = std::chrono::seconds(2);
    Duration park = std::chrono::seconds(60);  // from arrival; at least early_hold
    std::uint32_t max_parked = 100'000;        // at most 2^27; 0: nothing is ever parked
    std::uint64_t seed = 0;                    // secret where peers choose ids
  };

  struct Parked {
    message::DeliveryTicket ticket;  // answered: the caller was told to answer it already
    Instant arrived;
    ByteSpan pdu;  // until the next call of a member that is not const
  };

  struct Due {
    enum class Kind : std::uint8_t {
      kAcknowledge,  // answer it; it stays parked
      kUnmatched,    // gone; answer it if that was not done, count it, log it
    };
    Kind kind = Kind::kUnmatched;
    Parked receipt;
    message::DeliveryTicket* kept = nullptr;  // kAcknowledge: the one it goes on with, until the next call
    std::uint32_t slot = 0;                   // for drop()
  };

  struct Stats {
    std::size_t parked = 0;
    std::uint64_t total = 0;
    std::uint64_t matched = 0;
    std::uint64_t unmatched = 0;   // their time was up
    std::uint64_t pushed_out = 0;  // at max_parked
  };

  explicit ReceiptParking(const Options& options);
  ReceiptParking(const ReceiptParking&) = delete;
  ReceiptParking& operator=(const ReceiptParking&) = delete;
  ~ReceiptParking() = default;

  // Keeps a copy. What comes back is no longer parked and unmatched: the oldest one if there was no room, or this one
  // if it has no id or nothing may be parked.
  [[nodiscard]] std::optional<Parked> park(const message::DeliveryTicket& ticket, const smpp::IdCandidates& candidates,
                                           ByteSpan pdu, Instant now) noexcept;

  // Takes out the oldest receipt that may mean this id. Call it after each insert into the map until there is none.
  [[nodiscard]] std::optional<Parked> take(message::UpstreamId upstream, const smpp::CanonicalId& id) noexcept;

  [[nodiscard]] bool has(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept {
    return find(upstream, id) != kNone;
  }

  // The next thing to do at `now`, if any; call until there is none. With Instant::max() everything is handed back.
  [[nodiscard]] std::optional<Due> next_due(Instant now) noexcept;
  // One that next_due() said to acknowledge has found its message.
  void drop(const Due& due) noexcept;
  // When next_due() will have something; for the caller's timer.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;

  [[nodiscard]] bool empty() const noexcept { return stats_.parked == 0; }
  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  struct Slot {
    message::DeliveryTicket ticket;
    Instant arrived;
    std::uint64_t order = 0;
    std::uint32_t first_key = kNone;
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;  // or the next free slot
    std::vector<std::uint8_t> pdu;
  };
  struct Key {
    smpp::CanonicalId id;
    std::uint32_t hash = 0;
    std::uint32_t slot = kNone;
    std::uint32_t next = kNone;  // of the same receipt, or the next free key
  };

  [[nodiscard]] std::uint32_t hash(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept;
  [[nodiscard]] std::uint32_t find(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept;
  [[nodiscard]] Parked view(const Slot& slot) const noexcept;
  [[nodiscard]] Parked remove(std::uint32_t at) noexcept;
  void add_keys(std::uint32_t at, const smpp::IdCandidates& candidates) noexcept;

  const Options options_;
  internal::IndexTable by_id_;  // of keys_
  std::vector<Slot> slots_;
  std::vector<Key> keys_;
  std::uint32_t free_slot_ = kNone;
  std::uint32_t free_key_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
  std::uint32_t oldest_held_ = kNone;  // first that was not told to be answered; nor were those after it
  std::uint64_t order_ = 0;
  std::vector<std::uint8_t> handed_out_;  // the PDU of what was removed last
  Stats stats_;
};

}  // namespace smppd::flow
