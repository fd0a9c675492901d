// Delivery receipts: the text of SMPP 3.4 Appendix B as peers really write it, and the TLVs that may carry the same.
//
// On the message path: noexcept, no allocation. A Receipt is a set of views into the text and TLVs it was read from and
// lives as long as those do. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "smpp/values.h"

namespace smppd::smpp {

// network_error_code TLV (0x0423).
struct NetworkError {
  std::uint8_t network_type = 0;  // 3 = GSM; 0 when the peer sent ASCII digits instead
  std::uint16_t code = 0;
  bool operator==(const NetworkError&) const noexcept = default;
};

struct Receipt {
  std::string_view id;           // empty: absent, as for all views below
  std::string_view sub;          // "001"
  std::string_view dlvrd;        // "001"
  std::string_view submit_date;  // as written; see parse_receipt_date
  std::string_view done_date;
  std::string_view stat;                  // the word itself
  std::string_view err;                   // as written: "000", "0x1F", "nul"...
  std::string_view text;                  // to the end of the receipt
  std::optional<MessageState> state;      // from `stat` or message_state; a word nobody knows is `unknown`
  std::optional<std::uint32_t> err_code;  // `err` as a number where it is one
  std::optional<NetworkError> network_error;

  // Enough to find the message and tell its fate.
  [[nodiscard]] bool usable() const noexcept { return !id.empty() && state.has_value(); }
};

// Finds the fields in any order and letter case, with ':' or '=' after the name, blanks, '&', ',' or ';' between
// fields; what is absent stays empty. `text` takes all that follows it. Never fails: a text that is no receipt has no
// fields.
void parse_receipt(std::string_view text, Receipt& receipt) noexcept;  // the receipt is a new one
[[nodiscard]] inline Receipt parse_receipt(std::string_view text) noexcept {
  Receipt receipt;
  parse_receipt(text, receipt);
  return receipt;
}

// Of a text that is the specification's to the letter, with a state that it has a word for: the id and the state, which
// are what parse_receipt() finds, and the word is written as receipt_word() has it but for the case of its letters.
// False for all others, and the two are as they may be.
[[nodiscard]] bool read_standard_receipt(std::string_view text, std::string_view& id, MessageState& state) noexcept;

// The TLVs of a deliver_sm or data_sm, absent as nullopt. The id's trailing NULs are not part of it.
struct ReceiptTlvs {
  std::optional<std::string_view> receipted_message_id;  // 0x001E
  std::optional<std::uint8_t> message_state;             // 0x0427
  std::optional<ByteSpan> network_error_code;            // 0x0423
};

// Of a message_state TLV.
[[nodiscard]] MessageState message_state_of(std::uint8_t octet) noexcept;

// TLVs win field by field; the text supplies what they lack.
void merge_receipt(Receipt& receipt, const ReceiptTlvs& tlvs) noexcept;
[[nodiscard]] inline Receipt read_receipt(std::string_view text, const ReceiptTlvs& tlvs) noexcept {
  Receipt receipt = parse_receipt(text);
  merge_receipt(receipt, tlvs);
  return receipt;
}

// Three octets: type and 16-bit code, or three ASCII digits as some peers send. nullopt for any other length.
[[nodiscard]] std::optional<NetworkError> parse_network_error(ByteSpan value) noexcept;

// Standard words, their common misspellings, and a lone digit that is the state's octet. nullopt for any other word.
[[nodiscard]] std::optional<MessageState> receipt_state_of(std::string_view word) noexcept;
// The seven-letter word of the specification ("DELIVRD"); "UNKNOWN" for octets without one.
[[nodiscard]] std::string_view receipt_word(MessageState state) noexcept;

// Decimal, or hexadecimal if marked by 0x or by a digit a-f. nullopt for "nul", words and more than 32 bits.
[[nodiscard]] std::optional<std::uint32_t> receipt_error_number(std::string_view err) noexcept;

// 10 digits YYMMDDhhmm, 12 YYMMDDhhmmss (or, if those make no date, YYYYMMDDhhmm), 14 YYYYMMDDhhmmss; "2024-01-31
// 12:00:00" too. `utc_offset`: of the clock the peer writes. All zeros and anything else is nullopt.
[[nodiscard]] std::optional<WallTime> parse_receipt_date(std::string_view text,
                                                         std::chrono::minutes utc_offset = {}) noexcept;

// Whether an unflagged deliver_sm is a receipt in disguise: an id, a standard state, and one more field of a receipt,
// and the text begins with one of them.
[[nodiscard]] bool looks_like_receipt(std::string_view text) noexcept;

struct ReceiptFields {
  std::string_view id;
  std::uint16_t submitted = 1;
  std::uint16_t delivered = 0;
  WallTime submit_date{};
  WallTime done_date{};
  bool seconds = false;  // YYMMDDhhmmss instead of the specification's YYMMDDhhmm
  MessageState state = MessageState::unknown;
  std::string_view err = "000";
  std::string_view text;  // its first 20 octets are written
  std::chrono::minutes utc_offset{};
};

// The text of Appendix B, field by field. Octets written, 0 when `out` is too small (kMaxReceipt never is, for ids of
// 65 octets and an err of 16).
inline constexpr std::size_t kMaxReceipt = 256;
[[nodiscard]] std::size_t write_receipt(const ReceiptFields& fields, std::span<char> out) noexcept;

// Copies `text` with only the id's octets changed. nullopt when there is no id or `out` is too small.
[[nodiscard]] std::optional<std::size_t> rewrite_receipt_id(std::string_view text, std::string_view new_id,
                                                            std::span<char> out) noexcept;

}  // namespace smppd::smpp
