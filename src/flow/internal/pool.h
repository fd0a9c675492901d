// Plain records at stable addresses, named by 32-bit indices, for tables of millions of them. Shard-local.
//
// Memory comes in blocks of 64 KiB, and beyond so much in huge pages of 2 MiB, because a random read of ordinary pages
// costs two to three times as much there. It is never moved, not zeroed, and not given back before destruction.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/prefetch.h"

namespace smppd::flow::internal {

class BlockStore {
 public:
  static constexpr std::size_t kBlockBytes = std::size_t{64} << 10U;
  // What is filled from one end to the other, and what is read anywhere.
  static constexpr std::size_t kOfRecords = std::size_t{16} << 20U;
  static constexpr std::size_t kOfIndex = std::size_t{1} << 20U;

  // In huge pages beyond `small` octets.
  explicit BlockStore(std::size_t small) noexcept : small_(small) {}

  // Aligned to a page; lives as long as the store.
  [[nodiscard]] std::byte* take();
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return bytes_ + chunks_.capacity() * sizeof(chunks_[0]); }

 private:
  struct Free {
    void operator()(std::byte* chunk) const noexcept;
  };
  std::size_t small_;
  std::vector<std::unique_ptr<std::byte, Free>> chunks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

// Freed records are used again, last first; `next_free` is the member that may hold the list of them meanwhile.
template <typename T>
class Pool {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  [[nodiscard]] T& operator[](std::uint32_t index) noexcept { return blocks_[index / kPerBlock][index % kPerBlock]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const noexcept {
    return blocks_[index / kPerBlock][index % kPerBlock];
  }

  [[nodiscard]] std::uint32_t take(std::uint32_t T::* next_free) {
    if (free_ != kNone) {
      const std::uint32_t index = free_;
      free_ = (*this)[index].*next_free;
      if (free_ != kNone) prefetch(&(*this)[free_]);  // some were given back long ago
      return index;
    }
    if (used_ == blocks_.size() * kPerBlock) blocks_.push_back(reinterpret_cast<T*>(store_.take()));
    return used_++;
  }
  void give(std::uint32_t index, std::uint32_t T::* next_free) noexcept {
    (*this)[index].*next_free = free_;
    free_ = index;
  }

  // Indices below this were taken once.
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return store_.memory_bytes() + blocks_.capacity() * sizeof(T*);
  }

 private:
  static constexpr std::uint32_t kPerBlock = std::bit_floor(BlockStore::kBlockBytes / sizeof(T));

  BlockStore store_{BlockStore::kOfRecords};
  std::vector<T*> blocks_;
  std::uint32_t used_ = 0;
  std::uint32_t free_ = kNone;
};

}  // namespace smppd::flow::internal
