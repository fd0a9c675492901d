// Encodes any PDU from the same table the view decodes with, and edits one that was received.
// Owns its bytes; shard-local. reset() and from() keep the memory, so a long-lived builder stops allocating.
//
// Mistakes (a field the PDU lacks, text that is too long) are remembered and reported by encode(), first one first, so
// calls can be chained. Invariant: encode() either writes one PDU that decodes strictly, or nothing.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "smpp/pdu_table.h"
#include "smpp/pdu_view.h"
#include "smpp/tlv.h"
#include "smpp/values.h"

namespace smppd::smpp {

enum class EncodeProblem : std::uint8_t {
  unknown_command,
  not_in_version,  // the version has no such PDU
  no_such_field,   // not in this PDU
  wrong_kind,      // text for a number, a number for text, or a length or count that follows from its list
  out_of_range,    // the number does not fit one octet
  too_long,        // more octets than the version allows
  embedded_nul,    // NUL inside a C-string
  too_many,        // more list entries than the version allows
  tlv_too_long,    // a TLV value of more than 65535 octets
  payload_in_v33,  // message_payload holds the text, and 3.3 has no TLVs
  no_room,         // the span given is too small
};

struct EncodeFault {
  EncodeProblem problem{};
  Field field = Field::none;
  TlvTag tag{};
  bool operator==(const EncodeFault&) const noexcept = default;
};

[[nodiscard]] std::string_view name_of(EncodeProblem problem) noexcept;
// "source_addr: too_long".
[[nodiscard]] std::string describe(const EncodeFault& fault);

using Encoded = std::expected<std::size_t, EncodeFault>;  // octets written

class PduBuilder {
 public:
  PduBuilder() noexcept = default;
  PduBuilder(CommandId id, Version version) { reset(id, version); }

  // Starts an empty PDU: every number 0, every text empty, no TLVs.
  PduBuilder& reset(CommandId id, Version version) noexcept;
  // Starts as a copy of a decoded PDU, for a peer of `version`; TLVs are kept verbatim and in order, unknown ones too.
  PduBuilder& from(const PduView& view, Version version);

  // A C-string or the octets of short_message. Lengths and counts (sm_length, number_of_dests, no_unsuccess) are
  // derived.
  PduBuilder& set(Field field, std::string_view value);
  PduBuilder& set(Field field, ByteSpan value) { return set(field, as_text(value)); }
  PduBuilder& set(Field field, const char* value) { return set(field, std::string_view(value)); }
  template <typename Number>
    requires(std::integral<Number> || std::is_enum_v<Number>)
  PduBuilder& set(Field field, Number value) {
    return set_number(field, static_cast<std::uint64_t>(value));
  }

  // Entries of the PDU's list, in order; clear_list() drops those a copy started with.
  PduBuilder& add_destination(const Destination& destination);
  PduBuilder& add_unsuccess(const Unsuccess& unsuccess);
  PduBuilder& add_message_id(std::string_view message_id);
  PduBuilder& clear_list() noexcept;

  PduBuilder& add_tlv(TlvTag tag, ByteSpan value);
  PduBuilder& add_tlv_u8(TlvTag tag, std::uint8_t value);
  PduBuilder& add_tlv_u16(TlvTag tag, std::uint16_t value);
  PduBuilder& add_tlv_u32(TlvTag tag, std::uint32_t value);
  PduBuilder& add_tlv_text(TlvTag tag, std::string_view value);  // adds the NUL
  // Every TLV of that tag; false if there was none.
  bool remove_tlv(TlvTag tag);
  // Takes the place of the first TLV of that tag, or goes last; further ones of that tag are removed.
  PduBuilder& replace_tlv(TlvTag tag, ByteSpan value);

  [[nodiscard]] CommandId id() const noexcept { return id_; }
  [[nodiscard]] Version version() const noexcept { return version_; }
  [[nodiscard]] ByteSpan tlv_bytes() const noexcept { return tlvs_; }

