// Blocks of memory for bytes on their way in or out, recycled most recently used first so that they stay in cache.
// Shard-local. A connection without unfinished bytes holds none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace smppd::runtime {

// Header of a block; the bytes follow it. `begin` and `end` bound the bytes in use.
struct Block {
  Block* next;
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t capacity;
  std::uint32_t size_class;
  [[nodiscard]] std::uint8_t* data() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1); }
  [[nodiscard]] std::uint32_t size() const noexcept { return end - begin; }
  [[nodiscard]] std::uint32_t room() const noexcept { return capacity - end; }
};

class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  // A block with room for at least `bytes`.
  [[nodiscard]] Block* take(std::size_t bytes);
  void give_back(Block* block) noexcept;

 private:
  static constexpr std::array<std::uint32_t, 5> kSizes{512, 4'096, 16'384, 65'536, 327'680};
  static constexpr std::array<std::uint32_t, 5> kKept{1024, 1024, 256, 128, 8};  // blocks kept for reuse, per size
  std::array<Block*, kSizes.size()> free_{};
  std::array<std::uint32_t, kSizes.size()> kept_{};
};

}  // namespace smppd::runtime
