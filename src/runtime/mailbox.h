// Mail from one shard to another: a ring of variable-length records with one producer thread and one consumer thread.
//
// Records become visible in batches (publish(), once per turn). The ring is bounded: try_begin() says no when it is
// full and the caller applies its back-pressure. Records that must not be refused (answers; their number is bounded by
// the requests in flight) go through send_always(), which spills into a side buffer that publish() moves over, in
// order.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace smppd::runtime {

class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity);  // a power of two

  // Producer. Space for one record of `bytes` octets, or null when the ring is full or answers are spilled before it.
  [[nodiscard]] std::uint8_t* try_begin(std::size_t bytes) noexcept;
  void commit() noexcept;
  void send_always(ByteSpan record);
  // Shows everything committed to the consumer; true if there was something new.
  bool publish();

  // Consumer. Calls visit(ByteSpan) for each record that was there when the call began.
  template <typename Visit>
  std::size_t drain(Visit&& visit) {
    const std::uint64_t end = published_.load(std::memory_order_acquire);
    std::size_t count = 0;
    std::uint64_t at = read_;
    while (at != end) {
      const std::uint32_t size = size_at(at);
      if (size == kSkip) {
        at = (at | (capacity_ - 1)) + 1;
        continue;
      }
      visit(ByteSpan(&ring_[(at & (capacity_ - 1)) + kRecordHeader], size));
      at += kRecordHeader + padded(size);
      ++count;
    }
    read_ = at;
    consumed_.store(at, std::memory_order_release);
    return count;
  }
  [[nodiscard]] bool has_mail() const noexcept { return published_.load(std::memory_order_seq_cst) != read_; }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  static constexpr std::size_t kRecordHeader = 8;
  static constexpr std::uint32_t kSkip = 0xFFFFFFFFU;  // the rest of the ring up to its end is unused
  static std::size_t padded(std::size_t bytes) noexcept { return (bytes + 7) & ~std::size_t{7}; }
  std::uint32_t size_at(std::uint64_t at) const noexcept {
    std::uint32_t size;
    std::memcpy(&size, &ring_[at & (capacity_ - 1)], sizeof size);
    return size;
  }
  std::uint8_t* place(std::size_t bytes) noexcept;

  const std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> ring_;

  // Producer's side.
  alignas(64) std::uint64_t written_ = 0;
  std::uint64_t pending_ = 0;  // end of the record begun
  std::uint64_t consumed_seen_ = 0;
  std::deque<std::vector<std::uint8_t>> spilled_;
  alignas(64) std::atomic<std::uint64_t> published_{0};
  // Consumer's side.
  alignas(64) std::uint64_t read_ = 0;
  alignas(64) std::atomic<std::uint64_t> consumed_{0};
};

}  // namespace smppd::runtime
