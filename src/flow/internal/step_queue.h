// What is to happen once a transaction is durable: small records in the order of their transactions, kept in blocks
// that never move, so that a step may queue others while it runs. Shard-local; no allocation once the blocks are there.
//
// A step is a kind, a plain fact sheet and octets (a PDU), as mail between shards is. Nothing of it is on disk.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "store/partition.h"

namespace smppd::flow::internal {

template <typename Kind>
class StepQueue {
 public:
  StepQueue() = default;
  StepQueue(const StepQueue&) = delete;
  StepQueue& operator=(const StepQueue&) = delete;
  ~StepQueue() = default;

  struct Step {
    Kind kind;
    ByteSpan body;
    template <typename Facts>
    [[nodiscard]] Facts facts() const noexcept {
      static_assert(std::is_trivially_copyable_v<Facts>);
      Facts facts;
      std::memcpy(&facts, body.data(), sizeof facts);
      return facts;
    }
    template <typename Facts>
    [[nodiscard]] ByteSpan octets() const noexcept {
      return body.subspan(sizeof(Facts));
    }
  };

  // `sequence` is not lower than that of the step before.
  template <typename Facts>
  void push(store::Sequence sequence, Kind kind, const Facts& facts, ByteSpan octets = {}) {
    static_assert(std::is_trivially_copyable_v<Facts>);
    std::uint8_t* at = begin({sequence, static_cast<std::uint32_t>(sizeof facts + octets.size()), kind});
    std::memcpy(at, &facts, sizeof facts);
    if (!octets.empty()) std::memcpy(at + sizeof facts, octets.data(), octets.size());
  }

  // A step whose facts and octets were put together before.
  void push_whole(store::Sequence sequence, Kind kind, ByteSpan body) {
    std::uint8_t* at = begin({sequence, static_cast<std::uint32_t>(body.size()), kind});
    if (!body.empty()) std::memcpy(at, body.data(), body.size());
  }

  // Runs every step whose sequence is at most `last`.
  template <typename Run>
  void run(store::Sequence last, Run&& run_step) {
    while (!blocks_.empty()) {
      Block& block = blocks_.front();
      while (block.read < block.used) {
        Head head;
        std::memcpy(&head, block.bytes.get() + block.read, sizeof head);
        if (head.sequence > last) return;
        const ByteSpan body(block.bytes.get() + block.read + sizeof head, head.size);
        block.read += sizeof head + head.size;
        --size_;
        run_step(Step{head.kind, body});
      }
      if (blocks_.size() == 1) {
        block.read = block.used = 0;
        return;
      }
      if (spare_.bytes == nullptr && block.size == kBlock) spare_ = std::move(block);
      blocks_.pop_front();
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kBlock = 256 * 1024;
  struct Head {
    store::Sequence sequence;
    std::uint32_t size;
    Kind kind;
  };
  struct Block {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;
    std::size_t read = 0;
  };

  std::uint8_t* begin(const Head& head) {
    const std::size_t size = sizeof head + head.size;
    if (blocks_.empty() || blocks_.back().size - blocks_.back().used < size) add_block(size);
    Block& block = blocks_.back();
    std::uint8_t* at = block.bytes.get() + block.used;
    std::memcpy(at, &head, sizeof head);
    block.used += size;
    ++size_;
    return at + sizeof head;
  }
  void add_block(std::size_t size) {
    if (spare_.bytes != nullptr && size <= kBlock) {
      spare_.used = spare_.read = 0;
      blocks_.push_back(std::move(spare_));
      spare_ = {};
      return;
    }
    const std::size_t bytes = size > kBlock ? size : kBlock;
    blocks_.push_back({std::make_unique<std::uint8_t[]>(bytes), bytes, 0, 0});
  }

  std::deque<Block> blocks_;
  Block spare_;
  std::size_t size_ = 0;
};

}  // namespace smppd::flow::internal