  // What the version demands is applied here: no TLVs in 3.3; the body of a response is left out when `status` is an
  // error, in 3.3 and 3.4 (3.4 §4.4.2; data_sm_resp keeps it if it has TLVs to tell the reason), and kept in 5.0.
  // Appends to `out`.
  [[nodiscard]] Encoded encode(std::vector<std::uint8_t>& out, CommandStatus status, std::uint32_t sequence) const;
  [[nodiscard]] Encoded encode(std::span<std::uint8_t> out, CommandStatus status,
                               std::uint32_t sequence) const noexcept;

 private:
  // A number lies in `at`; text is arena_[at, at + size).
  struct Value {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Plan {
    std::size_t size = 0;
    bool body = false;
    bool tlvs = false;
  };

  // Of a submit_sm or deliver_sm: it lies at the front of arena_, and encode() copies what is between the fields that
  // were set as it is.
  void copy_message(const PduView& view);
  [[nodiscard]] std::expected<std::size_t, EncodeFault> copied_body_size() const noexcept;
  [[nodiscard]] std::uint8_t* write_copied_body(std::uint8_t* at) const noexcept;

  PduBuilder& set_number(Field field, std::uint64_t value) noexcept;
  PduBuilder& fail(EncodeProblem problem, Field field, TlvTag tag = {}) noexcept;
  [[nodiscard]] const FieldSpec* field_spec(Field field) noexcept;
  [[nodiscard]] bool derived(std::size_t index) const noexcept;
  [[nodiscard]] bool list_of(FieldKind kind, Field field) noexcept;
  void copy_list(const PduView& view, const FieldSpec& field);
  void append_list_text(std::string_view text, std::size_t max, Field field);
  [[nodiscard]] std::expected<Plan, EncodeFault> plan(CommandStatus status) const noexcept;
  [[nodiscard]] std::expected<std::size_t, EncodeFault> body_size() const noexcept;
  [[nodiscard]] std::expected<std::size_t, EncodeFault> field_size(std::size_t index) const noexcept;
  [[nodiscard]] std::uint8_t* write_field(std::uint8_t* at, std::size_t index) const noexcept;
  void write(std::uint8_t* at, const Plan& plan, CommandStatus status, std::uint32_t sequence) const noexcept;

  CommandId id_{};
  Version version_ = Version::v34;
  const PduSpec* spec_ = nullptr;
  bool failed_ = false;
  EncodeFault fault_{};
  std::array<Value, kMaxFields> values_{};
  bool copied_ = false;               // copy_message()
  std::uint32_t changed_ = 0;         // bit i: values_[i] counts, not the copy's field
  PduView::MessageOffsets places_{};  // in arena_: field i of the copy is [places_[i], places_[i + 1])
  std::vector<std::uint8_t> arena_;
  std::vector<std::uint8_t> list_;
  std::size_t list_count_ = 0;
  bool list_long_ = false;  // an entry's address or id is longer than any version allows
  std::vector<std::uint8_t> tlvs_;
};

// The two responses of the hot path, written without a builder. Each returns the octets written.

// `out` has room for 16.
inline std::size_t write_bare(std::uint8_t* out, CommandId id, CommandStatus status, std::uint32_t sequence) noexcept {
  write_header(out, {static_cast<std::uint32_t>(kHeaderSize), id, status, sequence});
  return kHeaderSize;
}

// `out` has room for 17 + message_id.size(). For submit_sm_resp, data_sm_resp and deliver_sm_resp (empty id).
inline std::size_t write_response_with_id(std::uint8_t* out, CommandId id, CommandStatus status, std::uint32_t sequence,
                                          std::string_view message_id) noexcept {
  const std::size_t size = kHeaderSize + message_id.size() + 1;
  write_header(out, {static_cast<std::uint32_t>(size), id, status, sequence});
  if (!message_id.empty()) std::memcpy(out + kHeaderSize, message_id.data(), message_id.size());
  out[size - 1] = 0;
  return size;
}

}  // namespace smppd::smpp
