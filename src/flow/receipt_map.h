// Receipts find their message: which message did this upstream call so? And back: what does it call this message?
//
// One per shard, holding the ids of the upstreams whose home it is; used on the shard's thread only. Keys are the
// upstream group and the canonical form of the id (interop rows 3-6: never the id alone, never one link), ids up to
// kMaxId octets. Messages of which no receipt is expected are in internal/recent_ring.h. Bound: `max_entries`, at which
// the entry that would expire first makes room, and is counted. An entry lives until a tick of 1/512 of the retention
// after it expires.
//
// Messages whose last receipt was told are finished: the last `max_finished` of them stay entries, and of the others
// it is only known that they were told (internal/told_marks.h), for as long.
//
// The index lies anywhere in memory, so insert() only fetches the lines that it needs; entries are put into it kWaiting
// at a time, and until then are found among those that wait.
//
// Memory: 64 octets a record and at most two index slots of 14 each: under 95 for ids of up to 20 octets; a longer id
// takes 64 more for each 60 octets. No call allocates once as many entries have been there as there will be, and none
// takes longer for the table's growth than the split of one segment (receipt_map_test measures).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "flow/internal/index_table.h"
#include "flow/internal/pool.h"
#include "flow/internal/receipt_record.h"
#include "flow/internal/told_marks.h"
#include "message/ids.h"
#include "smpp/text/canonical_id.h"

namespace smppd::flow {

// For Submission::source_hash, and to compare with it.
[[nodiscard]] std::uint32_t address_hash(std::string_view address) noexcept;
// For Submission::destination_hash: of the last eight digits, since an SMSC may write a number with or without its
// country; of the whole where there is no digit. 0 only for the empty address.
[[nodiscard]] std::uint16_t destination_hash(std::string_view address) noexcept;

// One message that an SMSC accepted.
struct Submission {
  message::UpstreamId upstream;
  std::string_view upstream_id;  // as the response had it
  message::OwnId own = 0;
  message::ClientId client;
  std::uint32_t source_hash = 0;
  std::uint16_t destination_hash = 0;    // 0: not known
  std::uint8_t registered_delivery = 0;  // what the client asked for
  Instant at;                            // when it was submitted
  Duration validity{};                   // the entry lives this much longer than the retention
  bool part = false;                     // one of several that a message was cut into
};

class ReceiptMap {
 public:
  static constexpr std::size_t kMaxId = 255;

  struct Options {
    std::uint32_t max_entries = 10'000'000;  // at most 2^30
    Duration retention = std::chrono::hours(24 * 9);
    std::uint64_t seed = 0;  // secret where peers choose ids
    std::uint32_t max_finished = 65'536;
    Duration finished_for = std::chrono::hours(1);  // that long it is known that it was told
  };

  // Names an entry that was found. Safe to keep: when the entry is gone, the calls that take it do nothing.
  struct Ref {
    std::uint32_t index = 0xFFFF'FFFF;
    message::OwnId own = 0;
  };

  struct Entry {
    Ref ref;
    message::OwnId own = 0;
    message::ClientId client;
    message::UpstreamId upstream;
    std::uint32_t source_hash = 0;
    std::uint16_t destination_hash = 0;
    std::uint8_t registered_delivery = 0;
    bool final_seen = false;
    bool part = false;     // its message was cut into several, each with an entry
    bool telling = false;  // a final receipt is with the client, who has not answered
    Instant submitted;     // to 1/256 s
  };

  struct UpstreamName {
    message::UpstreamId upstream;
    std::string_view id;  // as the SMSC gave it; valid until the next call of any member
  };

  // Since the start, except for the first three.
  struct Stats {
    std::size_t entries = 0;
    std::size_t memory_bytes = 0;
    std::size_t marks = 0;  // of messages that are no entries any more, but were told
    std::uint64_t inserted = 0;
    std::uint64_t replaced = 0;  // the upstream gave an id again: the newest message has it
    std::uint64_t evicted = 0;
    std::uint64_t expired = 0;
    std::uint64_t refused = 0;  // no id, or one of more than kMaxId octets
  };

