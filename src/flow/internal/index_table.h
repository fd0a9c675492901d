// From a 32-bit hash to the indices of records that lie elsewhere: one cache line a look-up, and no stall when it
// grows.
//
// Extendible hashing: a directory over the hash's first bits leads to segments of 4 KiB. A segment has 64 lines of 12
// slots; an index lies in the line its hash names or, when that was full, in one of the next, and each line knows how
// many went past it, so that most look-ups end where they began and nothing has to move when an index is erased. A
// segment at its bound is split in two (a few microseconds: lines hold what that takes of the hashes, in all but small
// and huge tables); nothing else ever moves but the directory. A slot holds index + 1 and, in the bits that leaves, a
// piece of the hash, so that few records are looked at in vain. Shard-local. Memory is kept until destruction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "base/prefetch.h"
#include "flow/internal/index_line.h"
#include "flow/internal/pool.h"

namespace smppd::flow::internal {

class IndexTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr unsigned kLineBits = IndexSegment::kLineBits;  // the last bits of a hash name a line

  // Indices will be below `index_bound`, which is at most 2^31 - 1.
  explicit IndexTable(std::uint32_t index_bound)
      : index_bits_(static_cast<unsigned>(std::bit_width(index_bound))), index_mask_((1U << index_bits_) - 1) {
    directory_.push_back(add_segment());
  }

