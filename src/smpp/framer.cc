#include "smpp/framer.h"

#include <algorithm>

#include "smpp/flags.h"
#include "smpp/tlv.h"

namespace smppd::smpp {

namespace {

constexpr std::size_t kLongestId = 64;

// Without so many octets, or empty.
ByteSpan behind(ByteSpan bytes, std::size_t octets) noexcept { return bytes.subspan(std::min(octets, bytes.size())); }

ByteSpan behind_string(ByteSpan bytes) noexcept {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  return behind(bytes, std::size_t{find_nul(bytes.data(), 0, size)} + 1);
}

std::string_view id_of_text(std::string_view text) noexcept {
  constexpr std::string_view kName = "id:";
  if (!text.starts_with(kName)) return {};
  text = text.substr(kName.size(), kLongestId);
  return text.substr(0, text.find(' '));
}

}  // namespace

std::string_view glance_at_receipt_id(ByteSpan pdu) noexcept {
  const ByteSpan flags = glance_at_destination(pdu).behind;
  if (flags.empty() || !EsmClass{flags.front()}.is_report()) return {};
  std::string_view text;
  ByteSpan tlvs;
  if (read_header(pdu.data()).command_id == CommandId::data_sm) {
    tlvs = behind(flags, 3);  // esm_class, registered_delivery, data_coding
  } else {
    // Behind esm_class, protocol_id and priority_flag two times; then four octets, the text's length, the text.
    const ByteSpan sized = behind(behind_string(behind_string(behind(flags, 3))), 4);
    if (sized.empty()) return {};
    const std::size_t size = std::min<std::size_t>(sized.front(), sized.size() - 1);
    text = as_text(sized.subspan(1, size));
    tlvs = behind(sized, 1 + size);
  }
  for (const Tlv tlv : TlvRange(tlvs)) {
    if (tlv.tag == TlvTag::receipted_message_id) return tlv_text(tlv.value).substr(0, kLongestId);
  }
  return id_of_text(text);
}

}  // namespace smppd::smpp