  ReceiptMap(const Options& options, Instant now);
  ReceiptMap(const ReceiptMap&) = delete;
  ReceiptMap& operator=(const ReceiptMap&) = delete;
  ~ReceiptMap() = default;

  // False, and counted as refused, when there is no usable id. As many entries as wait for the index may be there
  // beyond the bound.
  bool insert(const Submission& submission) noexcept;

  // The message whose id is written so, or has the same canonical form.
  [[nodiscard]] std::optional<Entry> find(message::UpstreamId upstream, std::string_view id) const noexcept;
  [[nodiscard]] std::optional<Entry> find(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept {
    return find(upstream, id.view());
  }
  // Fetches what find() of this id will read, in two steps: the place of its key now, what is written there with the
  // second, when the first of several have come. Hints.
  [[nodiscard]] std::uint32_t foresee(message::UpstreamId upstream, std::string_view id) const noexcept;
  std::size_t foresee_record(std::uint32_t seen) const noexcept;  // how many that are
  // Whether it is larger than the caches, so that this pays.
  [[nodiscard]] bool is_large() const noexcept { return stats_.entries > kCachedEntries; }
  // Both addresses of a receipt may be the destination, and the source: peers do not agree on which (interop row 18).
  struct Addresses {
    std::array<std::uint32_t, 2> source_hashes{};
    std::array<std::uint16_t, 2> destination_hashes{};  // 0: the receipt does not name one
  };
  // Whether the destination of a message is one of the addresses its receipt names.
  enum class Destination : std::uint8_t { kContradicted, kUnknown, kConfirmed };
  // The candidate that the addresses speak for most: the destination first, then the source, then the order of the
  // candidates.
  struct Match {
    Entry entry;
    Destination destination = Destination::kUnknown;
    bool address_agrees = false;   // the source does
    bool first_candidate = false;  // it is the likeliest reading of the id
    bool first_hit = false;        // there is a message of the likeliest reading
    bool only_hit = false;         // no other candidate was found
    bool sure = false;             // no other candidate agrees as well
  };
  [[nodiscard]] std::optional<Match> match(message::UpstreamId upstream, const smpp::IdCandidates& candidates,
                                           const Addresses& addresses) const noexcept;

  [[nodiscard]] std::optional<UpstreamName> find_own(message::OwnId own) noexcept;
  [[nodiscard]] std::optional<Entry> entry_of(message::OwnId own) noexcept;
  [[nodiscard]] std::string_view upstream_id(Ref ref) noexcept;  // as UpstreamName::id; empty if gone

  // Whether its final receipt is with the client, unanswered.
  void set_telling(Ref ref, bool telling) noexcept;
  // The last receipt was told: that is known for `finished_for`, for receipts that are sent again.
  void finish(Ref ref, Instant now) noexcept;
  // Whether a message of this id that is no entry any more was told of. Of an id that was given again the entry counts.
  using Told = internal::Told;
  [[nodiscard]] Told was_told(message::UpstreamId upstream, std::string_view id,
                              const internal::ToldMarks::Destinations& destination_hashes) const noexcept {
    return marks_.size() == 0 ? Told::kNot : marks_.find(long_hash(upstream, id), destination_hashes);
  }
  void erase(Ref ref) noexcept;
  // Removes what has expired, looking at no more than `budget` entries. True when there is more to do.
  bool expire(Instant now, std::size_t budget) noexcept;

  [[nodiscard]] std::size_t size() noexcept;
  [[nodiscard]] Stats stats() noexcept;
  [[nodiscard]] Instant newest() const noexcept { return stamp_.at; }  // when the last one was inserted

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::uint32_t kBuckets = 1024;
  static constexpr std::uint32_t kFinished = kBuckets;  // the list behind those of the wheel
  static constexpr std::uint32_t kListBit = 0x8000'0000;
  static constexpr std::uint32_t kWaiting = 16;
  static constexpr std::size_t kCachedEntries = 8192;

  using Link = internal::ReceiptLink;
  using Record = internal::ReceiptRecord;
  using Piece = internal::ReceiptPiece;
  static constexpr std::size_t kInline = Record::kInline;
  static constexpr std::size_t kInlineOfLong = kInline - sizeof(std::uint32_t);
  static constexpr std::size_t kPieceText = Piece::kText;

  [[nodiscard]] std::uint64_t long_hash(message::UpstreamId upstream, std::string_view id) const noexcept;
  [[nodiscard]] std::uint32_t key_hash(message::UpstreamId upstream, std::string_view id) const noexcept;
  [[nodiscard]] static std::uint32_t own_hash(message::OwnId own) noexcept;
  [[nodiscard]] bool is_named(const Record& record, message::UpstreamId upstream, std::string_view id) const noexcept;
  [[nodiscard]] std::uint32_t index_of(message::OwnId own) noexcept;
  [[nodiscard]] std::string_view id_of(const Record& record, std::array<char, kMaxId>& room) const noexcept;
  [[nodiscard]] Entry entry_at(std::uint32_t index) const noexcept;
  [[nodiscard]] bool alive(Ref ref) const noexcept;
  [[nodiscard]] std::uint32_t write_record(const Submission& submission, std::uint32_t hash) noexcept;
  void write_id(Record& record, std::string_view id) noexcept;
  void free_id(const Record& record) noexcept;
  void index_waiting() noexcept;
  bool index_record(std::uint32_t index) noexcept;
  [[nodiscard]] std::uint32_t find_waiting(message::UpstreamId upstream, std::string_view id,
                                           std::uint32_t hash) const noexcept;
  void stamp(Instant at) noexcept;
  [[nodiscard]] std::uint32_t first_to_expire() noexcept;
  void foresee_eviction() noexcept;
  void evict() noexcept;
  void retire() noexcept;
  void prefetch_removal(std::uint32_t index) const noexcept;
  void remove(std::uint32_t index) noexcept;
  void forget(std::uint32_t index) noexcept;
  void drop(std::uint32_t index) noexcept;

  [[nodiscard]] std::uint32_t seconds(Instant at) const noexcept;
  [[nodiscard]] Link& link(std::uint32_t at) noexcept;
  void link_last(std::uint32_t list, std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;
  void schedule(std::uint32_t index) noexcept;

  const Options options_;
  const Instant epoch_;
  const std::uint32_t tick_seconds_;
  internal::Pool<Record> records_;
  internal::Pool<Piece> pieces_;
  internal::IndexTable by_key_;
  internal::IndexTable by_own_;
  // Records that are not in the index, oldest first, and the hashes of their keys.
  std::uint32_t waiting_count_ = 0;
  std::array<std::uint32_t, kWaiting> waiting_hashes_{};
  std::array<std::uint32_t, kWaiting> waiting_{};
  // Lists of records through Record::link: a wheel by expiry, and those that are finished, the first of them first.
  std::array<Link, kBuckets + 1> lists_;
  std::uint32_t finished_ = 0;
  internal::ToldMarks marks_;
  std::uint32_t next_evicted_ = kListBit;  // a guess
  std::uint64_t swept_tick_ = 0;           // buckets of ticks before this one are done
  std::uint64_t first_tick_ = 0;           // no record lies in a bucket before this one
  // What is the same for all messages of a turn.
  struct Stamp {
    Instant at = Instant::min();
    std::uint32_t submitted = 0;
    std::uint32_t expires = 0;  // without a validity
    std::uint8_t fraction = 0;
  };
  Stamp stamp_;
  Stats stats_;
  std::array<char, kMaxId> id_room_{};
};

}  // namespace smppd::flow
