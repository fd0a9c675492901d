// A checked view of one PDU, borrowed from the bytes it was decoded from. Shard-local; nothing here allocates or
// throws.
//
// Lifetime: every string_view and span a PduView hands out points into the bytes given to decode() and dies with them:
// for a PDU read from a connection that is the end of the handler that was given it.
// Invariant after a successful decode(): every field and TLV lies inside those bytes. After a failed one the view has a
// header (if there were 16 octets) and no fields.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "smpp/internal/entry_range.h"
#include "smpp/pdu_table.h"
#include "smpp/tlv.h"
#include "smpp/values.h"

namespace smppd::smpp {

inline constexpr std::size_t kHeaderSize = 16;

// 3.4 §3.2.
struct Header {
  std::uint32_t command_length = 0;
  CommandId command_id{};
  CommandStatus command_status{};
  std::uint32_t sequence_number = 0;
  bool operator==(const Header&) const noexcept = default;
};

[[nodiscard]] inline Header read_header(const std::uint8_t* at16) noexcept {
  return {load_be<std::uint32_t>(at16), static_cast<CommandId>(load_be<std::uint32_t>(at16 + 4)),
          static_cast<CommandStatus>(load_be<std::uint32_t>(at16 + 8)), load_be<std::uint32_t>(at16 + 12)};
}
inline void write_header(std::uint8_t* at16, const Header& header) noexcept {
  store_be(at16, header.command_length);
  store_be(at16 + 4, static_cast<std::uint32_t>(header.command_id));
  store_be(at16 + 8, static_cast<std::uint32_t>(header.command_status));
  store_be(at16 + 12, header.sequence_number);
}

// Why a PDU was not accepted. The bytes around it are still framed: the session may live on.
enum class Fault : std::uint8_t {
  none,
  length,           // fewer than 16 octets, or command_length is not the number of octets given
  unknown_command,  // no version has this command_id
  truncated,        // the PDU ends inside or before `field`
  too_long,         // `field` is longer than any version allows (strict only) or than a view can address
  no_nul,           // a C-string that is not the last thing in the PDU, or any (strict only), lacks its NUL
  sm_length,        // sm_length contradicts the body
  dest_flag,        // neither SME address nor distribution list
  tlv_stream,       // the octets after the mandatory part are no TLVs
  trailing,         // octets after a body that has no TLVs
};

// What was put up with; bits, so that a peer's habits can be counted. interop rows 19-24.
enum Leniency : std::uint8_t {
  kNothingForgiven = 0,
  kNoBody = 1,          // a response without the body its table has
  kShortBody = 2,       // an error response that ends early, for instance after one 0x00
  kMissingNul = 4,      // the last C-string runs to the end of the PDU
  kLongText = 8,        // a C-string longer than any version allows
  kStrayOctets = 16,    // octets after the body that are no TLVs; not part of any field
  kTlvsWithoutId = 32,  // an error response that starts with TLVs where message_id belongs
};

enum class Strictness : std::uint8_t { lenient, strict };

struct DecodeResult {
  Fault fault = Fault::none;
  Field field = Field::none;
  std::uint8_t leniency = kNothingForgiven;        // Leniency bits
  CommandStatus status = CommandStatus::ESME_ROK;  // what to answer
  [[nodiscard]] bool ok() const noexcept { return fault == Fault::none; }
  explicit operator bool() const noexcept { return ok(); }
};

[[nodiscard]] std::string_view name_of(Fault fault) noexcept;

// Positions in submit_sm and deliver_sm, which have the same body.
enum class MessageField : std::uint8_t {
  service_type,
  source_addr_ton,
  source_addr_npi,
  source_addr,
  dest_addr_ton,
  dest_addr_npi,
  destination_addr,
  esm_class,
  protocol_id,
  priority_flag,
  schedule_delivery_time,
  validity_period,
  registered_delivery,
  replace_if_present_flag,
  data_coding,
  sm_default_msg_id,
  sm_length,
  short_message,
};
inline constexpr std::size_t kMessageFields = 18;

class PduView {
 public:
  PduView() noexcept = default;

  // `pdu` is one whole PDU, header included, as the framer cuts it. May be called again to reuse the object.
  DecodeResult decode(ByteSpan pdu, Strictness strictness = Strictness::lenient) noexcept;
  // What decode() would make of `pdu`, whose writer knows: the octets of `original`, a message_layout(), up to its
  // text, then a text of `text_size` octets and whole TLVs.
  void follow(const PduView& original, ByteSpan pdu, std::size_t text_size) noexcept;

  // All zero before a decode() that was given at least 16 octets.
  [[nodiscard]] Header header() const noexcept { return size_ < kHeaderSize ? Header{} : read_header(base_); }
  [[nodiscard]] CommandId id() const noexcept { return header().command_id; }
  [[nodiscard]] CommandStatus status() const noexcept { return header().command_status; }
  [[nodiscard]] std::uint32_t sequence_number() const noexcept { return header().sequence_number; }
  [[nodiscard]] ByteSpan bytes() const noexcept { return {base_, size_}; }
  [[nodiscard]] const PduSpec* spec() const noexcept { return spec_; }

  // Whether the field is in this PDU's bytes (an error response may have none of its table's fields).
  [[nodiscard]] bool has(Field field) const noexcept { return spec_ != nullptr && spec_->index_of(field) < present_; }

