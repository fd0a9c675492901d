// The receipts of the upstreams whose home this shard is: the ids SMSCs gave, what each upstream does to its ids, and
// the receipts that came too early. Joins ReceiptMap, IdMatcher and ReceiptParking for the flow; shard-local.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "flow/internal/id_matcher.h"
#include "flow/internal/part_receipts.h"
#include "flow/internal/receipt_parking.h"
#include "flow/internal/recent_ring.h"
#include "flow/internal/strays.h"
#include "flow/receipt_codes.h"
#include "flow/receipt_map.h"
#include "flow/snapshot.h"
#include "message/flight.h"
#include "smpp/pdu_view.h"
#include "smpp/text/receipt.h"

namespace smppd::flow {

// A receipt as read from its PDU; views into it and into `text`.
struct Report {
  smpp::Receipt receipt;
  std::string_view text;
  std::string_view id_in_text;  // empty: the text has none
  bool vendor_text = false;     // grammar or words of the carrier's own: clients get the usual text instead
  const ReceiptCodes::Meaning* meaning = nullptr;  // what the upstream's map makes of its code; `receipt` has the state
  bool of_all_parts = false;                       // its state is another part's than the PDU's
};

// Reads the receipt in a deliver_sm or data_sm, TLVs first (interop rows 7, 8).
[[nodiscard]] Report read_report(const smpp::PduView& view, const UpstreamFacts& upstream) noexcept;
// Whether this PDU is a receipt: by its esm_class, or where configured by the look of its text (interop row 15).
[[nodiscard]] bool is_report(const smpp::PduView& view, const UpstreamFacts& upstream) noexcept;

struct ParkedReport {
  message::DeliveryTicket ticket;
  std::vector<std::uint8_t> pdu;
};

// What became of a receipt that was told.
enum class Reported : std::uint8_t { kDone, kNoTaker, kUnmatched };

class ReceiptDesk {
 public:
  ReceiptDesk(const config::Receipts& options, Instant now, std::uint64_t seed);

  void configure(const Snapshot& snapshot);

  // An SMSC accepted a message under this id; returns the receipts that waited for it (nearly always none).
  [[nodiscard]] std::vector<ParkedReport> accepted(const message::Flight& flight, std::string_view upstream_id,
                                                   Instant now) {
    if (!remember(flight, upstream_id, now)) return {};
    return waiting_for(flight.upstream, upstream_id);
  }
  // The same in two steps, of which the second is hardly ever needed: true when a receipt may wait.
  [[nodiscard]] bool remember(const message::Flight& flight, std::string_view upstream_id, Instant now) {
    const bool kept = flight.registered_delivery == 0
                          ? recent_.push({flight.id, flight.client, flight.upstream, flight.source_hash,
                                          flight.destination_tail, upstream_id},
                                         now)
                          : expect(flight, upstream_id, now);
    return kept && !parking_.empty();
  }
  [[nodiscard]] std::vector<ParkedReport> waiting_for(message::UpstreamId upstream, std::string_view upstream_id);
  [[nodiscard]] bool waits_for(message::UpstreamId upstream, std::string_view upstream_id) const noexcept {
    return !parking_.empty() && parking_.has(upstream, smpp::canonical_id(upstream_id));
  }
  // Whether this message's receipt is expected under this id, or was told a while ago.
  [[nodiscard]] bool expects(const message::Flight& flight, std::string_view upstream_id) const noexcept;

  // The last receipt of this message was told by an earlier smppd, or so long ago that nobody knows here.
  void recall_told(const message::Flight& flight, std::string_view upstream_id, Instant now) noexcept;

