// Cuts a byte stream into PDUs without copying and without I/O. Stateless, any thread. SMPP 3.4 §3.2, §7.1.
//
// The caller keeps what was not consumed and calls again with more behind it. A PDU is cut only when all of it is
// there.
#pragma once

#include <cstddef>
#include <cstdint>

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

}  // namespace smppd::smpp
