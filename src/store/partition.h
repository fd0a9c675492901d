// The seam: one partition of the store for each shard, used on that shard's thread only, and the Consumer (the flow)
// that hears what became of what it asked. Nothing here waits: append() takes, read() asks, answers come in turn().
//
// append() and read() as messages come; turn() once at the end of each turn of the loop in which one of them was
// called, whenever the store asks for it through `wake`, and at least every 100 ms. What was appended is owned by the
// store when on_durable() has named its sequence; only then may a peer be told. Sequences become durable in order.
// Disks fail by Room closing, never by a call that waits.
//
// Items that have expired are found by a sweep that goes on from turn to turn with a bounded share of each: none is
// named before its second, with ten million that expire all the time the last within a minute. A backend whose index is
// a table asks for "expires <= now and not held" in the order of an index on expires, a bounded number at a time.
//
// Records are found through the partition that wrote them; those of other tables than kCorrelations through any, soon
// after they are durable. After a restart with another number of shards every item is in exactly one partition, not
// necessarily its old one, and every record is found through any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace smppd::store {

// Counts the transactions of a partition since it was opened, from 1.
using Sequence = std::uint64_t;

// What the store can take at the moment.
enum class Room : std::uint8_t {
  kOpen,
  kOwedOnly,  // full, or the disk is: nothing new, but what follows from accepted messages
  kNone,      // nothing at all until on_room() says otherwise: stop sending, too
};

// May a transaction be refused for want of room while there is some for what is owed?
enum class Intake : std::uint8_t {
  kNew,   // a message that was not answered yet: refuse it and the peer keeps it
  kOwed,  // a step of a message that is here already
};

struct ItemView {
  ItemId id = 0;
  Progress progress;
  ByteSpan body;
  bool damaged = false;  // the disk gave back something else than it got; there is no body
};

struct RecordView {
  std::string_view key;
  ByteSpan value;
  Moment expires{};
};

struct ReadRequest {
  enum class Kind : std::uint8_t {
    kTake,    // up to `limit` due items of `lane`, oldest first; they are held from then on
    kItem,    // the item `id`, held or not; it stays where it is
    kClaim,   // the item `id` unless somebody holds it; it is held from then on
    kMarked,  // up to `limit` items with this `mark`, not 0, held or not, in any order; they stay where they are
    kGet,     // the record `key` of `table`
    kScan,    // up to `limit` records of `table` from `key` on, in the order of their keys
  };
  Kind kind{};
  std::uint64_t tag = 0;  // comes back with the answer
  LaneId lane{0};
  ItemId id = 0;
  std::uint32_t mark = 0;
  Table table{};
  std::string_view key;  // copied
  std::uint32_t limit = 1;
};

// Views live until on_read() returns.
struct ReadAnswer {
  std::uint64_t tag = 0;
  std::span<const ItemView> items;      // of those that ask for items: empty when there is none
  std::span<const RecordView> records;  // kGet, kScan: empty when there is none
  bool more = false;                    // kTake, kMarked, kScan: the limit ended it
  bool failed = false;                  // the disk refused; held items are put back, ask again later
};

// Who uses a partition. Called from turn() only; may call the partition from within, except turn().
class Consumer {
 public:
  virtual void on_durable(Sequence last) noexcept = 0;  // this and everything before it
  virtual void on_read(const ReadAnswer& answer) noexcept = 0;
  virtual void on_ready(LaneId lane) noexcept = 0;  // a lane that had nothing due has something: take() it
  // These have expired. They are held from now on, like those of a take(); finish them or put them back. What the
  // consumer holds already is not named, what is put back or amended expired is named again.
  virtual void on_expired(std::span<const ItemId> items) noexcept = 0;
  virtual void on_room(Room room) noexcept = 0;  // it changed

 protected:
  ~Consumer() = default;
};

struct LaneStats {
  LaneId lane{0};
  std::uint64_t items = 0;
  std::uint64_t ready = 0;
};

struct PartitionStats {
  std::uint64_t items = 0;
  std::uint64_t held = 0;
  std::uint64_t item_bytes = 0;    // what the live items take in the store
  std::uint64_t memory_bytes = 0;  // of the index of items and records
  std::uint64_t disk_bytes = 0;    // of the partition's journal
  std::uint64_t segments = 0;
  std::uint64_t appended = 0;  // transactions
  std::uint64_t refused = 0;
  std::uint64_t syncs = 0;
  std::uint64_t write_failures = 0;
  std::uint64_t moved = 0;    // items and records that were copied so that a segment could go
  std::uint64_t evicted = 0;  // finished messages that made room (memory)
  ItemId highest_item = 0;    // of those that opening found a trace of, gone ones too; 0: none
  std::uint64_t damaged = 0;  // items and records that did not read back as written
  Room room = Room::kOpen;
  std::vector<LaneStats> lanes;  // those that have items; right after opening, what the flow has to serve
};

class Partition {
 public:
  // What turn() may spend on expiry: how often it looks, at how many items, and how many it names at once.
  static constexpr std::chrono::milliseconds kSweepEvery{100};
  static constexpr std::size_t kSweptAtOnce = 20'000;
  static constexpr std::size_t kExpiredAtOnce = 1024;

  Partition() = default;
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;
  virtual ~Partition() = default;

  // `wake` is called from any thread and has to make the shard call turn() soon, e.g. by EventLoop::post(); no second
  // call before that turn(). Once, on the shard's thread, before anything else is called.
  void attach(Consumer& consumer, std::function<void()> wake) {
    consumer_ = &consumer;
    wake_ = std::move(wake);
    attached_.store(true, std::memory_order_release);
  }

  // 0: refused, nothing happened. Never waits, allocates nothing in steady state.
  [[nodiscard]] virtual Sequence append(const Transaction& transaction, Intake intake) noexcept = 0;
  // The answer comes by on_read(); answers to kTake of one lane come in the order asked.
  virtual void read(const ReadRequest& request) noexcept = 0;
  // Ends a hold without a word on disk; false when there is no such item.
  virtual bool put_back(ItemId id, Moment due) noexcept = 0;
  virtual void turn(Moment now) noexcept = 0;
  // Is there an item with this Progress::order, held or not? Asked for each new message of an order: what a backend
  // would have to wait for it answers with yes.
  [[nodiscard]] virtual bool in_order(std::uint32_t order) noexcept = 0;
  [[nodiscard]] virtual PartitionStats stats() const = 0;

 protected:
  [[nodiscard]] Consumer& consumer() const noexcept { return *consumer_; }
  // Any thread.
  void wake_shard() const {
    if (attached_.load(std::memory_order_acquire)) wake_();
  }

 private:
  Consumer* consumer_ = nullptr;
  std::function<void()> wake_;
  std::atomic<bool> attached_{false};
};

}  // namespace smppd::store
