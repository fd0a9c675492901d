// esm_class, registered_delivery and data_coding as typed octets. Pure values, any thread.
//
// Each struct is the octet itself: what is not understood is kept.
#pragma once

#include <cstdint>
#include <optional>

namespace smppd::smpp {

// 3.4 §5.2.12, 5.0 §4.7.12.
struct EsmClass {
  enum class Mode : std::uint8_t { smsc_default = 0, datagram = 1, forward = 2, store_and_forward = 3 };
  // Bits 5-2 as one number: receipts have been met as 0x04, 0x08, 0x20, 0x44.
  enum class Type : std::uint8_t {
    normal = 0x00,
    delivery_receipt = 0x04,
    delivery_acknowledgement = 0x08,
    user_acknowledgement = 0x10,
    conversation_abort = 0x18,
    intermediate_notification = 0x20,
  };
  static constexpr std::uint8_t kModeMask = 0x03;
  static constexpr std::uint8_t kTypeMask = 0x3C;
  static constexpr std::uint8_t kUdhi = 0x40;
  static constexpr std::uint8_t kReplyPath = 0x80;

  std::uint8_t octet = 0;

  [[nodiscard]] constexpr Mode mode() const noexcept { return static_cast<Mode>(octet & kModeMask); }
  [[nodiscard]] constexpr Type type() const noexcept { return static_cast<Type>(octet & kTypeMask); }
  [[nodiscard]] constexpr bool has_udh() const noexcept { return (octet & kUdhi) != 0; }
  [[nodiscard]] constexpr bool reply_path() const noexcept { return (octet & kReplyPath) != 0; }
  // From an SMSC: a final or intermediate report about an earlier message. Some SMSCs use 0x08 for receipts.
  [[nodiscard]] constexpr bool is_report() const noexcept {
    return type() == Type::delivery_receipt || type() == Type::delivery_acknowledgement ||
           type() == Type::intermediate_notification;
  }
  [[nodiscard]] constexpr EsmClass with_mode(Mode mode) const noexcept {
    return {static_cast<std::uint8_t>((octet & ~kModeMask) | static_cast<std::uint8_t>(mode))};
  }
  [[nodiscard]] constexpr EsmClass with_type(Type type) const noexcept {
    return {static_cast<std::uint8_t>((octet & ~kTypeMask) | static_cast<std::uint8_t>(type))};
  }
  [[nodiscard]] constexpr EsmClass with_udh(bool on) const noexcept {
    return {static_cast<std::uint8_t>(on ? octet | kUdhi : octet & ~kUdhi)};
  }
  [[nodiscard]] constexpr EsmClass with_reply_path(bool on) const noexcept {
    return {static_cast<std::uint8_t>(on ? octet | kReplyPath : octet & ~kReplyPath)};
  }
  constexpr bool operator==(const EsmClass&) const noexcept = default;
};

// 3.4 §5.2.17, 5.0 §4.7.21.
struct RegisteredDelivery {
  enum class Receipt : std::uint8_t { none = 0, always = 1, on_failure = 2, on_success = 3 };
  static constexpr std::uint8_t kReceiptMask = 0x03;
  static constexpr std::uint8_t kDeliveryAck = 0x04;
  static constexpr std::uint8_t kUserAck = 0x08;
  static constexpr std::uint8_t kIntermediate = 0x10;

  std::uint8_t octet = 0;

  [[nodiscard]] constexpr Receipt receipt() const noexcept { return static_cast<Receipt>(octet & kReceiptMask); }
  [[nodiscard]] constexpr bool delivery_acknowledgement() const noexcept { return (octet & kDeliveryAck) != 0; }
  [[nodiscard]] constexpr bool user_acknowledgement() const noexcept { return (octet & kUserAck) != 0; }
  [[nodiscard]] constexpr bool intermediate() const noexcept { return (octet & kIntermediate) != 0; }
  // Whether a final receipt was asked for, given how the message ended.
  [[nodiscard]] constexpr bool wants_final(bool delivered) const noexcept {
    switch (receipt()) {
      case Receipt::always: return true;
      case Receipt::on_failure: return !delivered;
      case Receipt::on_success: return delivered;
      case Receipt::none: break;
    }
    return false;
  }
  [[nodiscard]] constexpr RegisteredDelivery with_receipt(Receipt receipt) const noexcept {
    return {static_cast<std::uint8_t>((octet & ~kReceiptMask) | static_cast<std::uint8_t>(receipt))};
  }
  [[nodiscard]] constexpr RegisteredDelivery with_intermediate(bool on) const noexcept {
    return {static_cast<std::uint8_t>(on ? octet | kIntermediate : octet & ~kIntermediate)};
  }
  constexpr bool operator==(const RegisteredDelivery&) const noexcept = default;
};

// 3.4 §5.2.19 for 0x00-0x0F, 3GPP 23.038 §4 for the rest. `smsc_default` is what the peer was configured with;
// `gsm7` is the GSM default alphabet said outright by a class or message-waiting group.
enum class CodedAlphabet : std::uint8_t {
  smsc_default,
  gsm7,
  ascii,
  latin1,
  octets,
  jis,
  cyrillic,
  hebrew,
  ucs2,
  pictogram,
  iso_2022_jp,
  kanji_jis,
  ks_c_5601,
  reserved,
};

// 3GPP 23.038 §4, groups 1100, 1101 and 1110.
struct MessageWaiting {
  enum class Kind : std::uint8_t { voicemail = 0, fax = 1, email = 2, other = 3 };
  Kind kind = Kind::voicemail;
  bool active = false;
  bool discard = false;
  constexpr bool operator==(const MessageWaiting&) const noexcept = default;
};

struct DataCodingOctet {
  std::uint8_t octet = 0;