  // An index under `hash` that `equal(index)` accepts, or kNone. The order in which several are tried is not defined.
  template <typename Equal>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, Equal&& equal) const noexcept {
    const Place found = place_of(segment_at(directory_[first_bits(hash, depth_)]), hash, equal);
    return found.line == nullptr ? kNone : index_in((*found.line)[found.at]);
  }

  // Fetches what find(), insert() and erase() of this hash will read.
  void prefetch(std::uint32_t hash) const noexcept {
    smppd::prefetch(&segment_at(directory_[first_bits(hash, depth_)]).lines[Segment::home(hash)]);
  }

  // When that is there: calls see(index) for those whose records find() will look at, first of all.
  template <typename See>
  void look(std::uint32_t hash, See&& see) const noexcept {
    const Line& line = segment_at(directory_[first_bits(hash, depth_)]).lines[Segment::home(hash)];
    for (std::uint32_t hits = line.hits_of(~index_mask_, tag_of(hash)); hits != 0; hits &= hits - 1) {
      const std::uint32_t hit = Line::first_of(hits);
      if (line.more(hit) == more_of(hash) && line[hit] != Line::kEmpty) see(index_in(line[hit]));
    }
  }

  // The same index twice is the caller's mistake. `hash_of(index)` gives the hash of any index in the table. False when
  // too many hashes are equal in their first bits, which a secret seed makes impossible.
  template <typename HashOf>
  [[nodiscard]] bool insert(std::uint32_t hash, std::uint32_t index, HashOf&& hash_of) noexcept {
    if (!make_room(hash, hash_of)) return false;
    place(directory_[first_bits(hash, depth_)], hash, index);
    return true;
  }

  // The same, but an index that `equal` accepts gives its slot to the new one.
  template <typename Equal, typename HashOf>
  [[nodiscard]] bool insert_or_replace(std::uint32_t hash, std::uint32_t index, Equal&& equal,
                                       HashOf&& hash_of) noexcept {
    if (!make_room(hash, hash_of)) return false;
    const std::uint32_t number = directory_[first_bits(hash, depth_)];
    Line& line = segment_at(number).lines[Segment::home(hash)];
    // Nearly always nothing like it is there, and its line has room.
    const bool alike = line.passed() || line.hits_of(~index_mask_, tag_of(hash)) != 0;
    if (const std::uint32_t free = line.free(); free != 0 && !alike) [[likely]] {
      line.put(Line::first_of(free), tag_of(hash) | (index + 1), more_of(hash), 0);
      ++shapes_[number].count;
      return true;
    }
    const Place former = place_of(segment_at(number), hash, equal);
    if (former.line == nullptr) {
      place(number, hash, index);
    } else {
      former.line->put(former.at, tag_of(hash) | (index + 1), more_of(hash), former.line->distance(former.at));
    }
    return true;
  }

  // False when that index is not there.
  bool erase(std::uint32_t hash, std::uint32_t index) noexcept {
    const std::uint32_t number = directory_[first_bits(hash, depth_)];
    Segment& segment = segment_at(number);
    std::uint32_t at = Segment::home(hash);
    for (std::uint32_t tried = 0; tried < kLines; ++tried, at = Segment::after(at)) {
      Line& line = segment.lines[at];
      if (const std::uint32_t hits = line.hits_of(index_mask_, index + 1); hits != 0) {
        line.clear(Line::first_of(hits));
        for (std::uint32_t passed = Segment::home(hash); passed != at; passed = Segment::after(passed))
          segment.lines[passed].unpass();
        --shapes_[number].count;
        return true;
      }
      if (!line.passed()) break;
    }
    return false;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return store_.memory_bytes() + blocks_.capacity() * sizeof(Segment*) +
           directory_.capacity() * sizeof(directory_[0]) + shapes_.capacity() * sizeof(shapes_[0]);
  }

 private:
  using Line = IndexLine;
  using Segment = IndexSegment;
  using Shape = IndexSegment::Shape;
  static constexpr std::uint32_t kLines = Segment::kLines, kSlots = Line::kSlots;
  static constexpr std::uint32_t kSplitAt = kLines * kSlots / 5 * 4;
  static constexpr unsigned kMaxDepth = 20;
  // Splits at these depths, of some 50,000 to some 15 million indices, go by the bits that a line has as more_of().
  static constexpr unsigned kFirstKnown = 8, kLastKnown = 15;

  struct Place {
    Line* line = nullptr;
    std::uint32_t at = 0;
  };

  // Where the index under `hash` is that `equal` accepts; no line: nowhere.
  template <typename Equal>
  [[nodiscard]] Place place_of(Segment& segment, std::uint32_t hash, Equal& equal) const noexcept {
    const std::uint32_t tag = tag_of(hash);
    std::uint32_t at = Segment::home(hash);
    for (std::uint32_t tried = 0; tried < kLines; ++tried, at = Segment::after(at)) {
      Line& line = segment.lines[at];
      for (std::uint32_t hits = line.hits_of(~index_mask_, tag); hits != 0; hits &= hits - 1) {
        const std::uint32_t hit = Line::first_of(hits);
        if (line.more(hit) != more_of(hash) || line[hit] == Line::kEmpty) continue;
        if (equal(index_in(line[hit]))) return {&line, hit};
      }
      if (!line.passed()) break;
    }
    return {};
  }

  static constexpr std::uint32_t kBlock = BlockStore::kBlockBytes / sizeof(Segment);

  [[nodiscard]] static constexpr std::size_t first_bits(std::uint32_t hash, unsigned bits) noexcept {
    return static_cast<std::size_t>((std::uint64_t{hash} << bits) >> 32U);
  }
  [[nodiscard]] static constexpr std::uint8_t more_of(std::uint32_t hash) noexcept {
    return static_cast<std::uint8_t>(hash >> (32 - kLastKnown));
  }
  [[nodiscard]] std::uint32_t tag_of(std::uint32_t hash) const noexcept { return hash >> kLineBits << index_bits_; }
  [[nodiscard]] std::uint32_t index_in(std::uint32_t slot) const noexcept { return (slot & index_mask_) - 1; }
  [[nodiscard]] Segment& segment_at(std::uint32_t number) const noexcept {
    return blocks_[number / kBlock][number % kBlock];
  }

  std::uint32_t add_segment() {
    if (shapes_.size() == blocks_.size() * kBlock) blocks_.push_back(reinterpret_cast<Segment*>(store_.take()));
    const auto number = static_cast<std::uint32_t>(shapes_.size());
    shapes_.emplace_back();
    new (&segment_at(number)) Segment();
    return number;
  }

  void place(std::uint32_t number, std::uint32_t hash, std::uint32_t index) noexcept {
    Segment& segment = segment_at(number);
    std::uint32_t at = Segment::home(hash);
    for (std::uint32_t distance = 0;; ++distance, at = Segment::after(at)) {
      Line& line = segment.lines[at];
      if (const std::uint32_t hits = line.free(); hits != 0) {
        line.put(Line::first_of(hits), tag_of(hash) | (index + 1), more_of(hash), distance);
        ++shapes_[number].count;
        return;
      }
      line.pass();
    }
  }

  template <typename HashOf>
  [[nodiscard]] bool make_room(std::uint32_t hash, HashOf& hash_of) noexcept {
    while (shapes_[directory_[first_bits(hash, depth_)]].count >= kSplitAt) [[unlikely]] {
      if (!split(hash, hash_of)) return false;
    }
    return true;
  }

  template <typename HashOf>
  [[gnu::noinline]] [[nodiscard]] bool split(std::uint32_t hash, HashOf& hash_of) noexcept {
    const std::uint32_t low = directory_[first_bits(hash, depth_)];
    if (shapes_[low].depth == kMaxDepth) return false;
    if (shapes_[low].depth == depth_) double_directory();
    const std::uint32_t high = add_segment();
    const unsigned depth = shapes_[high].depth = ++shapes_[low].depth;
    share_out(low, high, depth, hash_of);
    const std::size_t share = std::size_t{1} << (depth_ - depth);
    const std::size_t begin = (first_bits(hash, depth) | 1U) * share;
    for (std::size_t i = begin; i < begin + share; ++i) directory_[i] = high;
    return true;
  }

  // Slots are filled from the first on and no branch depends on a hash, so that where records have to be looked at,
  // each of which is a line from memory, they are waited for together.
  template <typename HashOf>
  void share_out(std::uint32_t low, std::uint32_t high, unsigned depth, HashOf& hash_of) noexcept {
    const Segment before = std::exchange(segment_at(low), Segment());
    const std::array<Segment*, 2> to{&segment_at(low), &segment_at(high)};
    std::array<std::array<std::uint8_t, kLines>, 2> filled{};
    std::array<std::uint16_t, 2> counts{};
    const bool known = depth >= kFirstKnown && depth <= kLastKnown;
    for (std::uint32_t line = 0; line < kLines; ++line) {
      const Line& from = before.lines[line];
      for (std::uint32_t i = 0; i < kSlots; ++i) {
        if (from[i] == Line::kEmpty) continue;
        std::size_t half = from.more(i) >> ((kLastKnown - depth) & 7U) & 1U;
        std::uint32_t at = (line - from.distance(i)) & (kLines - 1);
        if (!known || from.distance(i) == Line::kFar) {
          const std::uint32_t hash = hash_of(index_in(from[i]));
          half = first_bits(hash, depth) & 1U;
          at = Segment::home(hash);
        }
        std::uint32_t distance = 0;
        for (; filled[half][at] == kSlots; at = Segment::after(at), ++distance) to[half]->lines[at].pass();
        to[half]->lines[at].put(filled[half][at]++, from[i], from.more(i), distance);
        ++counts[half];
      }
    }
    shapes_[low].count = counts[0];
    shapes_[high].count = counts[1];
  }

  void double_directory() {
    std::vector<std::uint32_t> twice(directory_.size() * 2);
    for (std::size_t i = 0; i < twice.size(); ++i) twice[i] = directory_[i / 2];
    directory_ = std::move(twice);
    ++depth_;
  }

  unsigned index_bits_, depth_ = 0;
  std::uint32_t index_mask_;
  std::vector<std::uint32_t> directory_;  // 2^depth_ numbers of segments
  std::vector<Shape> shapes_;             // by number
  BlockStore store_{BlockStore::kOfIndex};
  std::vector<Segment*> blocks_;
};

}  // namespace smppd::flow::internal
