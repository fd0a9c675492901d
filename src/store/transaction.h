// What changes together: a list of changes to items and records that becomes durable whole or not at all. Built on the
// shard, into a buffer that is used again (clear()), handed to Partition::append(), which copies what it needs.
//
// The octets are the same for every backend and on disk: each change is its kind, its numbers in network order, and its
// octets with their length (transaction.cc). ChangeReader reads them back and trusts nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/strong_id.h"
#include "message/ids.h"

namespace smppd::store {

// An item is what waits in a queue: a message on its way, or a receipt or MO in a client's inbox. Its number is unique
// in the whole store and grows with time; lanes give their items in the order (due, number).
using ItemId = message::OwnId;
// A queue of its own: an upstream at one priority, a client's inbox. The flow gives out the numbers and keeps their
// meaning among the facts. No store looks into them.
using LaneId = StrongId<struct LaneTag, std::uint32_t>;
// Wall time, for it must mean the same after a restart.
using Moment = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr Moment kNever{std::chrono::milliseconds((std::int64_t{1} << 47) - 1)};

// When an item expires is kept to a second: seconds since 1970, the next whole one, at most the year 2106; 0: never.
[[nodiscard]] constexpr std::uint32_t expiry_seconds(Moment expires) noexcept {
  if (expires >= kNever || expires <= Moment{}) return 0;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(expires.time_since_epoch()).count();
  return static_cast<std::uint32_t>(seconds < 0xFFFF'FFFE ? seconds : 0xFFFF'FFFE);
}
[[nodiscard]] constexpr Moment expiry_moment(std::uint32_t seconds) noexcept {
  return seconds == 0 ? kNever : Moment(std::chrono::seconds(seconds));
}

// Records are what is looked up by key. Numbers are on disk.
enum class Table : std::uint8_t {
  kCorrelations = 1,  // upstream group and canonical id -> message; short-lived as a rule: put, found, erased
  kOutcomes = 2,      // how messages ended, within retention
  kDeadLetters = 3,   // given up, with reason and body; listed, and queued again by command
  kStrays = 4,        // receipts that found no message; listed and replayed
  kFacts = 5,         // learned id formats, numbers of names: few, read at start-up
  kNotes = 6,         // of messages on their way: items known by another id, what their parts were told
};
inline constexpr std::uint8_t kTables = 7;  // one more than the last

// Where an item stands. The store keeps these beside the body, so that a step on the way never rewrites the body.
struct Progress {
  std::uint8_t state = 0;  // the flow's: accepted, queued, sent, ...
  std::uint16_t attempts = 0;
  LaneId lane{0};
  Moment due{};             // when take() may give it
  Moment expires = kNever;  // from when on_expired() may name it, kept to the next whole second (expiry_seconds())
  std::uint32_t mark = 0;   // the flow's: upstream, host, whatever it must know after a restart
  // Of the items with one order that is not 0, in all lanes, take() gives the one with the lowest number only, until it
  // is finished. Set by enqueue(), kept by amend().
  std::uint32_t order = 0;
  bool held = false;  // in the hands of the flow: take() does not give it. Forgotten at a restart
  bool operator==(const Progress&) const noexcept = default;
};

class Transaction {
 public:
  // The most that bytes() may hold; append() refuses more.
  static constexpr std::size_t kMaxBytes = 480 * 1024;
  static constexpr std::size_t kMaxKey = 512;

  Transaction() = default;
  Transaction(const Transaction&) = default;
  Transaction& operator=(const Transaction&) = default;
  Transaction(Transaction&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Transaction& operator=(Transaction&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~Transaction() = default;

  // A new item, or a new body and progress for the item of this number.
  void enqueue(ItemId id, const Progress& progress, ByteSpan body);
  // A step on the item's way. Without effect when the item is gone.
  void amend(ItemId id, const Progress& progress);
  // The item is done and leaves. Without effect when it is gone.
  void finish(ItemId id);
  // A record, in place of the one of this key. From `expires` on it is not found any more.
  void put(Table table, std::string_view key, ByteSpan value, Moment expires);
  void erase(Table table, std::string_view key);

  void clear() noexcept { size_ = 0; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] ByteSpan bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::uint8_t* grow(std::size_t bytes);
  void item(std::uint8_t kind, ItemId id, const Progress& progress, std::size_t more);

  std::vector<std::uint8_t> bytes_;  // as many as it ever had: what is written need not be zeroed first
  std::size_t size_ = 0;
};

// One change as it was written; the views live as long as the octets they were read from.
struct Change {
  enum class Kind : std::uint8_t { kEnqueue = 1, kAmend = 2, kFinish = 3, kPut = 4, kErase = 5 };
  Kind kind{};
  Table table{};
  ItemId id = 0;
  Progress progress;
  std::string_view key;
  ByteSpan body;  // of the item, or the value of the record
  Moment expires{};
};

class ChangeReader {
 public:
  explicit ChangeReader(ByteSpan bytes) noexcept : rest_(bytes) {}
  // False at the end, and at the first octet that cannot be: damaged() tells which.
  [[nodiscard]] bool next(Change& change) noexcept;
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  bool read_item(Change& change, bool with_body) noexcept;
  bool read_record(Change& change, bool with_value) noexcept;

  ByteSpan rest_;
  bool damaged_ = false;
};

}  // namespace smppd::store
