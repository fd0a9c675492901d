// Optional parameters (TLVs): the standard ones by name, vendor ones by configuration, and walking them on the wire.
// SMPP 3.4 §5.3, 5.0 §4.8. A registry is built at start-up, immutable and free to read from any thread afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "smpp/internal/lists.h"
#include "smpp/values.h"

namespace smppd::smpp {

// Tags that have no enumerator are as valid as those that have.
enum class TlvTag : std::uint16_t {
#define SMPPD_X(name, tag, type, min, max, since) name = tag,
  SMPPD_SMPP_TLVS(SMPPD_X)
#undef SMPPD_X
};

inline constexpr std::uint16_t kVendorTagFirst = 0x1400;
inline constexpr std::uint16_t kVendorTagLast = 0x3FFF;
inline constexpr std::size_t kTlvHeaderSize = 4;

enum class TlvType : std::uint8_t { u8, u16, u32, cstring, octets, none };

struct TlvSpec {
  std::string_view name;
  TlvTag tag{};
  TlvType type = TlvType::octets;
  std::uint16_t min = 0;  // octets of the value
  std::uint16_t max = 0;
  Version since = Version::v34;
};

// Ordered by tag.
[[nodiscard]] std::span<const TlvSpec> standard_tlvs() noexcept;
[[nodiscard]] const TlvSpec* standard_tlv(TlvTag tag) noexcept;

struct Tlv {
  TlvTag tag{};
  ByteSpan value;
};

// Walks TLVs in bytes that somebody else owns, in wire order. Ends at the first one that does not fit into the bytes,
// so it is safe on any input; check_tlvs() tells beforehand whether all fit.
class TlvRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Tlv;
    using difference_type = std::ptrdiff_t;

    Iterator() noexcept = default;
    explicit Iterator(ByteSpan rest) noexcept : rest_(rest) { clip(); }
    Tlv operator*() const noexcept {
      return {static_cast<TlvTag>(load_be<std::uint16_t>(rest_.data())), rest_.subspan(kTlvHeaderSize, length())};
    }
    Iterator& operator++() noexcept {
      rest_ = rest_.subspan(kTlvHeaderSize + length());
      clip();
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const noexcept { return rest_.size() == other.rest_.size(); }

   private:
    [[nodiscard]] std::size_t length() const noexcept { return load_be<std::uint16_t>(rest_.data() + 2); }
    void clip() noexcept {
      if (rest_.size() < kTlvHeaderSize || rest_.size() - kTlvHeaderSize < length()) rest_ = {};
    }
    ByteSpan rest_;
  };

  TlvRange() noexcept = default;
  explicit TlvRange(ByteSpan bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(bytes_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(); }
  [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

 private:
  ByteSpan bytes_;
};

// True when `bytes` is a whole number of TLVs, each inside the bytes.
[[nodiscard]] bool check_tlvs(ByteSpan bytes) noexcept;

// The first TLV with that tag.
[[nodiscard]] std::optional<ByteSpan> find_tlv(ByteSpan bytes, TlvTag tag) noexcept;

// The value as a big-endian number; empty for no octets or more than 4.
[[nodiscard]] std::optional<std::uint32_t> tlv_integer(ByteSpan value) noexcept;
// The value up to its first NUL.
[[nodiscard]] std::string_view tlv_text(ByteSpan value) noexcept;

struct VendorTlv {
  std::string name;
  std::uint16_t tag = 0;
  TlvType type = TlvType::octets;
  std::uint16_t min = 0;
  std::uint16_t max = 65535;
};

class TlvRegistry {
 public:
  TlvRegistry() = default;  // the standard TLVs only
  // Refuses tags outside 0x1400-0x3FFF, names that are empty, taken or not [a-z0-9_], tags given twice, min > max and
  // bounds that contradict the type; a min of 0 and the bounds of numbers are the type's own.
  [[nodiscard]] static Fallible<TlvRegistry> with_vendor_tlvs(std::vector<VendorTlv> vendor);

  TlvRegistry(TlvRegistry&&) noexcept = default;
  TlvRegistry& operator=(TlvRegistry&&) noexcept = default;
  TlvRegistry(const TlvRegistry&) = delete;
  TlvRegistry& operator=(const TlvRegistry&) = delete;

  [[nodiscard]] const TlvSpec* find(TlvTag tag) const noexcept;
  [[nodiscard]] const TlvSpec* find(std::string_view name) const noexcept;
  // The TLV's name, or its tag as 0x hexadecimal.
  [[nodiscard]] std::string name_of(TlvTag tag) const;

 private:
  std::deque<std::string> names_;  // what the specs' names point into
  std::vector<TlvSpec> vendor_;    // ordered by tag
};

// "u8" "u16" "u32" "cstring" "octets" "none".
[[nodiscard]] std::string_view name_of(TlvType type) noexcept;
[[nodiscard]] std::optional<TlvType> parse_tlv_type(std::string_view text) noexcept;

}  // namespace smppd::smpp