  // Whether a receipt's own message may be about to come, so that another reading of its id than the likeliest does not
  // count. kMayWait: it can be parked; it counts only where ids come in both ways, and both addresses agree. kHeld: it
  // was, for `early_hold`; it counts where nobody knows yet how ids are written. kAtLast: what agrees best is it.
  enum class Patience : std::uint8_t { kMayWait, kHeld, kAtLast };
  // The message a receipt is about. Of one that is forgotten but for that it was told of nothing else is known: it is
  // only `final_seen`.
  [[nodiscard]] std::optional<ReceiptMap::Entry> match(message::UpstreamId upstream, std::string_view receipt_id,
                                                       std::string_view source, std::string_view destination,
                                                       Patience patience);
  // The same where there is no doubt and nothing to learn: the id is as the SMSC gave it and both addresses confirm the
  // message. Nothing else otherwise; nothing is noted of it before tell_found().
  [[nodiscard]] std::optional<ReceiptMap::Entry> find_plainly(message::UpstreamId upstream, std::string_view receipt_id,
                                                              std::string_view source, std::string_view destination);
  // tell() for a message that was found so.
  void tell_found(const ReceiptMap::Entry& entry) noexcept;
  // Whether receipts wait for memory to find their messages, so that foresee() pays: there are more than the caches
  // hold, and the last receipts were not of those just sent.
  [[nodiscard]] bool is_cold() const noexcept { return cold_ > 0 && map_.is_large(); }
  // Fetches what match() will read for receipts that name these ids. A hint. Says how many messages it fetched.
  std::size_t foresee(message::UpstreamId upstream, std::span<const std::string_view> ids) const noexcept;
  // A final receipt goes to its client: until told() says what the client answered, the message is `telling`.
  void tell(ReceiptMap::Ref message) noexcept;
  // Another receipt for a message that is `telling`: its SMSC hears what the first one's does. False when too many
  // wait.
  [[nodiscard]] bool hold(ReceiptMap::Ref message, const message::DeliveryTicket& ticket);
  // The client took the receipt, and another for the message is a duplicate; or it did not, and another may be told.
  // Returns the held receipts of the message (nearly always none), which get the same answer.
  [[nodiscard]] std::vector<message::DeliveryTicket> told(ReceiptMap::Ref message, bool taken, Instant now) {
    settle(message, taken, now);
    return held_.empty() ? std::vector<message::DeliveryTicket>() : take_held(message);
  }

  // What the parts of this message have been told so far; null when it was not cut. Until the next call.
  [[nodiscard]] internal::PartReceipts::Message* parts_of(message::OwnId own) noexcept { return parts_.find(own); }
  // A repetition, or of a copy of a part that has reported: it is known for one from now on.
  void part_repeated(ReceiptMap::Ref part, Instant now) noexcept;
  // The part's final receipt is kept for the message's: another for this part is a duplicate.
  void part_done(ReceiptMap::Ref part, Instant now) noexcept;

  // Keeps a receipt whose message is not known yet. What comes back, until the next call, is given up as unmatched for
  // want of room: the oldest one or this one.
  [[nodiscard]] std::optional<ReceiptParking::Parked> park(const message::DeliveryTicket& ticket,
                                                           std::string_view receipt_id, ByteSpan pdu, Instant now);

  // As the SMSC gave it; empty when the message is gone. Valid until the next call.
  [[nodiscard]] std::string_view upstream_id(ReceiptMap::Ref message) noexcept { return map_.upstream_id(message); }

