#include "flow/internal/report_writer.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "flow/internal/facts_of.h"
#include "flow/internal/report_splice.h"
#include "smpp/flags.h"
#include "smpp/text/receipt.h"

namespace smppd::flow {

namespace {

using smpp::Field;
using smpp::TlvTag;

constexpr std::uint8_t kUdhi = smpp::EsmClass::kUdhi;

// err: of the receipt text, for an SMSC that gave only a network_error_code (interop row 14).
std::string three_digits(std::uint32_t code) {
  const std::string digits = std::to_string(code);
  return digits.size() >= 3 ? digits : std::string(3 - digits.size(), '0') + digits;
}

std::uint16_t count_of(std::string_view digits, std::uint16_t otherwise) noexcept {
  std::uint16_t count = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return digits.empty() || status != std::errc{} || end != digits.data() + digits.size() || count > 999 ? otherwise
                                                                                                        : count;
}

void swap_addresses(const smpp::PduView& view, smpp::PduBuilder& builder) noexcept {
  builder.set(Field::source_addr, view.text(Field::destination_addr))
      .set(Field::source_addr_ton, view.u8(Field::dest_addr_ton))
      .set(Field::source_addr_npi, view.u8(Field::dest_addr_npi))
      .set(Field::destination_addr, view.text(Field::source_addr))
      .set(Field::dest_addr_ton, view.u8(Field::source_addr_ton))
      .set(Field::dest_addr_npi, view.u8(Field::source_addr_npi));
}

// The text by the client's template, or the usual one.
std::size_t write_text(const smpp::ReceiptFields& fields, const accounts::ReceiptStyle* style,
                       std::vector<char>& out) noexcept {
  out.resize(fields.id.size() + fields.text.size() + smpp::kMaxReceipt);
  return style != nullptr && style->text ? style->text->write(fields, out) : smpp::write_receipt(fields, out);
}

std::size_t write_text_anew(const Report& report, const ReportShape& shape, WallTime now,
                            std::vector<char>& out) noexcept {
  const smpp::Receipt& receipt = report.receipt;
  smpp::ReceiptFields fields;
  fields.id = shape.id;
  fields.state = receipt.state.value_or(smpp::MessageState::unknown);
  fields.submitted = count_of(receipt.sub, 1);
  const std::uint16_t delivered = fields.state == smpp::MessageState::delivered ? 1 : 0;
  fields.delivered = report.meaning == nullptr ? count_of(receipt.dlvrd, delivered) : delivered;
  const std::string code = receipt.err_code ? three_digits(*receipt.err_code) : "000";
  fields.err = receipt.err.empty() ? code : receipt.err.substr(0, 16);
  if (report.meaning != nullptr && report.meaning->error) fields.err = report.meaning->error_text;
  fields.submit_date = smpp::parse_receipt_date(receipt.submit_date).value_or(now);
  fields.done_date = smpp::parse_receipt_date(receipt.done_date).value_or(now);
  fields.text = receipt.text;
  return write_text(fields, shape.style, out);
}

// The whole of short_message or message_payload with the edits; what is in front of the report's text, a user data
// header, stays.
std::string_view edit_text(const smpp::PduView& view, const Report& report, std::string_view id,
                           std::vector<char>& out) noexcept {
  const ReportEdits edits(report, id);
  const ByteSpan body = body_of(view);
  out.resize(edits.size_after(body.size()));
  edits.write(body.data(), body.data() + body.size(), reinterpret_cast<std::uint8_t*>(out.data()));
  return {out.data(), out.size()};
}

// The beginning of a message that its receipt quotes; nothing of what is no plain text.
std::string_view quoted(const message::MessageFacts& message) noexcept {
  constexpr std::uint8_t kAscii = 1;
  if (message.data_coding > kAscii) return {};
  const bool has_header = smpp::EsmClass{message.esm_class}.has_udh();
  return as_text(has_header ? without_udh(message.short_message) : message.short_message);
}

}  // namespace

bool is_receipt_wanted(std::uint8_t registered_delivery, smpp::MessageState state,
                       const accounts::ReceiptStyle* style) noexcept {
  const smpp::RegisteredDelivery asked{registered_delivery};
  if (smpp::is_final(state)) return asked.wants_final(state == smpp::MessageState::delivered);
  return asked.intermediate() && (style == nullptr || style->intermediate);
}

void write_report(const smpp::PduView& view, const Report& report, const ReportShape& shape, WallTime now,
                  smpp::PduBuilder& builder) noexcept {
  static thread_local std::vector<char> text;
  builder.from(view, smpp::Version::v50);
  if (shape.swap_addresses) swap_addresses(view, builder);
  std::uint8_t esm_class = report_esm_class(report, view.u8(Field::esm_class));
  std::string_view written;
  if (report.vendor_text || report.id_in_text.empty() || (shape.style != nullptr && shape.style->text)) {
    const std::size_t size = write_text_anew(report, shape, now, text);
    written = {text.data(), size};
    esm_class = static_cast<std::uint8_t>(esm_class & ~kUdhi);
    builder.set(Field::data_coding, 0);
  } else {
    written = edit_text(view, report, shape.id, text);
  }
  if (view.id() == smpp::CommandId::data_sm || view.tlv(TlvTag::message_payload)) {
    builder.replace_tlv(TlvTag::message_payload, as_bytes(written));
  } else {
    builder.set(Field::short_message, written);
  }
  builder.set(Field::esm_class, esm_class);
  builder.replace_tlv(TlvTag::receipted_message_id, as_bytes(std::string(shape.id) + '\0'));
  if (report.receipt.state) {
    const auto state = static_cast<std::uint8_t>(*report.receipt.state);
    builder.replace_tlv(TlvTag::message_state, ByteSpan(&state, 1));
  }
  if (report.of_all_parts) {
    builder.remove_tlv(TlvTag::network_error_code);  // of a part that is not the worst
  } else if (const auto was = view.tlv(TlvTag::network_error_code)) {
    const NetworkErrorEdit edit(report, *was);
    if (!edit.octets().empty()) builder.replace_tlv(TlvTag::network_error_code, edit.octets());
  }
}

bool write_own_receipt(const message::MessageFacts& message, const OwnReceipt& receipt,
                       std::vector<std::uint8_t>& out) {
  static thread_local std::vector<char> text;
  if (!is_receipt_wanted(message.registered_delivery, receipt.state, receipt.style)) return false;
  smpp::ReceiptFields fields;
  fields.id = receipt.id;
  fields.state = receipt.state;
  fields.delivered = receipt.state == smpp::MessageState::delivered ? 1 : 0;
  const std::string error = three_digits(receipt.error);
  fields.err = error;
  fields.submit_date = receipt.submitted;
  fields.done_date = receipt.done;
  fields.text = quoted(message);
  const std::size_t size = write_text(fields, receipt.style, text);

  using Type = smpp::EsmClass::Type;
  const Type type = smpp::is_final(receipt.state) ? Type::delivery_receipt : Type::intermediate_notification;
  // The handset answers, so the addresses change their places, unless the client wants them as it sent them.
  const bool as_sent = receipt.style != nullptr && receipt.style->swap_addresses;
  struct Address {
    std::uint8_t ton, npi;
    std::string_view text;
  };
  Address source{message.dest_addr_ton, message.dest_addr_npi, message.destination_addr};
  Address destination{message.source_addr_ton, message.source_addr_npi, message.source_addr};
  if (as_sent) std::swap(source, destination);
  smpp::PduBuilder builder(smpp::CommandId::deliver_sm, smpp::Version::v34);
  builder.set(Field::service_type, message.service_type)
      .set(Field::source_addr_ton, source.ton)
      .set(Field::source_addr_npi, source.npi)
      .set(Field::source_addr, source.text)
      .set(Field::dest_addr_ton, destination.ton)
      .set(Field::dest_addr_npi, destination.npi)
      .set(Field::destination_addr, destination.text)
      .set(Field::esm_class, static_cast<std::uint8_t>(type))
      .set(Field::short_message, std::string_view(text.data(), size))
      .add_tlv_text(TlvTag::receipted_message_id, receipt.id)
      .add_tlv_u8(TlvTag::message_state, static_cast<std::uint8_t>(receipt.state));
  std::vector<std::uint8_t> pdu;
  if (!builder.encode(pdu, smpp::CommandStatus::ESME_ROK, 0)) return false;
  out = std::move(pdu);
  return true;
}

}  // namespace smppd::flow
