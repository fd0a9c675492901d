// What a partition keeps of each item in memory, however large its body: 48 octets and a slot of 8 in a hash table.
// Knows items by number, gives those of a lane in the order they are due, and where each body lies. Shared by the
// backends that keep their index in memory. Shard-local, no clock, no I/O; allocates only to grow.
//
// An item is in exactly one place: held (taken), waiting for its due time, in its lane's ready list, or behind another
// one of its order. An item with an order costs some 35 octets more.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include "store/partition.h"
#include "store/split_table.h"

namespace smppd::store {

class ItemIndex {
 public:
  using Index = std::uint32_t;  // names an item until it is removed
  static constexpr Index kNone = 0;

  // Where a body lies; the meaning is the backend's. 48 and 16 bits are kept.
  struct Place {
    std::uint64_t position = 0;
    std::uint32_t units = 0;
    bool operator==(const Place&) const noexcept = default;
  };

  ItemIndex();
  ItemIndex(const ItemIndex&) = delete;
  ItemIndex& operator=(const ItemIndex&) = delete;
  ~ItemIndex() = default;

  [[nodiscard]] Index find(ItemId id) noexcept;
  // For who knows early which items it will find(): first the table's line, some time later the item itself.
  void prefetch(ItemId id) noexcept { by_id_.prefetch(mix(id)); }
  void prefetch_item(ItemId id) noexcept;
  // `id` is not there yet and not 0.
  Index add(ItemId id, const Progress& progress, Place place);
  void amend(Index index, const Progress& progress);  // but for its order
  void set_order(Index index, std::uint32_t order);
  // Ends a hold: the item goes back to where it was taken from, before what came later.
  void put_back(Index index, Moment due);
  void remove(Index index) noexcept;
  // False when somebody holds it already.
  bool hold(Index index);
  // Appends the items with this mark, which is not 0, to `found`. The first call begins to index marks, which costs 8
  // octets and more for each item that has one; until all are, each call looks at `budget` items (rounded up to a
  // block) and returns false: ask again.
  [[nodiscard]] bool marked(std::uint32_t mark, std::size_t budget, std::vector<Index>& found);

  [[nodiscard]] bool in_order(std::uint32_t order) const noexcept;  // is there one?

  [[nodiscard]] ItemId id(Index index) const noexcept { return at(index).id; }
  [[nodiscard]] Progress progress(Index index) const noexcept;
  [[nodiscard]] Place place(Index index) const noexcept;
  void set_place(Index index, Place place) noexcept;

  // Holds up to `limit` ready items of the lane and appends them to `taken`; true when there are more. Of those that
  // are behind another one of their order it passes a bounded number, so that it may find none and say that there are
  // more.
  bool take(LaneId lane, std::size_t limit, std::vector<Index>& taken);
  // Moves what is due to the ready lists, appends to `woken` the lanes that had nothing ready and whose consumer was
  // not told since. At most `budget` items; true when there is more to move.
  bool advance(Moment now, std::size_t budget, std::vector<LaneId>& woken);
  // Holds items that have expired and nobody holds, and appends them to `expired`: at most `limit`, after a look at no
  // more than `budget` items (rounded up to a block). True when the limit ended it and there may be more at once.
  bool expire(Moment now, std::size_t limit, std::size_t budget, std::vector<ItemId>& expired);
  // The due time of the first item that waits, to 1/8 s; kNever when none does.
  [[nodiscard]] Moment next_due() const noexcept;

  // After recovery: ready lists in the order (due, number), whatever order the journal had them in.
  void sort_ready();

