// The last messages of which no receipt is expected, for query_sm, cancel_sm and replace_sm, and to know a receipt that
// nobody asked for. Shard-local.
//
// Nearly every message is written here and few are asked for: writing is one record behind the last. Many records at
// once, and before anybody asks, are given their two fingerprints and a link into a chain of the SMSC's ids, so that a
// receipt finds its message or the lack of it in a step or two. Our ids are looked for among the fingerprints, newest
// first. The oldest record makes room. Ids of more than kMaxId octets are not kept.
//
// Invariant: the last unindexed_ records have neither fingerprints nor links, fewer than batch_ and than there are.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "message/ids.h"
#include "smpp/text/canonical_id.h"

namespace smppd::flow::internal {

// What a record has room for of its message's destination: the last two digits, which an SMSC writes alike with and
// without its country code. 0: there are none. Of what are no digits something.
[[nodiscard]] constexpr std::uint8_t destination_tail(std::string_view address) noexcept {
  if (address.size() < 2) return 0;
  const auto tens = static_cast<unsigned>(address[address.size() - 2]) << 4U & 0xF0U;
  const auto ones = static_cast<unsigned>(address.back()) & 0x0FU;
  return static_cast<std::uint8_t>((tens | ones) + 1);
}

class RecentRing {
 public:
  static constexpr std::size_t kMaxId = 36;

  struct Record {
    message::OwnId own;
    Instant submitted;
    std::uint32_t client;
    std::uint32_t source_hash;
    std::uint16_t upstream;
    std::uint8_t id_size;
    std::uint8_t destination_tail;
    std::array<char, kMaxId> id;
    [[nodiscard]] std::string_view upstream_id() const noexcept { return {id.data(), id_size}; }
  };
  static_assert(sizeof(Record) == 64);

  explicit RecentRing(std::uint32_t entries) noexcept;

  struct Sent {
    message::OwnId own;
    message::ClientId client;
    message::UpstreamId upstream;
    std::uint32_t source_hash;
    std::uint8_t destination_tail;
    std::string_view upstream_id;
  };
  // False when it is not kept. Allocates at the first call only.
  bool push(const Sent& sent, Instant now) noexcept;

  // Null when there is none. Valid until the next push().
  [[nodiscard]] const Record* find(message::OwnId own) noexcept;
  [[nodiscard]] const Record* find(message::UpstreamId upstream, const smpp::CanonicalId& id) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  // One record's place in the chain of its bucket. Numbers count all records that were ever written, from 1; one that
  // is more than capacity_ behind has been written over, and so have those after it in its chain.
  struct ById {
    std::uint32_t mark;
    std::uint32_t older;
  };

  // Of the usual lengths both ends at once, which meet in the middle.
  static void copy_id(char* to, std::string_view id) noexcept {
    const std::size_t size = id.size();
    if (size >= 16 && size <= 32) {
      std::memcpy(to, id.data(), 16);
      std::memcpy(to + size - 16, id.data() + size - 16, 16);
    } else if (size >= 8 && size < 16) {
      std::memcpy(to, id.data(), 8);
      std::memcpy(to + size - 8, id.data() + size - 8, 8);
    } else {
      std::memcpy(to, id.data(), size);
    }
  }
  void allocate() noexcept;
  void index() noexcept;

  std::uint32_t capacity_;
  std::uint32_t batch_;  // how many are indexed at once
  std::uint32_t bucket_mask_;
  std::uint32_t size_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t written_ = 0;
  std::uint32_t unindexed_ = 0;
  std::uint64_t refused_ = 0;
  std::unique_ptr<Record[]> records_;
  std::unique_ptr<std::uint32_t[]> own_marks_;
  std::unique_ptr<ById[]> by_id_;
  std::unique_ptr<std::uint32_t[]> newest_of_;  // by bucket: the number of its newest record
};

inline bool RecentRing::push(const Sent& sent, Instant now) noexcept {
  if (capacity_ == 0) return false;
  if (sent.upstream_id.empty() || sent.upstream_id.size() > kMaxId) {
    ++refused_;
    return false;
  }
  if (records_ == nullptr) [[unlikely]]
    allocate();
  Record& record = records_[next_];
  record.own = sent.own;
  record.submitted = now;
  record.client = sent.client.value();
  record.source_hash = sent.source_hash;
  record.upstream = sent.upstream.value();
  record.id_size = static_cast<std::uint8_t>(sent.upstream_id.size());
  record.destination_tail = sent.destination_tail;
  copy_id(record.id.data(), sent.upstream_id);
  ++written_;
  next_ = next_ + 1 == capacity_ ? 0 : next_ + 1;
  if (size_ < capacity_) ++size_;
  if (++unindexed_ == batch_) index();
  return true;
}

}  // namespace smppd::flow::internal
