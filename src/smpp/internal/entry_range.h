// The counted lists inside a PDU: destinations, refusals, ids. Part of pdu_view.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "base/bytes.h"
#include "smpp/values.h"

namespace smppd::smpp {

// One entry of submit_multi's dest_address. `address` is the dl_name for a distribution list, whose ton and npi are 0.
struct Destination {
  DestFlag flag = DestFlag::sme_address;
  std::uint8_t ton = 0;
  std::uint8_t npi = 0;
  std::string_view address;
};

// One entry of submit_multi_resp's unsuccess_sme.
struct Unsuccess {
  std::uint8_t ton = 0;
  std::uint8_t npi = 0;
  std::string_view address;
  CommandStatus error_status_code{};
};

// Reads one entry from checked bytes and moves `rest` past it.
void read_entry(ByteSpan& rest, Destination& out) noexcept;
void read_entry(ByteSpan& rest, Unsuccess& out) noexcept;
void read_entry(ByteSpan& rest, std::string_view& out) noexcept;  // an id of query_last_msgs_resp

// The entries of a counted list in wire order; lives as long as the view's bytes.
template <typename Entry>
class EntryRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    Iterator() noexcept = default;
    explicit Iterator(ByteSpan bytes) noexcept : rest_(bytes) { ++*this; }
    const Entry& operator*() const noexcept { return entry_; }
    const Entry* operator->() const noexcept { return &entry_; }
    Iterator& operator++() noexcept {
      at_end_ = rest_.empty();
      if (!at_end_) read_entry(rest_, entry_);
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const noexcept {
      return at_end_ == other.at_end_ && (at_end_ || rest_.size() == other.rest_.size());
    }

   private:
    ByteSpan rest_;
    Entry entry_{};
    bool at_end_ = true;
  };

  EntryRange() noexcept = default;
  EntryRange(ByteSpan bytes, std::size_t count) noexcept : bytes_(bytes), count_(count) {}
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(bytes_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(); }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  ByteSpan bytes_;
  std::size_t count_ = 0;
};

}  // namespace smppd::smpp