  [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  void lanes(std::vector<LaneStats>& lanes) const;

  template <typename Visit>
  void for_each(Visit&& visit) {
    by_id_.for_each([&](const Slot& slot) { visit(slot.index); });
  }

 private:
  enum class List : std::uint8_t { kHeld, kWaiting, kReady, kBehind };
  struct Item {
    ItemId id = 0;
    std::uint32_t mark = 0;
    std::uint32_t expires = 0;           // expiry_seconds()
    std::uint64_t place = 0;             // 48 bits position, 16 bits units
    std::uint64_t due_and_attempts = 0;  // 48 bits milliseconds, 16 bits attempts
    std::uint32_t lane = 0;
    Index previous = kNone;
    Index next = kNone;
    std::uint8_t state = 0;
    List list = List::kHeld;
    bool ordered = false;
  };
  static_assert(sizeof(Item) == 48);
  struct Slot {
    Index index = kNone;
    std::uint32_t hash = 0;  // its upper half: neighbours are told apart without a look at the items
    bool operator==(const Slot&) const noexcept = default;
  };
  struct Ends {
    Index first = kNone;
    Index last = kNone;
  };
  struct Lane {
    Ends ready;
    std::uint64_t items = 0;
    std::uint64_t ready_items = 0;
    bool announced = false;  // the consumer knows that there is something
    bool unsorted = false;
  };
  struct Marks {
    absl::btree_set<std::pair<std::uint32_t, Index>> items;
    std::size_t next_block = 0;  // those before have been looked at
  };
  struct Orders {
    absl::btree_set<std::pair<std::uint32_t, ItemId>> items;
    absl::flat_hash_map<Index, std::uint32_t> of;
  };
  static constexpr unsigned kBlockBits = 12;
  static constexpr unsigned kTickBits = 7;  // 128 ms
  static constexpr std::uint32_t kNoExpiry = 0xFFFF'FFFF;

  [[nodiscard]] Item& at(Index index) noexcept {
    return blocks_[index >> kBlockBits][index & ((1U << kBlockBits) - 1)];
  }
  [[nodiscard]] const Item& at(Index index) const noexcept {
    return blocks_[index >> kBlockBits][index & ((1U << kBlockBits) - 1)];
  }
  static std::uint64_t hash_of(const Slot& slot) noexcept { return std::uint64_t{slot.hash} << 32; }
  static std::uint32_t upper(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
  static std::uint64_t due_of(const Item& item) noexcept { return item.due_and_attempts >> 16; }
  void write(Index index, const Progress& progress) noexcept;
  bool expire_block(std::size_t block, std::uint32_t now, std::size_t limit, std::vector<ItemId>& expired);
  Lane& lane_of(const Item& item);
  void enlist(Index index, bool held);
  void remark(Index index, std::uint32_t before, std::uint32_t after);
  void delist(Index index) noexcept;
  void join_order(Index index, std::uint32_t order);
  void leave_order(Index index) noexcept;
  [[nodiscard]] bool behind_another(Index index) const noexcept;
  void make_ready_again(Index index) noexcept;
  void link_last(Ends& ends, Index index) noexcept;
  void link_before(Ends& ends, Index place, Index index) noexcept;
  void unlink(Ends& ends, Index index) noexcept;
  void make_ready(Index index);
  Index allocate();

  std::vector<std::unique_ptr<Item[]>> blocks_;
  // For each block: none of its items that are not held expires before this second; kNoExpiry when none does.
  std::vector<std::uint32_t> first_expiry_;
  std::size_t sweep_ = 0;  // the block that expire() looks at next
  Index free_ = kNone;
  SplitTable<Slot> by_id_;
  std::unique_ptr<Marks> marks_;    // null: nobody has asked for a mark
  std::unique_ptr<Orders> orders_;  // null: no item ever had one
  absl::flat_hash_map<std::uint32_t, Lane> lanes_;
  Lane* last_lane_ = nullptr;
  std::uint32_t last_lane_id_ = 0;
  absl::btree_map<std::uint64_t, Ends> waiting_;  // by tick of the due time
  std::uint64_t now_ = 0;                         // milliseconds of the last advance()
  std::size_t held_ = 0;
  std::vector<LaneId> to_announce_;
};

}  // namespace smppd::store
