#include "flow/internal/stored_message.h"

namespace smppd::flow {
namespace {

// version kind registered_delivery | smpp version alphabet | max_short_message(2) flags(2) destination_hash(2)
// source_hash(4) own(8) arrived(8) expires(8) | client upstream, each with its length | PDU
constexpr std::uint8_t kStoredVersion = 1;

bool is_kind(std::uint8_t number) noexcept { return number >= 1 && number <= 3; }
bool is_version(std::uint8_t number) noexcept { return number == 0x33 || number == 0x34 || number == 0x50; }
bool is_alphabet(std::uint8_t number) noexcept { return number < smpp::kAlphabets; }

}  // namespace

ByteSpan encode(const StoredMessage& message, std::span<std::uint8_t> room) noexcept {
  internal::OctetWriter out(room);
  out.number(kStoredVersion);
  out.number(static_cast<std::uint8_t>(message.kind));
  out.number(message.registered_delivery);
  out.number(static_cast<std::uint8_t>(message.side.version));
  out.number(static_cast<std::uint8_t>(message.side.alphabet));
  out.number(message.side.max_short_message);
  out.number(message.flags);
  out.number(message.destination_hash);
  out.number(message.source_hash);
  out.number(message.own);
  out.moment(message.arrived);
  out.moment(message.expires);
  out.text(message.client);
  out.text(message.upstream);
  out.octets(message.pdu);
  return out.done();
}

std::optional<StoredMessage> decode_stored(ByteSpan octets) noexcept {
  internal::OctetReader in(octets);
  if (in.number<std::uint8_t>() != kStoredVersion) return std::nullopt;
  StoredMessage message;
  const auto kind = in.number<std::uint8_t>();
  message.registered_delivery = in.number<std::uint8_t>();
  const auto version = in.number<std::uint8_t>();
  const auto alphabet = in.number<std::uint8_t>();
  if (!is_kind(kind) || !is_version(version) || !is_alphabet(alphabet)) return std::nullopt;
  message.kind = static_cast<StoredKind>(kind);
  message.side.version = static_cast<smpp::Version>(version);
  message.side.alphabet = static_cast<smpp::Alphabet>(alphabet);
  message.side.max_short_message = in.number<std::uint16_t>();
  message.flags = in.number<std::uint16_t>();
  message.destination_hash = in.number<std::uint16_t>();
  message.source_hash = in.number<std::uint32_t>();
  message.own = in.number<message::OwnId>();
  message.arrived = in.moment();
  message.expires = in.moment();
  message.client = in.text();
  message.upstream = in.text();
  message.pdu = in.take_rest();
  if (!in.whole()) return std::nullopt;
  return message;
}

}  // namespace smppd::flow