  struct Known {
    message::OwnId own;
    message::ClientId client;
    message::UpstreamId upstream;
    std::uint32_t source_hash;
    std::string upstream_id;
    bool part = false;  // it is one of several at the SMSC
  };
  // For query, cancel and replace: by our id, or by the SMSC's own where the client was shown that.
  template <typename IsHome>
  [[nodiscard]] std::optional<Known> find(message::OwnId own, std::string_view shown, const Snapshot& snapshot,
                                          IsHome&& is_home) {
    if (own != 0) {
      if (auto known = find_own(own)) return known;
    }
    for (std::size_t i = 0; i < snapshot.upstreams.size(); ++i) {
      const message::UpstreamId id(static_cast<std::uint16_t>(i));
      if (!snapshot.upstreams[i].passes_ids_through || !is_home(id)) continue;
      if (auto known = find_theirs(id, shown)) return known;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Known> find_theirs(message::UpstreamId upstream, std::string_view id);

  // Expires, and calls back for parked receipts whose time has come; `acknowledge` says whether it was told instead.
  template <typename Acknowledge, typename Unmatched>
  void tick(Instant now, Acknowledge&& acknowledge, Unmatched&& unmatched) {
    constexpr std::size_t kExpireBudget = 2'000;
    (void)map_.expire(now, kExpireBudget);
    parts_.expire(now);
    while (const auto due = parking_.next_due(now)) {
      if (due->kind == ReceiptParking::Due::Kind::kAcknowledge) {
        if (acknowledge(due->receipt, *due->kept)) parking_.drop(*due);
      } else {
        unmatched(due->receipt);
      }
    }
  }

  // Receipts that matched nothing in the end.
  [[nodiscard]] Strays& strays() noexcept { return strays_; }
  void on_stray_dropped(std::function<void(std::uint64_t record)> forget) { strays_.on_dropped(std::move(forget)); }

  // Of messages without a receipt to come.
  [[nodiscard]] std::size_t recent() const noexcept { return recent_.size(); }
  [[nodiscard]] std::size_t memory_bytes() noexcept { return map_.stats().memory_bytes + recent_.memory_bytes(); }
  [[nodiscard]] ReceiptMap::Stats map_stats() noexcept { return map_.stats(); }
  [[nodiscard]] const ReceiptParking::Stats& parking_stats() const noexcept { return parking_.stats(); }
  [[nodiscard]] const IdMatcher* matcher(message::UpstreamId id) const noexcept;
  // What an earlier smppd knew of the ids of this upstream.
  void recall(message::UpstreamId id, const IdMatcher::Memory& before) { matcher_of(id).recall(before); }

 private:
  [[nodiscard]] static Submission submission_of(const message::Flight& flight, std::string_view upstream_id,
                                                Instant now) noexcept;
  [[nodiscard]] bool expect(const message::Flight& flight, std::string_view upstream_id, Instant now);
  [[nodiscard]] IdMatcher& matcher_of(message::UpstreamId id);
  void settle(ReceiptMap::Ref message, bool taken, Instant now) noexcept;
  [[nodiscard]] std::vector<message::DeliveryTicket> take_held(ReceiptMap::Ref message);
  [[nodiscard]] bool counts_so_soon(const ReceiptMap::Match& found, IdMatcher& matcher, std::string_view receipt_id,
                                    Patience patience) noexcept;
  // A receipt's two addresses, of which one is its message's destination; empty: not known.
  using Ends = std::array<std::string_view, 2>;
  [[nodiscard]] static bool is_to_another(const internal::RecentRing::Record& record, const Ends& ends) noexcept;
  [[nodiscard]] std::optional<ReceiptMap::Entry> match_recent(message::UpstreamId upstream,
                                                              const smpp::IdCandidates& candidates, bool first_only,
                                                              const Ends& ends) noexcept;
  [[nodiscard]] std::optional<ReceiptMap::Entry> match_told(message::UpstreamId upstream,
                                                            const smpp::IdCandidates& candidates,
                                                            const ReceiptMap::Addresses& addresses,
                                                            Patience patience) const noexcept;
  // A message without a receipt to which the SMSC has given the id of this one since, and which a receipt with these
  // may be of; null: there is none.
  [[nodiscard]] const internal::RecentRing::Record* newer_than(const ReceiptMap::Entry& entry,
                                                               const Ends& ends) noexcept;
  [[nodiscard]] ReceiptMap::Entry newest_of(const ReceiptMap::Entry& entry, const Ends& ends) noexcept;
  [[nodiscard]] static ReceiptMap::Entry entry_of(const internal::RecentRing::Record& record) noexcept;
  [[nodiscard]] static std::optional<Known> known(const internal::RecentRing::Record* record);
  [[nodiscard]] std::optional<Known> find_own(message::OwnId own);

  // Whether the addresses of a receipt are those of the message.
  [[nodiscard]] static bool confirm(const ReceiptMap::Entry& entry, std::string_view source,
                                    std::string_view destination) noexcept {
    return entry.destination_hash != 0 && entry.source_hash == address_hash(destination) &&
           entry.destination_hash == destination_hash(source);
  }
  void note_age(const ReceiptMap::Entry& entry) noexcept {
    constexpr Duration kStaysInCaches = std::chrono::milliseconds(30);
    constexpr std::uint32_t kRemembered = 64;  // receipts
    if (entry.submitted + kStaysInCaches < map_.newest()) {
      cold_ = kRemembered;
    } else if (cold_ > 0) {
      --cold_;
    }
  }

  ReceiptMap map_;
  std::uint32_t cold_ = 0;
  internal::RecentRing recent_;
  ReceiptParking parking_;
  StrayRing strays_;
  internal::PartReceipts parts_;
  config::PartReceipts part_receipts_{};
  std::vector<std::optional<IdMatcher>> matchers_;  // by UpstreamId
  std::unordered_map<message::UpstreamId, smpp::IdFormat> formats_;
  struct Held {
    message::OwnId own;
    message::DeliveryTicket ticket;
  };
  std::unordered_multimap<std::uint32_t, Held> held_;  // by ReceiptMap::Ref::index
};

}  // namespace smppd::flow
