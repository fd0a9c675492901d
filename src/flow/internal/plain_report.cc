#include "flow/internal/plain_report.h"

#include <cstring>

#include "smpp/flags.h"
#include "smpp/text/receipt.h"

namespace smppd::flow {

namespace {

using smpp::TlvTag;

constexpr std::size_t kIdTlv = smpp::kTlvHeaderSize + 1;  // and the id
constexpr std::size_t kStateTlv = smpp::kTlvHeaderSize + 1;

// A receipt and no header in front of its text.
constexpr bool has_plain_class(smpp::EsmClass esm_class) noexcept {
  return esm_class.type() == smpp::EsmClass::Type::delivery_receipt && !esm_class.has_udh();
}

std::uint8_t* append(std::uint8_t* at, const void* from, std::size_t size) noexcept {
  std::memcpy(at, from, size);
  return at + size;
}

// Of the usual length without a call.
std::uint8_t* append_id(std::uint8_t* at, std::string_view id) noexcept {
  constexpr std::size_t kHexDigits = 16;
  return id.size() == kHexDigits ? append(at, id.data(), kHexDigits) : append(at, id.data(), id.size());
}

std::uint8_t* begin_tlv(std::uint8_t* at, TlvTag tag, std::size_t size) noexcept {
  store_be(at, static_cast<std::uint32_t>(static_cast<std::uint32_t>(tag) << 16U | size));
  return at + smpp::kTlvHeaderSize;
}

}  // namespace

bool PlainReport::read(const smpp::PduView& view) noexcept {
  if (!view.message_layout() || !has_plain_class({view.u8_at(smpp::MessageField::esm_class)})) return false;
  pdu_ = view.bytes();
  text_ = as_text(view.short_message());
  if (!smpp::read_standard_receipt(text_, id_in_text_, state_)) return false;
  id_ = id_in_text_;
  return read_tlvs(view.tlv_bytes());
}

// They were checked when the PDU was decoded.
bool PlainReport::read_tlvs(ByteSpan tlvs) noexcept {
  bool has_id = false;
  bool has_state = false;
  const std::uint8_t* const end = tlvs.data() + tlvs.size();
  for (const std::uint8_t* at = tlvs.data(); at != end;) {
    const auto tag = static_cast<TlvTag>(load_be<std::uint16_t>(at));
    const auto size = load_be<std::uint16_t>(at + 2);
    const std::uint8_t* const value = at + smpp::kTlvHeaderSize;
    at = value + size;
    if (tag == TlvTag::receipted_message_id && !has_id) {
      has_id = true;
      const std::uint32_t length = find_nul(value, 0, size);
      if (length > 0) id_ = as_text({value, length});
    } else if (tag == TlvTag::message_state && size == 1 && !has_state) {
      has_state = true;
      state_ = smpp::message_state_of(*value);
    } else {
      return false;
    }
  }
  return true;
}

std::size_t PlainReport::size() const noexcept {
  const auto before = static_cast<std::size_t>(as_bytes(text_).data() - pdu_.data());
  return before + text_size() + kIdTlv + shown_.size() + kStateTlv;
}

void PlainReport::write(std::uint8_t* out) const noexcept {
  const std::uint8_t* const text = as_bytes(text_).data();
  const std::uint8_t* const was = as_bytes(id_in_text_).data();
  std::uint8_t* at = append(out, pdu_.data(), static_cast<std::size_t>(was - pdu_.data()));
  at = append_id(at, shown_);
  const std::uint8_t* const rest = was + id_in_text_.size();
  at = append(at, rest, static_cast<std::size_t>(text + text_.size() - rest));
  at = begin_tlv(at, TlvTag::receipted_message_id, shown_.size() + 1);
  at = append_id(at, shown_);
  *at++ = 0;
  at = begin_tlv(at, TlvTag::message_state, 1);
  *at++ = static_cast<std::uint8_t>(state_);
  store_be(out, static_cast<std::uint32_t>(at - out));
  out[text - pdu_.data() - 1] = static_cast<std::uint8_t>(text_size());
}

}  // namespace smppd::flow
