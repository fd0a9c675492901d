#include "flow/internal/report_splice.h"

#include <cstring>

#include "flow/internal/plain_report.h"
#include "smpp/flags.h"

namespace smppd::flow {

namespace {

using smpp::TlvTag;

// Nearly all pieces are short: a call costs more than the octets.
[[gnu::always_inline]] inline std::uint8_t* put(std::uint8_t* at, const std::uint8_t* from, std::size_t size) noexcept {
  const auto copy = [&]<std::size_t kSize>(std::size_t where) { std::memcpy(at + where, from + where, kSize); };
  if (size > 32) {
    std::memcpy(at, from, size);
  } else if (size >= 16) {
    copy.operator()<16>(0);
    copy.operator()<16>(size - 16);
  } else if (size >= 8) {
    copy.operator()<8>(0);
    copy.operator()<8>(size - 8);
  } else {
    for (std::size_t i = 0; i < size; ++i) at[i] = from[i];
  }
  return at + size;
}

std::uint8_t* put_tlv_header(std::uint8_t* at, TlvTag tag, std::size_t size) noexcept {
  store_be(at, static_cast<std::uint16_t>(tag));
  store_be(at + 2, static_cast<std::uint16_t>(size));
  return at + smpp::kTlvHeaderSize;
}

}  // namespace

ReportEdits::ReportEdits(const Report& report, std::string_view shown) noexcept {
  edits_[count_++] = {report.id_in_text, shown};
  if (report.meaning == nullptr) [[likely]]
    return;
  add(report.receipt.stat, smpp::receipt_word(report.meaning->state));
  if (report.meaning->error) add(report.receipt.err, report.meaning->error_text);
}

void ReportEdits::add(std::string_view was, std::string_view now) noexcept {
  std::size_t at = count_++;
  for (; at > 0 && edits_[at - 1].was.data() > was.data(); --at) edits_[at] = edits_[at - 1];
  edits_[at] = {was, now};
}

std::size_t ReportEdits::size_after(std::size_t size) const noexcept {
  for (const Edit& edit : all()) size = size - edit.was.size() + edit.now.size();
  return size;
}

std::uint8_t* ReportEdits::write(const std::uint8_t* from, const std::uint8_t* end, std::uint8_t* at) const noexcept {
  for (const Edit& edit : all()) {
    const std::uint8_t* was = as_bytes(edit.was).data();
    at = put(at, from, static_cast<std::size_t>(was - from));
    at = put(at, as_bytes(edit.now).data(), edit.now.size());
    from = was + edit.was.size();
  }
  return put(at, from, static_cast<std::size_t>(end - from));
}

NetworkErrorEdit::NetworkErrorEdit(const Report& report, ByteSpan was) noexcept {
  if (report.meaning == nullptr || !report.meaning->error || was.size() != octets_.size()) return;
  size_ = octets_.size();
  if (was[0] >= '0' && was[0] <= '9') {
    std::memcpy(octets_.data(), report.meaning->error_text.data(), size_);
  } else {
    octets_[0] = was[0];
    store_be(octets_.data() + 1, *report.meaning->error);
  }
}

std::uint8_t report_esm_class(const Report& report, std::uint8_t octet) noexcept {
  using Type = smpp::EsmClass::Type;
  const smpp::EsmClass esm_class{octet};
  if (!esm_class.is_report()) return static_cast<std::uint8_t>(Type::delivery_receipt);
  const bool became_final = report.meaning != nullptr && smpp::is_final(report.meaning->state) &&
                            esm_class.type() == Type::intermediate_notification;
  return became_final ? esm_class.with_type(Type::delivery_receipt).octet : octet;
}

bool splice_report(const smpp::PduView& view, const Report& report, std::string_view shown,
                   std::vector<std::uint8_t>& room, smpp::PduView& spliced) {
  if (!view.message_layout() || report.vendor_text || report.id_in_text.empty()) return false;
  const std::uint8_t esm_class = view.u8_at(smpp::MessageField::esm_class);
  if (report_esm_class(report, esm_class) != esm_class) return false;
  const ReportEdits edits(report, shown);
  const ByteSpan text = view.short_message();
  const std::size_t text_size = edits.size_after(text.size());
  if (text.empty() || text_size > kMaxPlainText) return false;
  const ByteSpan whole = view.bytes();
  const std::size_t most = whole.size() + text_size + shown.size() + 1 + 2 * smpp::kTlvHeaderSize + 1;
  if (room.size() < most) room.resize(most);
  std::uint8_t* const out = room.data();
  const auto text_at = static_cast<std::size_t>(text.data() - whole.data());
  std::uint8_t* at = edits.write(whole.data(), text.data() + text.size(), out);
  out[text_at - 1] = static_cast<std::uint8_t>(text_size);
  for (const smpp::Tlv tlv : view.tlvs()) {
    if (tlv.tag == TlvTag::message_payload) return false;
    if (tlv.tag == TlvTag::receipted_message_id) continue;
    if (tlv.tag == TlvTag::message_state && report.receipt.state) continue;
    at = put(at, tlv.value.data() - smpp::kTlvHeaderSize, tlv.value.size() + smpp::kTlvHeaderSize);
    if (report.meaning != nullptr && tlv.tag == TlvTag::network_error_code) {
      const NetworkErrorEdit edit(report, tlv.value);
      put(at - edit.octets().size(), edit.octets().data(), edit.octets().size());
    }
  }
  at = put_tlv_header(at, TlvTag::receipted_message_id, shown.size() + 1);
  at = put(at, as_bytes(shown).data(), shown.size());
  *at++ = 0;
  if (report.receipt.state) {
    at = put_tlv_header(at, TlvTag::message_state, 1);
    *at++ = static_cast<std::uint8_t>(*report.receipt.state);
  }
  const auto size = static_cast<std::size_t>(at - out);
  store_be(out, static_cast<std::uint32_t>(size));
  spliced.follow(view, {out, size}, text_size);
  return true;
}

}  // namespace smppd::flow
