// Numbers in network order and short texts, written into room that the caller has and read back from octets that nobody
// vouches for. Neither allocates; past the end both remember that it did not fit and do nothing more. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "store/transaction.h"

namespace smppd::flow::internal {

inline constexpr std::size_t kMaxStoredText = 255;

class OctetWriter {
 public:
  explicit OctetWriter(std::span<std::uint8_t> room) noexcept : room_(room) {}

  template <class T>
  void number(T value) noexcept {
    if (std::uint8_t* at = grow(sizeof(T))) store_be(at, value);
  }
  void moment(store::Moment value) noexcept { number(static_cast<std::uint64_t>(value.time_since_epoch().count())); }
  void octets(ByteSpan bytes) noexcept {
    if (bytes.empty()) return;
    if (std::uint8_t* at = grow(bytes.size())) std::memcpy(at, bytes.data(), bytes.size());
  }
  // With its length in front; at most kMaxStoredText.
  void text(std::string_view text) noexcept {
    if (text.size() > kMaxStoredText) fits_ = false;
    number(static_cast<std::uint8_t>(text.size()));
    octets(as_bytes(text));
  }

  // What was written; nothing when it did not fit.
  [[nodiscard]] ByteSpan done() const noexcept { return fits_ ? room_.first(size_) : ByteSpan(); }

 private:
  [[nodiscard]] std::uint8_t* grow(std::size_t count) noexcept {
    if (!fits_ || room_.size() - size_ < count) {
      fits_ = false;
      return nullptr;
    }
    std::uint8_t* at = room_.data() + size_;
    size_ += count;
    return at;
  }

  std::span<std::uint8_t> room_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

class OctetReader {
 public:
  explicit OctetReader(ByteSpan octets) noexcept : rest_(octets) {}

  template <class T>
  [[nodiscard]] T number() noexcept {
    const ByteSpan octets = take(sizeof(T));
    return octets.empty() ? T{} : load_be<T>(octets.data());
  }
  [[nodiscard]] store::Moment moment() noexcept {
    const store::Moment at(std::chrono::milliseconds(static_cast<std::int64_t>(number<std::uint64_t>())));
    if (at < store::Moment{} || at > store::kNever) whole_ = false;
    return at;
  }
  [[nodiscard]] std::string_view text() noexcept { return as_text(take(number<std::uint8_t>())); }
  [[nodiscard]] ByteSpan take_rest() noexcept { return take(rest_.size()); }

  // Everything asked for was there, and can be.
  [[nodiscard]] bool whole() const noexcept { return whole_; }
  [[nodiscard]] bool at_end() const noexcept { return whole_ && rest_.empty(); }

 private:
  [[nodiscard]] ByteSpan take(std::size_t count) noexcept {
    if (!whole_ || rest_.size() < count) {
      whole_ = false;
      return {};
    }
    const ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  ByteSpan rest_;
  bool whole_ = true;
};

}  // namespace smppd::flow::internal
