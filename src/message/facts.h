// What rules may ask of one message: routes, address rules, filters. A view: every member borrows from the PDU being
// handled and lives until the handler returns. Shard-local, built on the stack, no allocation.
//
// Fields keep the names of SMPP 3.4 §5.2. `client` is set for MT (who sends), `upstream` for MO (where it came from).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "message/ids.h"

namespace smppd::message {

// Decodes the text of one message when a rule first asks for it and keeps the answer for the rules after it. What
// cannot be decoded is the empty text.
class TextSource {
 public:
  [[nodiscard]] virtual std::string_view utf8() noexcept = 0;

 protected:
  ~TextSource() = default;
};

struct MessageFacts {
  std::string_view service_type;
  std::string_view source_addr;
  std::string_view destination_addr;
  std::uint8_t source_addr_ton = 0;
  std::uint8_t source_addr_npi = 0;
  std::uint8_t dest_addr_ton = 0;
  std::uint8_t dest_addr_npi = 0;
  std::uint8_t esm_class = 0;
  std::uint8_t protocol_id = 0;
  std::uint8_t priority_flag = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t registered_delivery = 0;
  ClientId client;
  UpstreamId upstream;
  ByteSpan short_message;      // or message_payload, whichever carries the text; includes the UDH
  TextSource* text = nullptr;  // null: there is none, rules on text see the empty text
};

namespace ton {  // SMPP 3.4 §5.2.5
inline constexpr std::uint8_t kUnknown = 0;
inline constexpr std::uint8_t kInternational = 1;
inline constexpr std::uint8_t kAlphanumeric = 5;
}  // namespace ton

// An address in the one spelling that rules compare: `+` and `00` in front of an international number are gone.
// docs/routing.md has the table.
struct NormalAddress {
  std::string_view text;
  bool international = false;  // may be compared with a number that was written with `+` or `00`
};

[[nodiscard]] constexpr NormalAddress normalise(std::uint8_t addr_ton, std::string_view addr) noexcept {
  const auto digit = [&](std::size_t at, char lowest) {
    return at < addr.size() && addr[at] >= lowest && addr[at] <= '9';
  };
  if (addr_ton <= ton::kInternational && digit(0, '1')) return {addr, true};  // nearly every number
  if (addr_ton == ton::kAlphanumeric) return {addr, false};
  if (!addr.empty() && addr[0] == '+' && digit(1, '0')) return {addr.substr(1), true};
  if (addr_ton != ton::kUnknown && addr_ton != ton::kInternational) return {addr, false};
  if (addr.starts_with("00") && digit(2, '1')) return {addr.substr(2), true};
  return {addr, true};
}

[[nodiscard]] constexpr NormalAddress normalised_destination(const MessageFacts& facts) noexcept {
  return normalise(facts.dest_addr_ton, facts.destination_addr);
}
[[nodiscard]] constexpr NormalAddress normalised_source(const MessageFacts& facts) noexcept {
  return normalise(facts.source_addr_ton, facts.source_addr);
}

}  // namespace smppd::message
