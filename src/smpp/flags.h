// esm_class and registered_delivery as typed octets. Pure values, any thread.
//
// Each struct is the octet itself: what is not understood is kept.
#pragma once

#include <cstdint>

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

// Whether SMPP (3.4 §5.2.19, 0x00-0x0F) or 3GPP 23.038 §4 gives this data_coding a meaning; text/charset.h reads it.
[[nodiscard]] constexpr bool is_standard_data_coding(std::uint8_t octet) noexcept {
  if (octet <= 0x0F) return octet != 0x0B && octet != 0x0C && octet != 0x0F;
  if (octet < 0x80) return (octet & 0x0C) != 0x0C;
  return octet >= 0xC0;
}

}  // namespace smppd::smpp
