// Which receipts were told, long after their messages were forgotten: a mark of eight octets and some room for each, so
// that an hour of them costs a seventh of what the messages would.
//
// Marks lie in pages of lines; a page that is full, or older than half as long as marks are kept, is written no more
// and goes whole when its last mark may. Each takes a line of its hash's choice or, when that is full, one of the next.
// Who finds a mark that was never made takes a message's only receipt for a repetition, and 32 bits let one in some
// millions of those that came before their message's answer: a mark is 48 bits of the hash of its id, and its line says
// what is missing. The other 16 are of the message's destination, since an SMSC may give an id again. Marks are put
// down some at a time, so that nobody waits for their lines. Shard-local.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/prefetch.h"

namespace smppd::flow::internal {

// kOfAnother: messages of this id were told of, none of them to this destination.
enum class Told : std::uint8_t { kNot, kOfAnother, kYes };

class ToldMarks {
 public:
  using Destinations = std::array<std::uint16_t, 2>;  // hashes of which one is the destination's; 0: not known

  // Beyond `most` the oldest go, a page of them at once. Times are seconds on a clock of the caller's.
  ToldMarks(std::size_t most, std::uint32_t kept_seconds) noexcept : most_(most), kept_(kept_seconds) {}

  // `until`, which does not fall, is when the mark may go.
  void add(std::uint64_t hash, std::uint16_t destination, std::uint32_t until);
  [[nodiscard]] Told find(std::uint64_t hash, const Destinations& destinations) const noexcept;
  void expire(std::uint32_t now) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_ + waiting_count_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::size_t kSlots = 8;  // of a line
  static constexpr std::size_t kUsed = 5;   // of those, on average, when a page is full
  static constexpr std::size_t kWaiting = 16;
  static constexpr std::size_t kFirstLines = 1024;
  static constexpr std::size_t kLines = 32'768;

  struct alignas(64) Line {
    std::array<std::uint64_t, kSlots> marks{};  // 0: none, nor any behind it
  };
  struct Page {
    std::vector<Line> lines;
    std::size_t count = 0;
    std::uint32_t from = 0;   // the `until` of its first mark
    std::uint32_t until = 0;  // and of its last
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>((hash >> 32U) * lines.size() >> 32U);
    }
    [[nodiscard]] std::size_t after(std::size_t at) const noexcept { return at + 1 == lines.size() ? 0 : at + 1; }
    [[nodiscard]] Told find(std::uint64_t hash, const Destinations& destinations) const noexcept;
    void put(std::uint64_t hash, std::uint16_t destination) noexcept;
  };
  struct Waiting {
    std::uint64_t hash = 0;
    std::uint16_t destination = 0;
  };
  static constexpr unsigned kDestinationBits = 16;
  // Of two hashes that share a line no bit is lost: what is shifted out is the line's number, and below it.
  [[nodiscard]] static std::uint64_t mark_of(std::uint64_t hash) noexcept {
    const std::uint64_t mark = (hash ^ hash >> (64U - kDestinationBits)) << kDestinationBits;
    return mark == 0 ? std::uint64_t{1} << kDestinationBits : mark;
  }
  [[nodiscard]] static Told told_by(std::uint16_t destination, const Destinations& destinations) noexcept;
  void open_page(std::uint32_t until);
  void drop_page() noexcept;
  void put_waiting() noexcept;

  std::size_t most_;
  std::uint32_t kept_;
  std::size_t size_ = 0;     // without those that wait
  std::deque<Page> pages_;   // oldest first; the last is written
  std::vector<Line> spare_;  // of the page that went last
  std::size_t waiting_count_ = 0;
  std::array<Waiting, kWaiting> waiting_{};
};

}  // namespace smppd::flow::internal