  // Each answers with an empty or zero value when the field is absent.
  [[nodiscard]] std::string_view text(Field field) const noexcept {  // a C-string without its NUL
    const ByteSpan raw = field_bytes(field);
    if (raw.empty()) return {};
    return as_text(raw.back() == 0 ? raw.first(raw.size() - 1) : raw);
  }
  [[nodiscard]] std::uint8_t u8(Field field) const noexcept {
    const ByteSpan raw = field_bytes(field);
    return raw.empty() ? std::uint8_t{0} : raw.front();
  }
  [[nodiscard]] ByteSpan octets(Field field) const noexcept { return field_bytes(field); }
  // The field as it lies on the wire, a C-string with its NUL.
  [[nodiscard]] ByteSpan field_bytes(Field field) const noexcept {
    if (!has(field)) return {};
    const std::size_t i = spec_->index_of(field);
    return {base_ + at_[i], static_cast<std::size_t>(at_[i + 1] - at_[i])};
  }

  // The same by position in spec(), for callers that have checked message_layout(): a load each, no table.
  [[nodiscard]] bool message_layout() const noexcept {
    return present_ == kMessageFields && (spec_->id == CommandId::submit_sm || spec_->id == CommandId::deliver_sm);
  }
  [[nodiscard]] std::string_view text_at(MessageField field) const noexcept {
    const auto i = static_cast<std::size_t>(field);
    return as_text({base_ + at_[i], static_cast<std::size_t>(at_[i + 1] - at_[i] - 1)});
  }
  // The octet of a field, and those of the single octets after it.
  [[nodiscard]] const std::uint8_t* data_at(MessageField field) const noexcept {
    return base_ + at_[static_cast<std::size_t>(field)];
  }
  [[nodiscard]] std::uint8_t u8_at(MessageField field) const noexcept { return *data_at(field); }
  // Where in bytes() each field begins and, last, where the body ends.
  using MessageOffsets = std::array<std::uint16_t, kMessageFields + 1>;
  [[nodiscard]] const MessageOffsets& message_offsets() const noexcept { return at_; }
  [[nodiscard]] ByteSpan short_message() const noexcept {
    constexpr auto kIndex = static_cast<std::size_t>(MessageField::short_message);
    return {base_ + at_[kIndex], static_cast<std::size_t>(at_[kIndex + 1] - at_[kIndex])};
  }

  [[nodiscard]] EntryRange<Destination> destinations() const noexcept {
    return {field_bytes(Field::dest_address), u8(Field::number_of_dests)};
  }
  [[nodiscard]] EntryRange<Unsuccess> unsuccess() const noexcept {
    return {field_bytes(Field::unsuccess_sme), u8(Field::no_unsuccess)};
  }
  [[nodiscard]] EntryRange<std::string_view> message_ids() const noexcept {
    return {field_bytes(Field::message_ids), has(Field::message_ids) ? u8(Field::num_msgs) : std::size_t{0}};
  }

  [[nodiscard]] ByteSpan tlv_bytes() const noexcept { return {base_ + tlvs_at_, tlvs_size_}; }
  [[nodiscard]] TlvRange tlvs() const noexcept { return TlvRange(tlv_bytes()); }
  // The first with that tag; the typed ones are empty also when the value has no such form.
  [[nodiscard]] std::optional<ByteSpan> tlv(TlvTag tag) const noexcept { return find_tlv(tlv_bytes(), tag); }
  [[nodiscard]] std::optional<std::uint8_t> tlv_u8(TlvTag tag) const noexcept { return tlv_number<std::uint8_t>(tag); }
  [[nodiscard]] std::optional<std::uint16_t> tlv_u16(TlvTag tag) const noexcept {
    return tlv_number<std::uint16_t>(tag);
  }
  [[nodiscard]] std::optional<std::uint32_t> tlv_u32(TlvTag tag) const noexcept {
    return tlv_number<std::uint32_t>(tag);
  }
  [[nodiscard]] std::optional<std::string_view> tlv_text(TlvTag tag) const noexcept {
    const auto value = tlv(tag);
    if (!value) return std::nullopt;
    return smpp::tlv_text(*value);
  }

 private:
  friend class Decoder;

  bool decode_message() noexcept;
  // at_[index] and the three after it become `first` and the numbers after it.
  void count_up(std::size_t index, std::uint64_t first) noexcept {
    constexpr std::uint64_t kSteps =
        std::endian::native == std::endian::little ? 0x0003'0002'0001'0000U : 0x0000'0001'0002'0003U;
    const std::uint64_t four = first * 0x0001'0001'0001'0001U + kSteps;
    std::memcpy(&at_[index], &four, sizeof four);
  }

  template <typename Number>
  [[nodiscard]] std::optional<Number> tlv_number(TlvTag tag) const noexcept {
    const auto value = tlv(tag);
    const auto number = value ? tlv_integer(*value) : std::nullopt;
    if (!number || *number > static_cast<Number>(-1)) return std::nullopt;
    return static_cast<Number>(*number);
  }

  const std::uint8_t* base_ = nullptr;
  const PduSpec* spec_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t tlvs_at_ = 0;
  std::uint32_t tlvs_size_ = 0;
  std::uint8_t present_ = 0;                        // fields, always the first ones of the table
  std::array<std::uint16_t, kMaxFields + 1> at_{};  // field i is [at_[i], at_[i + 1])
};

}  // namespace smppd::smpp
