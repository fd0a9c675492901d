// The one description of every PDU body: view, builder, checker, JSON dump and docs/conformance.md derive from it.
// Constant data, any thread. SMPP 3.3 §6, 3.4 §4, 5.0 §4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "smpp/internal/lists.h"
#include "smpp/tlv.h"
#include "smpp/values.h"

namespace smppd::smpp {

enum class Field : std::uint8_t {
#define SMPPD_X(name) name,
  SMPPD_SMPP_FIELDS(SMPPD_X)
#undef SMPPD_X
      none,  // no field: the header, the TLVs or the PDU as a whole
};
inline constexpr std::size_t kFieldCount = static_cast<std::size_t>(Field::none);

[[nodiscard]] std::string_view name_of(Field field) noexcept;
[[nodiscard]] Field parse_field(std::string_view name) noexcept;  // Field::none if there is no such field

// How a field lies on the wire. The last four take their length or count from the u8 field just before them.
enum class FieldKind : std::uint8_t {
  u8,
  cstring,       // up to `max` octets including the NUL
  date,          // a cstring of 1 or `max` octets
  octets,        // up to `max` octets
  destinations,  // dest_flag, then an SME address or a distribution list name; submit_multi
  unsuccess,     // SME address and error_status_code; submit_multi_resp
  message_ids,   // cstrings of up to `max` octets; query_last_msgs_resp
};

[[nodiscard]] constexpr bool is_counted(FieldKind kind) noexcept { return kind >= FieldKind::octets; }

// Longest encoding of one address in a list: 3.4 §5.2.25.
inline constexpr std::uint16_t kListAddressMax = 21;

struct FieldSpec {
  Field field = Field::none;
  FieldKind kind = FieldKind::u8;
  std::array<std::uint16_t, 3> max{};  // octets, by version_index()
  CommandStatus fault{};               // what a peer is told when this field is wrong
};

[[nodiscard]] constexpr std::size_t version_index(Version version) noexcept {
  return version == Version::v33 ? 0 : (version == Version::v34 ? 1 : 2);
}

inline constexpr std::size_t kMaxFields = 18;

struct PduSpec {
  CommandId id{};
  std::string_view name;
  std::uint8_t field_count = 0;
  std::array<FieldSpec, kMaxFields> fields{};
  std::array<bool, 3> in_version{};               // by version_index()
  std::array<std::uint8_t, kFieldCount> index{};  // position of each field, kMaxFields if absent
  std::span<const TlvTag> tlvs;                   // the TLVs the specifications allow here...
  Version tlvs_since = Version::v34;              // ...from this version on

  [[nodiscard]] constexpr bool has_version(Version version) const noexcept {
    return in_version[version_index(version)];
  }
  // Position of the field in the body; field_count or more when the PDU has no such field.
  [[nodiscard]] constexpr std::size_t index_of(Field field) const noexcept {
    return field == Field::none ? kMaxFields : index[static_cast<std::size_t>(field)];
  }
  [[nodiscard]] constexpr bool has(Field field) const noexcept { return index_of(field) < field_count; }
  [[nodiscard]] constexpr std::span<const FieldSpec> body() const noexcept { return {fields.data(), field_count}; }
  [[nodiscard]] bool allows(TlvTag tag) const noexcept;
};

// Null for a command_id that no version has. O(1).
[[nodiscard]] const PduSpec* spec_of(CommandId id) noexcept;

// Every PDU: requests before their responses, in the order of the specification's chapters.
[[nodiscard]] std::span<const PduSpec> all_pdus() noexcept;

}  // namespace smppd::smpp
