#include "flow/internal/report_splice.h"

#include <cstring>

#include "smpp/flags.h"

namespace smppd::flow {

namespace {

using smpp::TlvTag;

constexpr std::size_t kMaxText = 254;  // 3.4 §5.2.22; 5.0 has one more

std::uint8_t* put(std::uint8_t* at, const std::uint8_t* from, std::size_t size) noexcept {
  std::memcpy(at, from, size);
  return at + size;
}

std::uint8_t* put_tlv_header(std::uint8_t* at, TlvTag tag, std::size_t size) noexcept {
  store_be(at, static_cast<std::uint16_t>(tag));
  store_be(at + 2, static_cast<std::uint16_t>(size));
  return at + smpp::kTlvHeaderSize;
}

}  // namespace

bool splice_report(const smpp::PduView& view, const Report& report, std::string_view shown,
                   std::vector<std::uint8_t>& out) {
  if (!view.message_layout() || report.vendor_text || report.id_in_text.empty()) return false;
  if (!smpp::EsmClass{view.u8_at(smpp::MessageField::esm_class)}.is_report()) return false;
  const ByteSpan text = view.short_message();
  const ByteSpan id = as_bytes(report.id_in_text);
  const std::size_t text_size = text.size() - id.size() + shown.size();
  if (text.empty() || text_size > kMaxText) return false;
  const ByteSpan whole = view.bytes();
  out.resize(whole.size() + 2 * shown.size() + 1 + 2 * smpp::kTlvHeaderSize + 1);
  const auto id_at = static_cast<std::size_t>(id.data() - whole.data());
  const auto text_at = static_cast<std::size_t>(text.data() - whole.data());
  std::uint8_t* at = put(out.data(), whole.data(), id_at);
  out[text_at - 1] = static_cast<std::uint8_t>(text_size);
  at = put(at, as_bytes(shown).data(), shown.size());
  at = put(at, id.data() + id.size(), text_at + text.size() - id_at - id.size());
  for (const smpp::Tlv tlv : view.tlvs()) {
    if (tlv.tag == TlvTag::message_payload) return false;
    if (tlv.tag == TlvTag::receipted_message_id) continue;
    if (tlv.tag == TlvTag::message_state && report.receipt.state) continue;
    at = put(at, tlv.value.data() - smpp::kTlvHeaderSize, tlv.value.size() + smpp::kTlvHeaderSize);
  }
  at = put_tlv_header(at, TlvTag::receipted_message_id, shown.size() + 1);
  at = put(at, as_bytes(shown).data(), shown.size());
  *at++ = 0;
  if (report.receipt.state) {
    at = put_tlv_header(at, TlvTag::message_state, 1);
    *at++ = static_cast<std::uint8_t>(*report.receipt.state);
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
  store_be(out.data(), static_cast<std::uint32_t>(out.size()));
  return true;
}

}  // namespace smppd::flow
