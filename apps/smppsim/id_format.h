// How a message's number is written as message_id: a bijection, so that ids are found again without a table.
// Immutable; noexcept on the message path.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace smppd::sim {

class IdFormat {
 public:
  IdFormat() = default;  // hex:8
  // KIND[:WIDTH] with KIND hex, HEX, dec, uuid, UUID or opaque; numbers get leading zeros up to WIDTH.
  [[nodiscard]] static Fallible<IdFormat> parse(std::string_view text);

  static constexpr std::size_t kMaxSize = 64;
  // Writes the id without NUL; returns its octets.
  std::size_t write(std::uint64_t number, char* out) const noexcept;
  // The number an id was made of; nullopt for one this format does not make.
  [[nodiscard]] std::optional<std::uint64_t> read(std::string_view id) const noexcept;

  // Eight or more hexadecimal digits: what the fast path writes by itself.
  [[nodiscard]] bool is_plain() const noexcept { return kind_ == Kind::hex && width_ == 8; }

 private:
  enum class Kind : std::uint8_t { hex, upper_hex, decimal, uuid, upper_uuid, opaque };
  Kind kind_ = Kind::hex;
  unsigned width_ = 8;
};

// hex:8 for the fast path.
std::size_t write_hex8(std::uint64_t number, char* out) noexcept;

}  // namespace smppd::sim
