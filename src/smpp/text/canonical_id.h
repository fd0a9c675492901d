// Message ids as peers really write them: the id in a receipt may be the one of the submit response in another base,
// another letter case, without its leading zeros, or as a signed integer. Ids stay opaque octets; numbers are only a
// second try.
//
// Use: store canonical_id(response id) as key. For a receipt look up each of candidates(receipt id, format), in order,
// first hit wins. learn() tells which relation a pair shows, to fix the format of an upstream.
// Pure values, any thread; noexcept, no allocation: this is on the message path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace smppd::smpp {

// What the receipts of an upstream do to the ids of its responses.
enum class IdFormat : std::uint8_t {
  automatic,  // as is, then the other base
  as_is,
  hex_to_dec,  // responses in hexadecimal, receipts in decimal
  dec_to_hex,  // responses in decimal, receipts in hexadecimal
};

inline constexpr std::size_t kMaxMessageId = 65;  // octets of message_id, SMPP 3.4 §5.2.23

// The form ids are compared in: ASCII letters small, leading zeros and surrounding blanks gone ("000" is "0"). An id
// longer than kMaxMessageId keeps its head and a hash of the whole, so that long ids stay different.
class CanonicalId {
 public:
  CanonicalId() = default;
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  bool operator==(const CanonicalId& other) const noexcept { return view() == other.view(); }

 private:
  friend CanonicalId canonical_id(std::string_view raw) noexcept;
  std::array<char, kMaxMessageId> text_{};
  std::uint8_t size_ = 0;
};

[[nodiscard]] CanonicalId canonical_id(std::string_view raw) noexcept;

// At most kBound forms, no two equal, best first.
class IdCandidates {
 public:
  static constexpr std::size_t kBound = 6;
  [[nodiscard]] const CanonicalId* begin() const noexcept { return ids_.data(); }
  [[nodiscard]] const CanonicalId* end() const noexcept { return ids_.data() + count_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  void add(const CanonicalId& id) noexcept;

 private:
  std::array<CanonicalId, kBound> ids_{};
  std::size_t count_ = 0;
};

// Under which keys the response id of this receipt may be stored. Numbers of up to 128 bits are converted; a negative
// decimal stands for its 32-bit and 64-bit two's complement.
[[nodiscard]] IdCandidates candidates(std::string_view receipt_id, IdFormat format) noexcept;

// How two ids that are known to name one message relate.
enum class IdRelation : std::uint8_t { same, hex_to_dec, dec_to_hex, unrelated };

// `same` wins where a pair shows more than one (all ids below 10 do). A pair that is `same` proves as_is only when the
// id has a meaning in both bases that differs; tells_formats_apart() says so.
[[nodiscard]] IdRelation learn(std::string_view response_id, std::string_view receipt_id) noexcept;
[[nodiscard]] bool tells_formats_apart(std::string_view response_id) noexcept;

enum class IntegerWidth : std::uint8_t { bits32, bits64 };

// Whether both are decimal or hexadecimal integers (any mix, "0x" and a minus sign allowed) whose low bits agree: for
// peers that cut ids down to a machine integer.
[[nodiscard]] bool equal_as_integers(std::string_view one, std::string_view other, IntegerWidth width) noexcept;

}  // namespace smppd::smpp

template <>
struct std::hash<smppd::smpp::CanonicalId> {
  std::size_t operator()(const smppd::smpp::CanonicalId& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