  [[nodiscard]] constexpr CodedAlphabet alphabet() const noexcept {
    if (octet <= 0x0F) return smpp_alphabet();
    if (octet < 0x80) return gsm_alphabet((octet >> 2) & 0x03);
    if (octet >= 0xF0) return (octet & 0x04) != 0 ? CodedAlphabet::octets : CodedAlphabet::gsm7;
    if (octet >= 0xE0) return CodedAlphabet::ucs2;
    return octet >= 0xC0 ? CodedAlphabet::gsm7 : CodedAlphabet::reserved;
  }
  // 0 is flash. Empty where the coding has no class meaning.
  [[nodiscard]] constexpr std::optional<std::uint8_t> message_class() const noexcept {
    const bool general = octet > 0x0F && octet < 0x80 && (octet & 0x10) != 0;
    if (!general && octet < 0xF0) return std::nullopt;
    return static_cast<std::uint8_t>(octet & 0x03);
  }
  [[nodiscard]] constexpr std::optional<MessageWaiting> message_waiting() const noexcept {
    if (octet < 0xC0 || octet >= 0xF0) return std::nullopt;
    return MessageWaiting{static_cast<MessageWaiting::Kind>(octet & 0x03), (octet & 0x08) != 0, octet < 0xD0};
  }
  [[nodiscard]] constexpr bool compressed() const noexcept { return octet < 0x80 && (octet & 0x20) != 0; }
  [[nodiscard]] constexpr bool automatic_deletion() const noexcept { return (octet & 0xC0) == 0x40; }

  // The coding of `alphabet` (gsm7, octets or ucs2) shown as `message_class` 0-3: group 0xF0, for UCS-2 group 0x10.
  [[nodiscard]] static constexpr DataCodingOctet with_class(CodedAlphabet alphabet,
                                                            std::uint8_t message_class) noexcept {
    const auto bits = static_cast<std::uint8_t>(message_class & 0x03);
    if (alphabet == CodedAlphabet::ucs2) return {static_cast<std::uint8_t>(0x18 | bits)};
    return {static_cast<std::uint8_t>((alphabet == CodedAlphabet::octets ? 0xF4 : 0xF0) | bits)};
  }
  [[nodiscard]] static constexpr DataCodingOctet waiting(MessageWaiting what, bool ucs2) noexcept {
    const int group = ucs2 ? 0xE0 : (what.discard ? 0xC0 : 0xD0);
    return {static_cast<std::uint8_t>(group | (what.active ? 0x08 : 0) | static_cast<int>(what.kind))};
  }
  constexpr bool operator==(const DataCodingOctet&) const noexcept = default;

 private:
  [[nodiscard]] constexpr CodedAlphabet smpp_alphabet() const noexcept {
    switch (octet) {
      case 0x00: return CodedAlphabet::smsc_default;
      case 0x01: return CodedAlphabet::ascii;
      case 0x03: return CodedAlphabet::latin1;
      case 0x02:
      case 0x04: return CodedAlphabet::octets;
      case 0x05: return CodedAlphabet::jis;
      case 0x06: return CodedAlphabet::cyrillic;
      case 0x07: return CodedAlphabet::hebrew;
      case 0x08: return CodedAlphabet::ucs2;
      case 0x09: return CodedAlphabet::pictogram;
      case 0x0A: return CodedAlphabet::iso_2022_jp;
      case 0x0D: return CodedAlphabet::kanji_jis;
      case 0x0E: return CodedAlphabet::ks_c_5601;
      default: return CodedAlphabet::reserved;
    }
  }
  [[nodiscard]] static constexpr CodedAlphabet gsm_alphabet(int bits) noexcept {
    constexpr CodedAlphabet kByBits[4] = {CodedAlphabet::gsm7, CodedAlphabet::octets, CodedAlphabet::ucs2,
                                          CodedAlphabet::reserved};
    return kByBits[bits];
  }
};

}  // namespace smppd::smpp
