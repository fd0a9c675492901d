// Records that are durable in a journal and not yet in a file of RocksDB: their octets in the order they came, sorted
// when they go there together. That costs a tenth of what RocksDB's own memtable, its flush and its compaction do.
//
// Whoever looks for one pays for the index: it is made at the first find() and then goes on from where it ended. Not
// synchronised; keeps its memory over clear().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "store/split_table.h"

namespace smppd::plugins::rocks_store {

class FreshRecords {
 public:
  // The most that key and value may have together.
  static constexpr std::size_t kBlock = std::size_t{1} << 20;

  struct Record {
    std::string_view key;
    std::string_view value;
    bool erased = false;
  };
  // Writes a record behind others, for add(). The key is `letter` and `key`, the value `head` and `value`.
  static void write(std::vector<std::uint8_t>& octets, char letter, std::string_view key, ByteSpan head,
                    ByteSpan value);
  static void write_erased(std::vector<std::uint8_t>& octets, char letter, std::string_view key);

  void add(ByteSpan octets);
  // What the key has since the last of them; the views live until clear().
  [[nodiscard]] std::optional<Record> find(std::string_view key);
  // Each key once, with what it has at last, in the order of the keys; ends when `visit` returns false.
  template <typename Visit>
  void for_each_sorted(Visit&& visit) {
    sort();
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const Record record = read(order_[i].place);
      if (i + 1 < order_.size() && order_[i + 1].beginning == order_[i].beginning &&
          read(order_[i + 1].place).key == record.key) {
        continue;
      }
      if (!visit(record)) return;
    }
  }

  [[nodiscard]] bool empty() const noexcept { return end_ == 0; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return end_; }
  void clear() noexcept;

 private:
  struct Slot {
    std::uint32_t place = 0;  // in units, plus one
    std::uint32_t hash = 0;
    bool operator==(const Slot&) const noexcept = default;
  };
  struct Ref {
    std::uint64_t beginning = 0;  // of the key, behind its first octet, which all have in common
    std::uint64_t place = 0;
  };
  using Index = store::SplitTable<Slot>;

  [[nodiscard]] const std::uint8_t* at(std::uint64_t place) const noexcept {
    return blocks_[place / kBlock].get() + place % kBlock;
  }
  [[nodiscard]] Record read(std::uint64_t place) const noexcept;
  // Where the one behind it is; `place` itself may be the unused end of a block.
  [[nodiscard]] std::uint64_t skip_gap(std::uint64_t place) const noexcept;
  [[nodiscard]] Slot* slot_of(std::string_view key, std::uint64_t hash) noexcept;
  void bring_index_up_to_date();
  void sort();

  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::uint64_t end_ = 0;
  std::unique_ptr<Index> index_;
  std::uint64_t indexed_ = 0;
  std::vector<Ref> order_;
};

}  // namespace smppd::plugins::rocks_store
