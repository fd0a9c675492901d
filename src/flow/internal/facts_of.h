// From a decoded PDU to what rules ask for. No allocation but the text's buffer, and that only when a rule wants text.
#pragma once

#include <string>
#include <string_view>

#include "message/facts.h"
#include "smpp/pdu_view.h"
#include "smpp/text/charset.h"

namespace smppd::flow {

// short_message, or message_payload when that carries the text.
[[nodiscard]] ByteSpan body_of(const smpp::PduView& view) noexcept;

// Of PDUs that are not submit_sm or deliver_sm.
void read_other_facts(const smpp::PduView& view, message::MessageFacts& facts) noexcept;
// submit_sm, data_sm, deliver_sm, replace_sm, broadcast_sm and one destination's view of submit_multi.
inline void read_facts(const smpp::PduView& view, message::MessageFacts& facts) noexcept {
  if (!view.message_layout()) [[unlikely]] {
    read_other_facts(view, facts);
    return;
  }
  using enum smpp::MessageField;
  facts.service_type = view.text_at(service_type);
  facts.source_addr = view.text_at(source_addr);
  facts.destination_addr = view.text_at(destination_addr);
  const std::uint8_t* source = view.data_at(source_addr_ton);
  facts.source_addr_ton = source[0];
  facts.source_addr_npi = source[1];
  const std::uint8_t* destination = view.data_at(dest_addr_ton);
  facts.dest_addr_ton = destination[0];
  facts.dest_addr_npi = destination[1];
  const std::uint8_t* kind = view.data_at(esm_class);
  facts.esm_class = kind[0];
  facts.protocol_id = kind[1];
  facts.priority_flag = kind[2];
  const std::uint8_t* wishes = view.data_at(registered_delivery);
  facts.data_coding = wishes[2];
  facts.registered_delivery = wishes[0];
  facts.short_message = view.short_message();
  if (facts.short_message.empty()) [[unlikely]]
    facts.short_message = body_of(view);
}
[[nodiscard]] inline message::MessageFacts facts_of(const smpp::PduView& view) noexcept {
  message::MessageFacts facts;
  read_facts(view, facts);
  return facts;
}

// Requests whose answer carries the SMSC's id.
[[nodiscard]] inline bool gives_an_id(smpp::CommandId request) noexcept {
  return request == smpp::CommandId::submit_sm || request == smpp::CommandId::data_sm ||
         request == smpp::CommandId::broadcast_sm;
}
// That id, borrowed from the answer; empty where there is none.
[[nodiscard]] inline std::string_view id_in_answer(smpp::CommandId request, ByteSpan pdu) noexcept {
  if (!gives_an_id(request)) return {};
  const std::uint32_t end = find_nul(pdu.data(), smpp::kHeaderSize, static_cast<std::uint32_t>(pdu.size()));
  return as_text(pdu.subspan(smpp::kHeaderSize, end - smpp::kHeaderSize));
}

// The text behind the user data header; all of it when the header is not one.
[[nodiscard]] ByteSpan without_udh(ByteSpan body) noexcept;

class LazyText final : public message::TextSource {
 public:
  LazyText(const smpp::PduView& view, smpp::Alphabet peer_default) noexcept
      : view_(view), peer_default_(peer_default) {}
  [[nodiscard]] std::string_view utf8() noexcept override;

 private:
  const smpp::PduView& view_;
  smpp::Alphabet peer_default_;
  bool decoded_ = false;
  std::string_view text_;
};

}  // namespace smppd::flow
