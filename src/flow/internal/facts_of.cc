#include "flow/internal/facts_of.h"

#include "smpp/flags.h"
#include "smpp/text/udh.h"

namespace smppd::flow {

using smpp::Field;

ByteSpan body_of(const smpp::PduView& view) noexcept {
  const ByteSpan text = view.octets(Field::short_message);
  if (!text.empty() || view.tlv_bytes().empty()) return text;
  return view.tlv(smpp::TlvTag::message_payload).value_or(ByteSpan{});
}

ByteSpan without_udh(ByteSpan body) noexcept {
  const auto header = smpp::UserDataHeader::parse(body);
  return header ? body.subspan(header->octets()) : body;
}

void read_other_facts(const smpp::PduView& view, message::MessageFacts& facts) noexcept {
  facts.service_type = view.text(Field::service_type);
  facts.source_addr = view.text(Field::source_addr);
  facts.destination_addr = view.text(Field::destination_addr);
  facts.source_addr_ton = view.u8(Field::source_addr_ton);
  facts.source_addr_npi = view.u8(Field::source_addr_npi);
  facts.dest_addr_ton = view.u8(Field::dest_addr_ton);
  facts.dest_addr_npi = view.u8(Field::dest_addr_npi);
  facts.esm_class = view.u8(Field::esm_class);
  facts.protocol_id = view.u8(Field::protocol_id);
  facts.priority_flag = view.u8(Field::priority_flag);
  facts.data_coding = view.u8(Field::data_coding);
  facts.registered_delivery = view.u8(Field::registered_delivery);
  facts.short_message = body_of(view);
}

std::string_view LazyText::utf8() noexcept {
  if (decoded_) return text_;
  decoded_ = true;
  ByteSpan body = body_of(view_);
  if (smpp::EsmClass{view_.u8(Field::esm_class)}.has_udh()) body = without_udh(body);
  const smpp::DataCoding coding = smpp::read_data_coding(view_.u8(Field::data_coding), peer_default_);
  if (coding.alphabet == smpp::Alphabet::binary) return text_;
  // One message is looked at at a time, so the shard needs one buffer; it grows to the longest text and stays.
  static thread_local std::string buffer;
  if (buffer.size() < smpp::max_utf8_octets(body.size())) buffer.resize(smpp::max_utf8_octets(body.size()));
  const auto converted = smpp::to_utf8(body, smpp::Coding(coding.alphabet), buffer);
  text_ = std::string_view(buffer).substr(0, converted.written);
  return text_;
}

}  // namespace smppd::flow
