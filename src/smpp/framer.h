// Cuts a byte stream into PDUs without copying and without I/O. Stateless, any thread. SMPP 3.4 §3.2, §7.1.
//
// The caller keeps what was not consumed and calls again with more behind it. A PDU is cut only when all of it is
// there.
//
// A glance guesses what PDUs that lie further ahead will look up, so that memory can be fetched before their turn
// comes. For hints only: nothing is checked but the bounds, only the usual forms are seen, and what is seen may be
// wrong; it lives as long as the octets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "smpp/pdu_view.h"

namespace smppd::smpp {

enum class FrameState : std::uint8_t {
  pdu,        // `pdu` is one whole PDU at the start of the bytes
  need_more,  // at least `missing` more octets are needed
  lost,       // command_length is no SMPP length: nothing after this point can be trusted, close
};

struct Frame {
  FrameState state = FrameState::need_more;
  ByteSpan pdu;                       // state pdu: borrowed from the bytes given
  std::size_t missing = kHeaderSize;  // state need_more: octets until the next decision can be made, at least 1
};

// 70 KiB: a message_payload of 64 KiB with everything around it.
inline constexpr std::uint32_t kDefaultMaxPduSize = 70 * 1024;

// Invariant: never looks past `bytes`; consumes nothing unless state is pdu, then exactly pdu.size() octets.
// A length is judged as soon as its four octets are there, so that a scanner's bytes are not waited for.
[[nodiscard]] inline Frame next_frame(ByteSpan bytes, std::uint32_t max_pdu_size = kDefaultMaxPduSize) noexcept {
  constexpr std::size_t kLengthSize = 4;
  if (bytes.size() < kLengthSize) return {FrameState::need_more, {}, kHeaderSize - bytes.size()};
  const auto length = load_be<std::uint32_t>(bytes.data());
  if (length < kHeaderSize || length > max_pdu_size) return {FrameState::lost, {}, 0};
  if (bytes.size() < length) return {FrameState::need_more, {}, length - bytes.size()};
  return {FrameState::pdu, bytes.first(length), 0};
}

// Up to the first PDU that is not all there; empty when that is the one at the front.
[[nodiscard]] inline ByteSpan glance_at_pdu(ByteSpan bytes) noexcept {
  if (bytes.size() < kHeaderSize) return {};
  const auto size = load_be<std::uint32_t>(bytes.data());
  return size < kHeaderSize || size > bytes.size() ? ByteSpan() : bytes.first(size);
}

struct DestinationGlance {
  std::uint8_t ton = 0;
  std::string_view address;
  ByteSpan behind;  // the octets behind the address's NUL
};

// Of a whole submit_sm, deliver_sm or data_sm whose addresses end within 64 octets; nothing of any other.
[[nodiscard]] inline DestinationGlance glance_at_destination(ByteSpan pdu) noexcept {
  constexpr int kLongest = 24;  // what comes before the destination, too
  const std::uint8_t* const body = pdu.data() + kHeaderSize;
  const auto size = static_cast<std::uint32_t>(pdu.size() - kHeaderSize);
  std::uint64_t nuls = nul_mask(body, size);
  std::uint32_t at = 0;
  for (int before = 0; before < 2; ++before) {  // service_type and the source, with two octets behind each
    const int length = std::countr_zero(nuls);
    if (length > kLongest) return {};
    at += static_cast<std::uint32_t>(length) + 3;
    nuls >>= length + 3;
  }
  const int length = std::countr_zero(nuls);
  if (length > kLongest) return {};
  const auto end = at + static_cast<std::uint32_t>(length);
  return {body[at - 2], as_text({body + at, body + end}), {body + end + 1, body + size}};
}

// The id that a receipt names, in its TLV or at the front of its text; empty for all else. Of a whole deliver_sm or
// data_sm.
[[nodiscard]] std::string_view glance_at_receipt_id(ByteSpan pdu) noexcept;

}  // namespace smppd::smpp
