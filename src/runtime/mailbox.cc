#include "runtime/mailbox.h"

#include <bit>
#include <stdexcept>

namespace smppd::runtime {

Mailbox::Mailbox(std::size_t capacity) : capacity_(capacity), ring_(new std::uint8_t[capacity]) {
  if (!std::has_single_bit(capacity)) throw std::invalid_argument("a mailbox's capacity is a power of two");
}

std::uint8_t* Mailbox::place(std::size_t bytes) noexcept {
  const std::size_t needed = kRecordHeader + padded(bytes);
  const std::size_t offset = written_ & (capacity_ - 1);
  const std::size_t to_end = capacity_ - offset;
  const std::size_t skipped = needed > to_end ? to_end : 0;
  if (written_ + skipped + needed - consumed_seen_ > capacity_) {
    consumed_seen_ = consumed_.load(std::memory_order_acquire);
    if (written_ + skipped + needed - consumed_seen_ > capacity_) return nullptr;
  }
  if (skipped > 0) {
    std::memcpy(&ring_[offset], &kSkip, sizeof kSkip);
    written_ += skipped;
  }
  const auto size = static_cast<std::uint32_t>(bytes);
  std::uint8_t* record = &ring_[written_ & (capacity_ - 1)];
  std::memcpy(record, &size, sizeof size);
  pending_ = written_ + needed;
  return record + kRecordHeader;
}

std::uint8_t* Mailbox::try_begin(std::size_t bytes) noexcept {
  if (!spilled_.empty()) return nullptr;
  return place(bytes);
}

void Mailbox::commit() noexcept { written_ = pending_; }

void Mailbox::send_always(ByteSpan record) {
  if (spilled_.empty()) {
    if (std::uint8_t* at = place(record.size())) {
      std::memcpy(at, record.data(), record.size());
      commit();
      return;
    }
  }
  spilled_.emplace_back(record.begin(), record.end());
}

bool Mailbox::publish() {
  while (!spilled_.empty()) {
    const auto& record = spilled_.front();
    std::uint8_t* at = place(record.size());
    if (at == nullptr) break;
    std::memcpy(at, record.data(), record.size());
    commit();
    spilled_.pop_front();
  }
  if (published_.load(std::memory_order_relaxed) == written_) return false;
  published_.store(written_, std::memory_order_seq_cst);
  return true;
}

}  // namespace smppd::runtime
